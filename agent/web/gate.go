// Package web is the agent's part for net/http, linked only into programs that use net/http themselves.
//
// A gate stands in front of a server's handler. While the worker drains, the gate sets the header `Connection: close`,
// as any handler could, and net/http itself closes the connection after the answer. On HTTP/2, net/http answers this
// header with GOAWAY; before that, the gate sends a GOAWAY that refuses no stream. The gate sets the header before the
// handler writes. All other ways to end connections (Shutdown, SetKeepAlivesEnabled) also end connections whose last
// answer did not announce the end, although the next request may be on its way.
package web

import (
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
)

// gate is a server's handler with the agent in front.
type gate struct {
	next     http.Handler // nil is http.DefaultServeMux, as in http.Server
	draining func() bool
	curious  bool // the program looks at the server's connections, so these must have the expected type
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, _ := r.Context().Value(connKey).(net.Conn)
	if browser.visited(w, r, conn) {
		return
	}
	draining := g.draining
	from, isRelayed := conn.(*relayed)
	if isRelayed {
		draining = always
		from.describe(r)
	} else if mover != nil && mover.agent.Moving() && mover.relay(g, w, r, conn) {
		return
	}
	// A protocol that takes over the connection does not need the header, and sometimes copies the header. Another
	// gate in front of this one has set the header already.
	if r.Header.Get("Upgrade") == "" && !isFollowed(w) && draining() && !isTold(r) && !foretell(w) {
		w.Header().Set("Connection", "close")
	}
	next := g.next
	if next == nil {
		next = http.DefaultServeMux
	}
	if isFollowed(w) { // by another gate in front
		next.ServeHTTP(w, r)
		return
	}
	document := browser.isDocument(r)
	k := answers(w, r)
	q, w := follow(w, r, conn)
	q.draining = draining
	q.upgrade = q.upgrade && !isRelayed // the connection ends, unless the protocol changes
	defer k.answered()
	defer q.ends()
	if document {
		browser.serve(next, w, r)
		return
	}
	q.loaded = browser.isLoaded(r)
	next.ServeHTTP(w, r)
}

func always() bool { return true }

// counts are the requests that handlers have begun and ended; streams are counted separately.
var counts struct{ begun, ended, lastingBegun, lastingEnded uint64 }

// difference returns how many requests are in flight, and how many have ended. It reads the ended ones first, so
// never more requests have ended than begun.
func difference(begun, ended *uint64) (underWay, done uint64) {
	done = atomic.LoadUint64(ended)
	return atomic.LoadUint64(begun) - done, done
}

// Busy returns the number of requests in flight, without streams.
func Busy() int {
	n, _ := difference(&counts.begun, &counts.ended)
	return int(n)
}

// Requests returns the number of requests in flight, and of answered ones.
func Requests() (inFlight, served uint64) {
	short, done := difference(&counts.begun, &counts.ended)
	lasting, over := difference(&counts.lastingBegun, &counts.lastingEnded)
	return short + lasting, done + over
}

// installing guards the handlers of servers: a server may begin to serve several listeners at the same time.
var installing sync.Mutex

// Install puts a gate in front of the server's handler, once for each server, before the server starts to serve.
func Install(server *http.Server, draining func() bool) {
	installing.Lock()
	defer installing.Unlock()
	if _, done := server.Handler.(*gate); done {
		return
	}
	gateWithin(server.Handler, draining)
	curious := server.ConnContext != nil || server.ConnState != nil
	server.Handler = &gate{server.Handler, draining, curious}
	noteConnections(server, func(first net.Conn) { listenIn(server, first) })
	if next := server.ConnState; next != nil {
		server.ConnState = func(conn net.Conn, state http.ConnState) { next(asServed(conn), state) }
	}
}

// gateWithin puts a second gate behind the handler of golang.org/x/net/http2/h2c, if handler is of this type: later
// requests go straight to the field Handler, past the server's handler.
func gateWithin(handler http.Handler, draining func() bool) {
	v := reflect.ValueOf(handler)
	if v.Kind() != reflect.Ptr || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return
	}
	v = v.Elem()
	if v.Type().Name() != "h2cHandler" || !strings.HasSuffix(v.Type().PkgPath(), "golang.org/x/net/http2/h2c") {
		return
	}
	field := v.FieldByName("Handler")
	if !field.IsValid() || !field.CanSet() {
		return
	}
	next, ok := field.Interface().(http.Handler)
	if _, done := next.(*gate); ok && !done {
		g := reflect.ValueOf(http.Handler(&gate{next, draining, true})) // has no connection of its own to relay from
		if g.Type().AssignableTo(field.Type()) {
			field.Set(g)
		}
	}
}
