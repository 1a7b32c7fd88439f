// Package core makes an unchanged Go program hand over its listeners. The package is linked into workers; package
// agent explains how. Core contains the logic and gets the standard library's hooks as a value; package hooks finds
// the hooks.
//
// The package uses only packages that package net uses already, and only the language of old Go versions, because a
// module's go line also decides the language of the agent.
//
// # Theory of operation
//
// Start does nothing unless the environment names the supervisor's socket. Otherwise Start sends Hello and replaces
// four variables of the standard library:
//
//	socket   prepares stream sockets so that bind succeeds beside the supervisor's listener
//	listen   sends the bound socket to the supervisor and gets the listener, which replaces the socket
//	accept   counts, and lets the caller wait while draining
//	close    learns when an accepted connection is closed
//
// state.go has the agent's knowledge of the program's sockets, and the consequences, without effects. link.go is the
// connection to the supervisor; share.go is for listeners made without net.Listen; kin.go for child processes that run
// the same program; agent.go contains the hooks themselves; move.go is for connections on their way to and from other
// workers; ownloops.go for the program's own event loops, which use no hook.
//
// One goroutine, (*agent).hearSupervisor, reads from the supervisor and lives as long as the program. Everything else
// runs on goroutines of the program, within its calls.
//
// # Invariants
//
//   - An accept is counted before it enters the kernel: after Parked no accept is running, and none will come.
//   - An accepted connection is known before accept returns, and forgotten before its descriptor is closed: a
//     descriptor number that the kernel reuses belongs to the new connection.
//   - Without the supervisor, the hooks behave like the functions that they have replaced.
package core
