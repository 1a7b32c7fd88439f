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
// Main turns arguments into a runner.Config and then is a reader of the runner's events: report.go says what each one
// means in words, console.go puts words and the workers' output on the same terminal without tearing lines, keys_*.go
// turn key presses and signals.go signals into runner commands.
//
// Exit codes: 0 after a stop that was asked for, 2 for bad usage or configuration, 1 for everything else.
package cli
