// Package worker lets a program talk to hotreload. No program needs this package: hotreload replaces ordinary programs,
// too, and no request is lost. The package uses only the standard library. Without hotreload every call succeeds and
// does nothing, so the same program works in production.
//
//	worker.OnDrain(cache.Flush)                       // called when another worker takes over
//	worker.Report("warm", worker.Counter{Name: "entries", Value: n})
//	if n > most {
//		worker.Retire()                           // start my successor, then I exit
//	}
//
// # The life of a worker
//
// ID and Generation identify the worker. A program calls Ready if accepting connections is not enough to be ready. When
// another worker has taken over, Draining is closed and the functions given to OnDrain are called: finish and exit. A
// server need not exit by itself: after its connections have ended and the OnDrain functions have returned, it gets
// SIGTERM. A service with reloadable = false is not replaced; the functions given to OnReload are called instead.
// Retire asks for a successor.
//
// # Messages
//
// hotreload, and other programs through it, can send messages to workers: JSON documents of at most a megabyte. A loop
// over Messages receives them one at a time; several loops receive several at a time.
//
//	for m := range worker.Messages() {
//		m.Reply(work(m.Data))
//	}
//
// A message to a service goes to the next idle worker: one whose loop asks for a message. While workers are replaced,
// messages wait for a new worker. The old worker gets no more messages, and its loops end after the current ones. If
// the program has no connections, it then exits by itself, within the grace. So after the loop: finish and exit.
//
// Send goes the other way, to the readers of hotreload's events. Send waits if a worker sends faster than they read.
//
// # Status
//
// Report stores the worker's text and counters for queries. OnQuery instead sets a function, called for each query.
// Counters with the mark Privileged are shown only to clients with the token.
//
// # Theory of operation
//
// hotreload puts the path of a Unix socket and a token into the environment. The package removes both at the start,
// because the worker's child processes are not the worker. The first call that needs the connection opens it. One
// goroutine reads from it for the life of the program. Functions given to this package run one after the other on
// goroutines of their own. Package wire documents the protocol. If the connection ends, hotreload is gone; this has the
// effect of a request to finish and exit.
//
// # What it does not do
//
// This package does not end the program, and does not touch signals, except for Messages without hotreload.
package worker
