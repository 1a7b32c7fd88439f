// Package browser serves the pages that are open in browsers: it tells them what a save has changed, shows problems in
// them, and has a page about hotreload itself.
//
// # The invariant
//
// A page is never told to reload before the code that it is to show serves, and ends on the newest state, however it
// was hidden, asleep or disconnected meanwhile.
//
// # Theory of operation
//
// The agent's gate puts one script, /.hotreload/KEY/client.js, into the program's documents. A connection whose request
// begins with /.hotreload/ is not answered by the program: it is handed to hotreload, and Take passes it to the one
// http.Server of this package. So a stream of events outlives workers, keeps no old worker, and stands in no access
// log. The server answers one request per connection (Connection: close): to a browser it is the program's connection,
// and the next request on it could be for the program.
//
// One goroutine, the owner, holds the state of all services. Its inputs are the runner's events and what clients ask;
// after, a pure function, says for each event what the new state is and what pages are told:
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
//	blocked, halted, stopping and their ends  phase      shows a badge
//
// The first message of every connection is the whole state, with the last changes and their ages: a page that slept, or
// came late, finds out from it what it has missed. A client that does not read its messages is disconnected, and gets
// the whole state when it is back.
//
// # Security
//
// Everything below /.hotreload/ is open to every page in the user's browser, and to the network if the program is. So
// guard.go has an order of checks, each from a fault that another tool had: the Host header (against DNS rebinding),
// the key, Origin and Sec-Fetch-Site. No answer has a CORS header. Source lines, logs, the editor and the buttons are
// for peers on this machine, and for the hosts in the settings. Nothing that a client sends is run by a shell or
// evaluated.
//
// # The way out
//
// Documents of a program without net/http get no tag from a gate. Proxy stands before such a program on request, with
// the gate's own rules for documents (package agent/web) before httputil.ReverseProxy.
//
// # What it does not do
//
// It reads no file but those that the toolchain named in its messages, and starts no process but the user's editor.
package browser
