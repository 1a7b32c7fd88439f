// Package control lets other programs ask a running hotreload, and tell it what to do: editors, scripts, coding agents,
// and hotreload's own commands.
//
// # Theory of operation
//
// A running hotreload listens on a Unix socket in a folder that is the user's alone (0700; on Linux and macOS the peer's
// uid is looked at besides). On it is plain HTTP with JSON, so that curl is a client:
//
//	GET  /v1/info                who it is: pid, folder, program
//	GET  /v1/status              how things stand                               Services
//	GET  /v1/wait                the same, when the tree as saved has come to something
//	GET  /v1/explain?path=P      how a change of P takes effect                 []runner.Explanation
//	POST /v1/reload              new workers with the newest program; then as wait
//	POST /v1/restart             the same, also of workers that are kept
//	POST /v1/rebuild             a build, and new workers; then as wait
//	POST /v1/halt                send workers away until one of the three above; then as wait
//	POST /v1/scale?workers=N     keep N workers; then as wait
//	POST /v1/signal?signal=N     send them signal N                             Signalled
//	POST /v1/send                the body to the next idle worker             a line of JSON for each reply: Answer
//	POST /v1/broadcast           the body to all workers that take messages    the same
//	GET  /v1/query               what workers say of themselves, some of it for everybody   Asked
//	GET  /v1/connections         who is connected                              Connections
//	GET  /v1/events              what happens, a line of JSON each, for ever   News; output=1: lines of workers, too
//	GET  /v1/logs?last=N         lines of workers, the last N first            News; follow=0: these alone
//	GET  /metrics                counters, for Prometheus
//	GET  /v1/public              how things stand, for everybody               Public
//	POST /v1/stop                drain and leave; the answer comes at once
//
// With to=SERVICE it is for one service, with to=SERVICE/SLOT for one of its slots, where that has a meaning; else for all.
// What replaces workers takes strategy=NAME, surge=N, and wait=0, which has the answer come at once.
//
// On request the same is served over TCP. There a client needs a token (Authorization: Bearer …), from a file that only
// hotreload's user can read, for everything but /v1/public and /metrics, which then has no counters that are privileged; a refusal is answered, and told on the terminal.
//
// An error is {"error": "…"} with a status from 400 on. A request may be broken off at any time; what it has started goes
// on. Each request is served on a goroutine of its own and asks the runner's loop; there is no state here.
//
// Find looks for the hotreload that belongs to a folder: the sockets are named by pid, each says its folder, and those
// of the dead are removed.
package control
