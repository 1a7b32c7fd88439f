// Package control lets editors, scripts, coding agents and hotreload's own commands talk to a running hotreload.
//
// # Theory of operation
//
// A running hotreload listens on a Unix socket in a private folder (0700; on Linux and macOS the peer's uid is checked,
// too). The socket serves plain HTTP with JSON, so curl is a client:
//
//	GET  /v1/info                pid, folder, program
//	GET  /v1/status              the state of all services                    Services
//	GET  /v1/wait                the same, when the saved code serves or has failed; tests=1: and is tested
//	GET  /v1/problems            what is wrong with the code as it is         Problems; wait=1: as wait, then
//	GET  /v1/console?last=N      what pages in browsers have said             Console
//	GET  /v1/explain?path=P      how a change of P takes effect                 []runner.Explanation
//	GET  /v1/explain             the same for all files that workers have read []runner.Explanation
//	POST /v1/reload              replace the workers; then as wait
//	POST /v1/restart             the same, also with reloadable = false
//	POST /v1/rebuild             build and replace the workers; then as wait
//	POST /v1/stop?to=SERVICE     stop workers until one of the three above; then as wait
//	POST /v1/scale?workers=N     run N workers; then as wait
//	POST /v1/signal?signal=N     send the workers signal N                      Signalled
//	POST /v1/send                the body to the next idle worker             a line of JSON per reply: Answer
//	POST /v1/broadcast           the body to all workers that accept messages the same
//	GET  /v1/query               the workers' own reports, part of them public  Reports
//	GET  /v1/connections         the workers' connections                     Connections
//	GET  /v1/events              events, a line of JSON each, without end     News; output=1: also lines of workers
//	GET  /v1/logs?last=N         lines of workers, the last N first           News; follow=0: these alone
//	GET  /v1/ui                  the address of the page about hotreload itself UI
//	GET  /metrics                counters, for Prometheus
//	GET  /v1/public              the public part of the state                 Public
//	POST /v1/stop                drain and end; the answer comes at once
//
// to=SERVICE limits a request to one service, to=SERVICE/SLOT to one of its slots, where this makes sense. Requests
// that replace workers accept strategy=NAME, surge=N and wait=0 (answer at once).
//
// On request, hotreload serves the same over TCP. A TCP client needs a token (Authorization: Bearer …) from a file that
// only hotreload's user can read. Without the token only /v1/public and /metrics are available, and /metrics omits
// privileged counters. A refused client gets an answer, and the terminal a line.
//
// An error is {"error": "…"} with a status of 400 or above. A client may cancel a request at any time; its effects
// continue. Each request has its own goroutine and asks the runner's loop. This package keeps no state about services.
//
// Find looks for the hotreload of a folder. Each socket's name contains the pid, and each hotreload tells its folder.
// Find removes sockets of hotreloads that are gone.
package control
