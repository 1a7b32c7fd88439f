// Package host is the supervisor's side of the agent: it holds the listeners of a service and hands them to its
// workers, and passes on what the agents report.
//
// # Theory of operation
//
// Every worker gets a token in its environment (Admit). The agent in it connects to the host's socket and shows the
// token; from then on the connection is the worker's. One goroutine reads from each connection and ends with it; what
// it learns leaves as an Event. Package protocol has the conversation.
//
// The store of listeners is sockets.go. The first worker that asks for an address sends a socket that is bound to it,
// with all options that the program has set, and that very socket becomes the listener: it stays here, and whoever asks
// for the same address later gets it in the place of its own. Ports asked for as 0 are told apart by their order in
// each worker's life. A listener ends with its last user, if by then another worker serves without it.
//
// A Unix path can be bound only if it is free, and programs remove it themselves, before they bind or when they close.
// So a second name leads to our socket, hidden beside the path; from it the path is made to lead to us again, by
// rename(2), which leaves no moment without. The path leads nowhere from when a worker is about to bind (or removes it)
// until it has bound it: then the agent itself puts a third name of our socket there, and waits for nobody.
//
// # Invariants
//
//   - What a connection without a token sends is never more than a Hello's length in memory, and never a descriptor.
//   - No lock is held while an event is passed on or the network is waited for.
//
// # What it does not do
//
// It starts no process and decides nothing about workers.
package host
