// Package host is the supervisor's side of the agent: it holds a service's listeners, hands them to workers, and
// passes on the agents' reports.
//
// # Theory of operation
//
// Every worker gets a token in its environment (Admit). The worker's agent connects to the host's socket and sends
// the token; from then on the connection belongs to this worker. One goroutine reads from each connection and ends
// with it. The results are Events. Package protocol documents the protocol.
//
// The listeners are in sockets.go. When a worker asks for an address, it sends a socket bound to this address, with all
// options set by the program. For the first worker, this very socket becomes the listener and stays in hotreload; each
// later worker gets the listener in place of its own socket. Ports requested as 0 are distinguished by their order in
// each worker's life. When the last worker with a listener exits, hotreload closes the listener, provided another
// worker already serves without this listener.
//
// A connection that a worker gives away is offered to a ready worker of the newest generation that accepts on the
// same listener (move.go). One mutex decides once who owns the connection: a connection not taken in time stays with
// the old owner.
//
// A process of the same program, started by a worker, is the worker's kin (kin.go): requests to the worker go to its
// kin, too, and the answers are combined. Listeners that workers make without net.Listen, with SO_REUSEPORT, are
// shared as well (shared.go).
//
// A Unix path can be bound only if the path does not exist, and programs remove the path themselves, before the bind or
// when they close. So hotreload's socket has a second, hidden name beside the path. From this name hotreload restores
// the path by rename(2), without a moment in which the path is missing. Only for a worker's own bind must the path be
// missing: from the removal (by the agent, or by the program itself) to the bind. Then the agent moves a third name of
// hotreload's socket to the path, without waiting for an answer.
//
// # Invariants
//
//   - A connection without a token never occupies more memory than a Hello's length, and can never pass a
//     descriptor.
//   - No lock is held while an event is passed on, or while waiting for the network, except for Host.telling, which
//     keeps events in order.
//
// # What it does not do
//
// This package starts no process and decides nothing about workers.
package host
