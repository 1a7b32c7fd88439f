// Package cli contains the commands, the keys, and every line on the terminal. Only this package prints, and only this
// package uses colours.
//
// # Where output goes
//
// The worker's stdout and stderr go to hotreload's own, unchanged; with several workers each line gets a coloured
// prefix. hotreload's own lines go to stderr: one line per piece of news, in lower case, without a full stop, after a
// dim "[hotreload]". -q leaves only failures and requests to the user; -v adds details. A hint is a separate line below
// its sentence.
//
// # Theory of operation
//
// Main lets package settings turn arguments and hotreload.toml into a runner.Config, starts the runner and reads its
// events. report.go words these events (workers.go: the supervisor's). console.go puts hotreload's lines and the
// workers' output on the same terminal, without mixing lines. keys.go turns keys into commands for the runner;
// signals.go does the same for signals.
//
// The terminal is shared with the shell. hotreload uses it while in the foreground, and restores it before another
// process gets it: at the end, at Ctrl-Z, at SIGQUIT. Only a panic or kill -9 of hotreload leaves the terminal without
// echo, until the shell or `stty sane` repairs it.
//
// Exit codes: 0 after a requested stop, 2 for errors in usage or configuration, 1 for all other errors.
package cli
