// Package browser serves the open pages of a program: it tells pages what a save has changed, shows problems in pages,
// and has a page about hotreload itself.
//
// # The invariant
//
// No page reloads before the new code serves. Every page ends on the newest state, also after the page was hidden,
// asleep or disconnected.
//
// # Theory of operation
//
// The agent's gate puts one script, /.hotreload/KEY/client.js, into the program's documents. The program does not
// answer requests for paths below /.hotreload/: the worker hands such a connection to hotreload, and Take passes the
// connection to the one http.Server of this package. So a stream of events outlives workers, keeps no old worker, and
// is in no access log. The server answers one request per connection (Connection: close), because a browser's next
// request on the connection could be for the program.
//
// One goroutine, the owner, holds the state of all services. Its inputs are the runner's events and the requests of
// clients. For each event, the pure function after (rule.go) returns the new state and the messages for pages:
//
//	event                                     message    the page
//	connect                                   state      reloads if its generation is older than what serves
//	live, .css                                css        swaps stylesheets
//	live, image or font                       asset      swaps images and fonts
//	live, anything else                       reload     reloads
//	reloaded, all of the batch is .css        css        swaps stylesheets: the generation is new, the document is not
//	reloaded, .css, images and fonts          css, asset swaps both
//	reloaded otherwise                        reload     reloads
//	build_started                             building   shows a badge
//	build_failed, failed, worker_died         problem    shows the overlay
//	unchanged, ran, reloaded, worker_ready    fixed      removes the overlay
//	problems of tests                         tests      shows a badge, or removes it
//	blocked, halted, stopping and their ends  phase      shows a badge
//
// Of the visible pages of one origin, only one has a connection, and passes the messages on. Their order numbers tell
// the other pages which messages they have, because such a page gets its first state by a request of its own.
//
// The first message of every connection is the whole state, with the last changes and their ages. From this message, a
// page that slept or came late finds out which changes the page lacks. A client that does not read its messages is
// disconnected, and gets the whole state when the client connects again.
//
// # Security
//
// Every page in the user's browser can send requests for /.hotreload/, and so can the network if the program listens
// there. So guard.go has checks in a fixed order, each from a fault of another tool: the Host header (against DNS
// rebinding), the key, Origin and Sec-Fetch-Site. No answer has a CORS header. Source lines, logs, the editor and the
// buttons are for peers on this machine, and for the hosts in the settings. No text from a client is evaluated or run
// by a shell.
//
// # Programs without net/http
//
// Documents of a program without net/http get no tag from a gate. If the settings ask for it, Proxy stands in front of
// such a program: the gate's own rules for documents (package agent/web), then httputil.ReverseProxy.
//
// # What it does not do
//
// The package reads no files except those in messages of the toolchain, and starts no process except the user's editor.
package browser
