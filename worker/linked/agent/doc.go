// Package agent makes an unchanged Go program hand over its listeners: it is linked into workers, see package linked
// for how. This package has the logic and takes the standard library's hooks as a value; package hooks fetches them.
//
// It uses only what package net uses already, and the language of old Go versions, because a module's go line decides
// as which language the agent is compiled, too.
//
// # Theory of operation
//
// Start does nothing unless the environment names the supervisor's socket. Then it says hello and puts itself into
// four variables of the standard library:
//
//	socket   prepares stream sockets so that bind succeeds beside the supervisor's listener
//	listen   sends the bound socket to the supervisor and gets the listener, which takes the socket's place
//	accept   counts, and lets the caller wait while draining
//	close    knows when an accepted connection is gone
//
// state.go is what the agent knows of the program's sockets, and what follows from it; it has no effects. link.go is
// the connection to the supervisor, agent.go has the hooks themselves.
//
// One goroutine, (*agent).hearSupervisor, reads from the supervisor and lives as long as the program. Everything else
// runs on goroutines of the program, within its calls.
//
// # Invariants
//
//   - An accept is counted before it enters the kernel: after Parked there is none under way and none will come.
//   - An accepted connection is known before accept returns it, and forgotten before its descriptor is closed: a
//     number that the kernel gives out again belongs to the new connection.
//   - Without the supervisor the hooks do what the functions do whose place they took.
package agent
