// Package supervisor keeps the workers of one service alive and replaces them, generation after generation, without
// losing a connection.
//
// # The invariant
//
// The listening sockets belong to the supervisor for its whole life; workers only inherit them. So a caller is never
// refused, even while no worker lives: it waits in the kernel's queue. And there is never less than one good
// generation: the program of the generation that serves is kept until a newer one has proved itself, and is started
// again when that one fails.
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
//	 |  |   \ superseded                 | replaced, stop  |
//	 |  |    \                           v                 v
//	 |  |     +------> killing <------ draining <----------+
//	 |  |  StartTimeout   |    Grace     |
//	 |  +-----------------|--------------+--> gone
//	 | exited             +-----------------> gone
//	 v
//	back-off of the service (nextDelay), then starting again; or, while an older generation can serve, the attempt
//	has failed and the older one stays, or comes back
//
// # Ready
//
// In this order: READY=1 on $NOTIFY_SOCKET; the probe, if one is configured; a listening socket of the worker's own
// (Linux); alive for AliveFor. A service that was ready by its word or by listening is expected to be so again: a
// successor that does neither within StartTimeout has failed.
//
// # What it does not do
//
// It does not build, watch, print or read configuration, and it does not know why it is asked to replace.
package supervisor
