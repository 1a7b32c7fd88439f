// Package supervisor keeps the workers of one service alive and replaces them, generation after generation, without
// losing a connection.
//
// # The invariant
//
// The supervisor owns the listening sockets for its whole life; workers only inherit them. So no client is refused,
// even while no worker runs: its connection waits in the kernel's accept queue. The addresses can change (relisten.go):
// the new sockets are open before the old ones close, and the old ones close after the workers have moved. There is
// always a good generation, too: the program of the serving generation is kept until a newer one has become ready, and
// starts again if the newer one fails.
//
// # Theory of operation
//
// Read the parts in this order:
//
//	member.go     one worker, as the machine knows it: its state, and the reports of its agent and its connection.
//	machine.go    all workers of the service: state and rules, no effects, no clock. Inputs call its methods; actions
//	              come out. ready.go, leave.go, death.go, alone.go, limits.go, onexit.go and streams.go are its rules.
//	strategy.go   the machine's main rule: which workers to start and to drain next. It looks at the state again
//	              after each input, so there is one rule instead of one script per strategy.
//	loop.go       the goroutine that owns the machine, the processes and the sockets. It waits for an input, lets it
//	              happen (inputs.go, clocks.go), and carries out the actions. Other goroutines wait for one thing each,
//	              and report it as an input.
//	supervisor.go the methods for other packages, each of which sends an input.
//
// The mechanisms are around them: listener.go and relisten.go (binding and owning sockets), launch.go (a worker's
// process, its environment and streams), output.go (what workers print), notify.go (READY=1), probe.go (HTTP),
// agents.go and lines.go (reports and messages from workers), beside.go (a worker's state next to old ones).
// supervisor/inspect reads /proc.
//
// # The life of a worker
//
//	           READY=1, probe, listens,
//	           or alive long enough        StableAfter
//	starting ------------------------> ready ----------> stable
//	 |  |  \                             |                 |
//	 |  |   \ superseded, stop           | replaced, stop  |
//	 |  |    \ StartTimeout              v                 v
//	 |  |     +------> killing <------ draining <----------+
//	 |  |                 |    Grace     |
//	 |  |                 v              v
//	 |  +-- exited -----> gone <---------+
//	 v
//	back-off of the service (nextDelay), then starting again; or, while an older generation can serve, the attempt
//	has failed, and the older one stays or comes back. A worker killed for StartTimeout counts as exited when it is gone.
//
// The service is blocked while Config.Allowed refuses; the supervisor asks it before each start. Running workers are
// left alone, and no serving worker is stopped for one that may not start. The block ends when Allowed permits starts
// again: the supervisor asks at Recheck, at each new request, and every recheckEvery.
//
// A worker may be replaced by another of its own generation (retire), because it asks for this or has reached a limit.
// The old worker stays until the new one serves, however often the attempt fails; with stop-first, the old worker
// drains at once. A service retires one worker at a time, and only while all slots serve.
//
// A replacement is complete (event Replaced, the line on the terminal) when each old worker has confirmed two things:
// it accepts no more connections, and it has given away its idle connections. A worker that is about to exit, with no
// worker to receive its connections, counts as well. moveTime limits the wait for idle connections. The replacement
// does not wait for requests in flight.
//
// # Ready
//
// A worker becomes ready by the first of these: READY=1 on $NOTIFY_SOCKET; the probe, if configured; a listening socket
// of its own (Linux); running for AliveFor. With a probe, only the first two count. If a slot's worker became ready by
// READY=1 or by listening, its successor must do the same: if it does neither within StartTimeout, it has failed, even
// after exit code 0. A worker that listens but does not send the expected READY=1 is ready after Handover. The same
// holds for a worker whose agent does not connect, because the listening process may be the debugger that started it.
//
// # Programs that run only alone
//
// A worker may die or hang because an older worker holds what it needs: a port, a lock, a file that may exist only
// once. The worker's output and the system's view of both (standing.go) decide whether this is likely. A port held by
// another program, a plain crash and a slow start are no reason to stop an old worker. If it is likely, the new worker
// is tried once more without the old ones (alone.go). If it then serves, old workers exit first from then on; if it
// dies again, the old program comes back. No worker starts next to one that is about to exit. A worker that hangs is
// checked from Handover on; the time starts when its agent connects, if it has one. If the system does not provide the
// facts, a hanging worker is tried alone after StartTimeout.
//
// Any process that holds a listening socket can shut it down for all. The supervisor checks this whenever a worker
// exits, and every second, and listens again. For a Unix socket it can only report the loss.
//
// # Workers that send and receive messages
//
// A program that imports hotreload/worker has a connection to the supervisor (supervisor/exchange). While such a worker
// drains, it reports when its messages are done; the supervisor waits for this in addition to the agent's report.
// Messages to a service wait in the supervisor until a worker is idle (errand.go), so no message is lost with a worker,
// and none is delivered twice. Workers have a second to answer a query (inquiry.go). A message from a worker becomes an
// event; for a slow reader of events, only a few messages per worker are kept.
//
// # What it does not do
//
// This package does not build, watch, print or read configuration, and does not know the reason for a replacement.
package supervisor
