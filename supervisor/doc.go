// Package supervisor keeps the workers of one service alive and replaces them, generation after generation, without
// losing a connection.
//
// # The invariant
//
// The listening sockets belong to the supervisor for its whole life; workers only inherit them. So a caller is never
// refused, even while no worker lives: it waits in the kernel's queue. (Where it listens can be changed, relisten.go: the
// new sockets are open before the old ones end, which they do when the workers have moved.) And there is never less than
// one good generation: the program of the generation that serves is kept until a newer one has proved itself, and is
// started again when that one fails.
//
// # Theory of operation
//
// Three parts, read in this order:
//
//	machine.go    what is true of each worker and what follows from it: state and rules, no effects, no clock.
//	              Things that happen go in (replace, exited, ready, tick, …), actions come out.
//	strategy.go   the rule at the machine's heart: which workers to start and to drain next, looked at afresh after
//	              each thing that happens, so that there is one rule and not one script for each strategy.
//	supervisor.go the one goroutine that owns the machine. It turns requests, exits and timers into inputs and
//	              carries out the actions. Goroutines that wait for a process only report.
//
// The mechanisms hang at the edge: listener.go (binding and owning sockets), launch.go (a worker's process, its
// environment and its output), notify.go (READY=1), probe.go (HTTP), sockets_linux.go (who listens where).
//
// # The life of a worker
//
//	           word, probe, listens,
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
//	has failed and the older one stays, or comes back. One that was killed for StartTimeout counts as one that exited,
//	when it is gone.
//
// The whole service is blocked while Config.Allowed, which is asked before each start, says that nothing may be started.
// What runs then runs on, and nothing that serves leaves for what may not come. It ends when Allowed says so: at Recheck,
// when something else was asked for, or within recheckEvery.
//
// A worker may also be replaced by another of its own generation (retire): because it asks for that, or has come to a
// limit. It stays as it is until that one serves, whatever comes of the attempt; where the strategy has the old ones
// leave first it drains at once. One worker of a service at a time, and only while all slots are served.
//
// # Ready
//
// In this order: READY=1 on $NOTIFY_SOCKET; the probe, if one is configured; a listening socket of the worker's own
// (Linux); alive for AliveFor. With a probe, only the first two count. A slot whose worker was ready by its word or by
// listening expects that again: a successor that does neither within StartTimeout has failed, also if it ended with
// code 0. One that listens and does not say its word, as the one before it did, is ready after Handover; so is one whose
// agent does not say hello, since what listens may be the debugger that started it.
//
// # What the others hold
//
// A worker may fail because an older one holds a port, or hang because it holds a lock. The first is told by the
// worker's last words and by who listens there (a stranger's port is no reason to send anybody away), the second is
// suspected after Handover, which counts from its agent's hello where it has one. Either way the old ones leave first
// from then on, and nothing starts beside a worker that is on its way out.
//
// Any holder of a listening socket can shut it down for all. The supervisor looks for that whenever a worker leaves, and
// each second, and listens again; of a Unix socket it can only tell.
//
// # Workers that have something to say
//
// A program that imports hotreload/worker has a line to us (worker/exchange), which says when it is done with what there
// is to do when it drains: that is waited for besides what its agent says. Messages for a service wait here, and not in a
// worker, until one is idle (errand.go); so none is lost with a worker, and none is given to two. What workers are asked
// (inquiry.go) they have a second to answer. What they tell everybody is an event, and no more than a few of one worker
// are kept for a reader of events that is slow.
//
// # What it does not do
//
// It does not build, watch, print or read configuration, and it does not know why it is asked to replace.
package supervisor
