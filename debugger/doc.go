// Package debugger keeps an editor's debugging session while the program's generations come and go.
//
// # The invariant
//
// A debugger gives out numbers for frames, variables, breakpoints and addresses of one generation. No such number is
// ever passed to the debugger of another generation. If the editor, dlv, a generation or hotreload ends, the program
// continues without breakpoints, and nothing waits for the ended party.
//
// # Theory of operation
//
// The Keeper listens on a loopback address. Editors connect to this address, and speak the Debug Adapter Protocol as
// with dlv. The Keeper runs the user's own dlv, one for each generation, as `dlv dap --client-addr unix:PATH`: this dlv
// connects to the Keeper, serves one session, and exits.
//
//	editor <-- one session --> Keeper <-- backend 1 --> dlv dap, attached to generation 12
//	                                  <-- backend 2 --> dlv dap, attached to generation 13
//
// One goroutine owns the session (session.go), a state machine without effects: its methods are inputs and append
// actions, and the Keeper carries out the actions (keeper.go). Most messages are passed on with other numbers (ids.go):
//
//	message                   | effect
//	--------------------------+----------------------------------------------------------------------------------
//	initialize                | starts the first backend, whose answer is passed on; remembered for later ones
//	attach                    | remembered; hotreload builds with debug information; answered with the backend's
//	                          | answer to an attach to the process
//	set…Breakpoints           | remembered, passed on; answered as not verified while there is no program
//	configurationDone         | passed on while a program waits for breakpoints, else answered
//	restart                   | answered; the program is replaced, or the waiting generation takes over
//	disconnect, terminate     | answered; the backend detaches, and the program runs on
//	continue                  | passed on; a waiting generation takes over instead
//	others                    | passed on, unless a number belongs to an older generation
//	event initialized         | passed on for each generation, so editors send their breakpoints anew
//	events terminated, exited | not passed on: the session outlives the program
//
// A worker of a new generation waits before its main (supervisor.Held), so breakpoints at the start are hit. The
// session detaches from the old generation and attaches to the new one. A second event `initialized` makes the editor
// send its breakpoints again; after replayAfter without breakpoints, the Keeper sets the remembered ones. Then the
// worker is released. If the program is stopped at a breakpoint when a new generation comes, the new generation waits
// until the user continues the old one, presses r, or chooses restart in the editor.
//
// If a generation fails before it serves, the session returns to the serving generation. If dlv is killed, its
// breakpoints stay in the program as instructions which would crash the program, so the program is replaced.
//
// GoLand and dlv connect speak JSON-RPC, dlv's own protocol, and debug one process. The first byte of a connection
// tells the protocol. A client with JSON-RPC gets a headless dlv for the present generation, `dlv attach PID
// --headless`. This dlv serves one connection and exits. All messages are passed on (remote.go), but the client cannot
// kill the program. A new generation ends the connection at once, or, if the program is stopped, at the next continue.
// For the time of expectFor, builds keep their debug information, and the next connection gets the serving generation.
//
// # What the package does not do
//
// The package neither builds nor starts programs: it asks for both by the functions of Config. The package serves one
// client at a time, because a process has at most one debugger.
package debugger
