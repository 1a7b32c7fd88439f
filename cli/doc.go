// Package cli is hotreload's face: the command line, the keys, and every line on the terminal. It is the only room
// that prints, and the only one that knows colours.
//
// # Who gets what
//
// The worker's stdout and stderr go to ours, as they are; with several workers each line gets a coloured prefix. All
// that hotreload itself has to say goes to stderr, one line for one piece of news, lower case, without a full stop,
// behind a dim "[hotreload]". -q leaves only what needs the user (failures), -v adds what is seldom asked for. A hint
// is a line of its own below the sentence that it belongs to.
//
// # Theory of operation
//
// Main turns arguments and hotreload.toml into a runner.Config (resolve.go, config.go) and then is a reader of the runner's events: report.go says in words what
// each one means (workers.go those of the supervisor), console.go puts words and the workers' output on the same
// terminal without tearing lines. keys.go turns keys into commands of the runner, signals.go signals.
//
// The terminal is shared with the shell. It is ours while we are in the foreground, and given back as it was whenever
// somebody else is next: at the end, at Ctrl-Z, at SIGQUIT. Only a panic or kill -9 of hotreload leaves it without echo,
// until the shell or `stty sane` mends it.
//
// Exit codes: 0 after a stop that was asked for, 2 for bad usage or configuration, 1 for everything else.
package cli
