// Package agent contains the agent: the code that hotreload links into a program in development builds. The agent
// makes the program hand over its listeners to its successor. The program itself needs no change.
//
// # Theory of operation
//
// The agent is ordinary Go in the packages below this one. hotreload contains their source (Sources) and adds the
// source to the user's build with `go build -overlay`: packages that appear to be in the module of the main package,
// and a file that appears to be in the main package and imports them. Nothing is written into the user's tree, and no
// package of the standard library is compiled again.
//
//	protocol   the messages between agent and supervisor; linked into both
//	core       the agent itself
//	hooks      finds the variables of the standard library for the agent, by go:linkname
//	web        the part for net/http: connections that move, answers that close theirs, GOAWAY, streams that end
//	webhooks   finds the variable for web; linked only into programs that use net/http themselves
//
// The supervisor's side is package supervisor/host.
//
// The hooks exist for the standard library's own tests:
//
//	net.socketFunc                    makes bind succeed beside the supervisor's listener
//	net.listenFunc                    puts the supervisor's listener in place of the program's socket
//	internal/poll.Accept4Func         counts; returns EAGAIN while draining, so accept loops wait
//	internal/poll.AcceptFunc          the same for macOS
//	internal/poll.CloseFunc           learns when accepted connections are closed
//	net/http.testHookServerServe      puts a handler in front of each server's own
//	internal/testlog.logger           learns which files package os opens, but not whether for reading or writing (since
//	                                  Go 1.24; before, files are not reported)
//
// # Listeners made without package net
//
// Fiber's Prefork starts the program again for each processor, and each child listens by raw system calls, with
// SO_REUSEPORT. The children have their own agents. These agents find the supervisor by a variable (HOTRELOAD_KIN)
// that only the same executable can use, and count as part of the worker (host/kin.go).
//
// The agent learns of such a listener at the first accept. The first listener at an address becomes the supervisor's.
// Each later listener is replaced by the supervisor's, with dup3(2), before the program accepts a connection there.
// The runtime's poller must learn of the replacement, because its entries belong to the old socket: the agent finds
// the entry in /proc/self/fdinfo and adds the same for the new socket.
//
// Two measures prevent the loss of a connection on a replaced socket. First, the kernel gives all new connections to
// the first listener of the group, the supervisor's (by a classic BPF program with SO_ATTACH_REUSEPORT_CBPF, which
// needs no privilege). So from the second generation on, a child's own listener never gets a connection. Second, at
// the very first start some children listen before the first listener is known. Connections in the queue of such a
// child are then accepted and handed to the program, while a filter drops new SYNs. Clients send a dropped SYN again:
// a client in this millisecond waits for a second. HOTRELOAD_TEST_SHARING=off and =full are for controls in tests.
//
// If BPF or /proc is missing (macOS), the listener stays the program's own, and the old worker exits first.
//
// # Connections that move
//
// A connection that waits for a request moves to a worker of the next generation: the supervisor passes the
// descriptor on, and the old worker closes its own. Two things must never happen: the old worker has read a byte of
// the request, or both workers serve the connection.
//
// The protocol prevents the second (package protocol): the supervisor alone decides who owns a connection. The first
// is known for certain, not by measurement. At the first request on a connection, the gate puts its own reader
// between net/http's buffer and the connection (kept.go). This reader knows whether the server waits for the first
// byte of a request, and whether a byte has come. To take the connection away, the agent ends the server's wait by a
// deadline in the past. If the wait has ended without a byte, the reader gives the connection away before it returns,
// and reports to the server that the client has closed. net/http then closes the descriptor without shutdown(2), and
// reports StateClosed, as for every connection. Before the first request there is no such reader; there the kernel's
// count of bytes is the proof (unused_linux.go).
//
// In the new worker the connection waits for its next request in a lobby (lobby.go), a listener that the server
// serves beside its own. So the server's limits for a request begin with the request. The server never sees a
// connection that moves on, or that the client closes.
//
// A connection moves only if it is a *net.TCPConn or *net.UnixConn, was accepted on a listener of the supervisor, and
// is served by the server itself: a type around a connection may have state of its own. Unexported parts of net/http
// are found by name and type. If a part has changed, connections do not move, and the old code answers once more,
// with Connection: close.
//
// # Requests that are relayed
//
// A connection over TLS cannot move: the keys and the buffers are inside net/http and crypto/tls. Nor can a
// connection before its first request where the kernel's count is missing (Unix sockets, macOS), nor a connection
// whose handler ran on while connections move, if the server has meanwhile read a byte of the next request. The request
// of such a connection is relayed (relay.go). Before the program sees the request, the gate offers one end of a socket
// pair to the next generation, in the same way as a moving connection. Only if a worker takes this end, the gate
// takes the client's connection from its server (Hijack) and passes bytes between both connections. First the gate
// writes the client's addresses and TLS state (encode.go), then the head of the request as net/http would read it.
// From then on the gate passes bytes in both directions without interpreting them: the body as the client sends it,
// interim answers (1xx), trailers, other protocols. The gate looks at the head of the answer only to recognise
// streams. The new worker's server gets the other end as a connection with the client's addresses, and the server's
// gate sets r.TLS, and Connection: close in the answer.
//
// For the old worker, the relay is a request in flight. A request is not relayed, and the old code answers, if the new
// code would see a difference: the program looks at its connections (ConnContext, ConnState), or the two servers ask
// for the client's certificates in different ways. docs/reference.md lists the remaining differences.
// HOTRELOAD_TEST_MOVING=unrelayed is for a control.
//
// # Browsers
//
// If the supervisor has sent a configuration for browsers (protocol.Browser), the gate puts one tag into the
// program's documents, and passes requests for the supervisor's own paths on to the supervisor.
//
// A document is a page requested by a browser for display (document.go). All other answers stay the same, to the
// byte, except for Cache-Control on the parts of documents (fresh.go). The answer to a request for a document is
// wrapped (page.go): the header is held back until the place of the tag is known (place.go), nearly always in the
// first write. A handler that flushes is not held up. Conditional headers and Accept-Encoding are removed from the
// request, so the program neither confirms a copy without the tag nor compresses the page. A page packed by gzip
// nevertheless is unpacked (gunzip.go); with another encoding, the page gets no tag, and the supervisor is told. If
// the document has a Content-Security-Policy, the gate adds the sources for the tag (policy.go).
//
// A request for a path below /.hotreload/KEY/ never reaches the program (visit.go). The gate takes over the
// connection of a plain HTTP/1.1 request and sends the descriptor to the supervisor, with the bytes read so far. So a
// page's event stream outlives the worker, and does not keep the worker running. Connections with TLS or HTTP/2
// cannot be handed over: the gate passes the request on through a socket pair. Event streams end when the worker
// drains, and the browser connects again.
//
// While no worker runs, the supervisor accepts in its place and answers browsers (host.Attendant). All other
// connections wait with the supervisor, unread. The agent asks for them before a worker's first accept on the
// listener, and the worker's accepts return them first. HOTRELOAD_TEST_WAITING=off is for the control.
//
// # What was tried instead
//
// Counting bytes alone (TCP_INFO when a connection becomes idle and when it should move) costs two system calls per
// request, misses the bytes read ahead by net/http into its buffer, and leaves a gap between the last count and the
// deadline. HOTRELOAD_TEST_MOVING=off and =unproved, in a worker's environment, are for controls in tests.
//
// # Versions of Go
//
// With Go 1.21 to 1.27 the agent links, 20 handovers under load lose nothing, connections move, and requests are
// relayed (tested with 1.21.13, 1.22.12, 1.23.12, 1.24.13, 1.25.9, 1.26.8 and 1.27.4 by TestGoVersions). Since 1.23 the
// linker needs -checklinkname=0. hotreload does not support older versions. If a variable of the standard library
// disappears, the linker makes an empty one instead. The agent notices the empty variable at its start, reports it to
// the supervisor (host.Absent) and does nothing else. Only for net/http's variable there is no such report; the tests
// notice.
//
// The agent is compiled in the language version of the user's go.mod, so the agent uses only the language of Go 1.12:
// no generics, no any.
//
// # What it does not do
//
//   - Unix paths: nobody can connect from when the program removes its path, or is about to bind the path, until the
//     program has bound it: some 0.2 ms at each start of a worker (1 ms on a busy machine;
//     TestHowLongAPathLeadsNowhere), and again when the program removes the path as it closes. Open connections are
//     safe.
//   - A server that wraps its connections itself (PROXY protocol, a limit) keeps them: they do not move, and their
//     requests are not relayed, because the wrapper's state is unknown.
//   - Abstract Unix sockets and UDP: no second socket can be bound. The agent leaves them alone.
//   - Options that a program sets on a listener before it listens are those of the first worker that asked for the
//     address, until hotreload ends.
//   - HTTP/2 clients are told at once to go elsewhere only by programs built with Go 1.24 or newer that serve HTTP/2
//     with net/http or golang.org/x/net/http2.ConfigureServer, in the clear or over a *tls.Conn. All other programs
//     tell clients with the next answer. If net/http does not serve HTTP/2 then (package h2c of golang.org/x/net),
//     streams that a client begins at this moment are refused, and the client has to try again.
//   - Handlers of net/http get an http.ResponseWriter with all methods of net/http's own, but of another type: code
//     that looks into the fields of net/http's type does not find them. And http.MaxBytesReader does not close the
//     connection after too much data, but reads on a little, as behind any middleware.
//   - Connections of programs with their own event loops (netpoll, evio, gnet) do not move. While a worker drains,
//     the agent takes the listeners from these loops, and finds their connections in /proc (ownloops.go); not on
//     macOS.
//   - A listener that a program binds by system calls (gnet) is not handed over.
//   - Children that are another program have no agent: their listeners are not handed over.
//   - A listener made before the start of the agent, in the init function of an earlier package, is not handed over.
//   - On macOS a port requested as 0 differs in each worker: there the agent cannot see the request for 0.
package agent
