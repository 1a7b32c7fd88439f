// Package worker is for programs that want a say in how hotreload runs them. No program needs it: hotreload replaces
// one that knows nothing of hotreload, and no request is lost. It uses the standard library alone, and without
// hotreload every call is well and does nothing, so that the same program works in production.
//
//	worker.OnDrain(cache.Flush)                       // called when another takes over
//	worker.Report("warm", worker.Counter{Name: "entries", Value: n})
//	if n > most {
//		worker.Retire()                           // replace me, then I leave
//	}
//
// # The life of a worker
//
// ID and Generation say which one this is. Ready says that it serves, if accepting connections is not yet it. When
// another has taken over, Draining is closed and the functions given to OnDrain are called: finish what you have, and
// leave. A server need not leave by itself: when its connections are at an end, and the OnDrain functions have returned,
// it gets SIGTERM, as ever. A service that is not reloadable is not replaced: the functions given to OnReload are called
// instead. Retire asks for a successor.
//
// # Messages
//
// hotreload, and other programs through it, can send messages to workers: JSON documents of at most a megabyte. A loop
// over Messages takes them, one at a time; more loops take more at a time.
//
//	for m := range worker.Messages() {
//		m.Reply(work(m.Data))
//	}
//
// A message to a service goes to the next of its workers that is idle, that is, whose loop has come round. While
// workers are replaced it waits for a new one: the old one gets no more, and its loops end when they have dealt with
// what they have. A program that has no connections, but loops over messages, leaves by itself after that, within the
// grace. So the end of the loop means: finish and leave.
//
// Send goes the other way, to whoever listens to hotreload's events. What nobody wants to hear so fast waits, and Send
// with it.
//
// # Status
//
// Report keeps what is shown of the worker when somebody asks, with counters; OnQuery has a function called then
// instead. What is for the privileged only, others do not get to see.
//
// # Theory of operation
//
// hotreload names a Unix socket and a token in the environment; both are removed from it at the start, for what the
// worker starts is not the worker. The connection is made at the first call that needs it. One goroutine reads from it
// and lives as long as the program; functions that were given to this package run one after the other on goroutines of
// their own. Package wire has the conversation. If the connection ends, hotreload is gone, and that is as if it had said
// that the worker is to finish and leave.
//
// # What it does not do
//
// It does not end the program, and it does not touch signals, but for Messages without hotreload.
package worker
