// Package debugger keeps an editor's debugging session while the program's generations come and go.
//
// # The invariant
//
// No number that a debugger has given out for one generation (a frame, a variable, a breakpoint, an address) is ever
// passed to the debugger of another one. And whatever ends, the editor, dlv, a generation or hotreload, the program
// runs on without breakpoints, and nothing waits for what is gone.
//
// # Theory of operation
//
// The Keeper listens on a loopback address. An editor that connects there speaks the Debug Adapter Protocol, as to dlv.
// The Keeper runs the user's own dlv, one for each generation, as `dlv dap --client-addr unix:PATH`: this dlv dials the
// Keeper, serves one session and ends with it.
//
//	editor <-- one session --> Keeper <-- backend 1 --> dlv dap, attached to generation 12
//	                                  <-- backend 2 --> dlv dap, attached to generation 13
//
// One goroutine owns the session (session.go), which is a state machine without effects: its methods are inputs, and
// append actions, which the Keeper carries out (keeper.go). Most messages pass through with other numbers (ids.go):
//
//	message                   | what happens to it
//	--------------------------+----------------------------------------------------------------------------------
//	initialize                | starts the first backend, whose answer is passed on; remembered for later ones
//	attach                    | remembered; hotreload builds with debug information; answered with the backend's
//	                          | answer to an attach to the process
//	set…Breakpoints           | remembered, passed on; answered as not verified while there is no program
//	configurationDone         | passed on while a program waits for it, else answered
//	restart                   | answered; the program is replaced, or the generation that waits takes over
//	disconnect, terminate     | answered; the backend detaches, and the program runs on
//	continue                  | passed on; if a generation waits, it takes over instead
//	others                    | passed on, unless they name what belongs to an older generation
//	event initialized         | passed on for each generation, so editors send their breakpoints anew
//	events terminated, exited | not passed on: the session outlives the program
//
// A worker of a new generation waits before its main (supervisor.Held), so that breakpoints at the start are hit. The
// session detaches from the old generation and attaches to the new one. The editor sends its breakpoints, because it
// hears `initialized` again; if it does not within replayAfter, the Keeper sets those that it remembers. Then the
// worker is released. If the program stands at a breakpoint when a new generation comes, this one waits until the
// person continues, or asks for it (key r, restart in the editor).
//
// If a generation fails before it serves, the session goes back to the one that serves. If dlv ends by itself, its
// breakpoints stay in the program as instructions that would end it, so the program is replaced.
//
// GoLand and dlv connect speak JSON-RPC, dlv's own protocol, in which a client debugs one process. The first byte tells
// the protocol. Such a client gets a headless dlv for the present generation, `dlv attach PID --headless`, which serves
// one connection and ends with it. Everything passes through (remote.go), but the client cannot kill the program. A new
// generation ends the connection, at once or, while the program stands still, when the person continues. For expectFor,
// builds then stay as they are, and a client that connects again gets the generation that serves.
//
// # What it does not do
//
// It builds and starts no program: it asks for that by the functions of its Config. One client is served at a time,
// because a process has at most one debugger.
package debugger
