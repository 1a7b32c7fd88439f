// Package web is the agent's part for net/http; it is linked only into programs that use net/http themselves.
//
// A gate stands in front of a server's handler. While the worker drains it asks for the connection to be closed after
// the answer, by the header that any handler could set: then net/http itself closes at the right moment, and on HTTP/2
// says GOAWAY. The header must be there before the handler writes. Everything else that ends connections (Shutdown,
// SetKeepAlivesEnabled) also ends those whose last answer did not say so, on which the next request may be under way.
package web

import (
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
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A protocol that takes over the connection has no use for the header, and copies it sometimes.
	if r.Header.Get("Upgrade") == "" && g.draining() {
		w.Header().Set("Connection", "close")
	}
	begun, ended := &counts.begun, &counts.ended
	if lasts(r) {
		begun, ended = &counts.lastingBegun, &counts.lastingEnded
	}
	atomic.AddUint64(begun, 1)
	defer atomic.AddUint64(ended, 1)
	next := g.next
	if next == nil {
		next = http.DefaultServeMux
	}
	next.ServeHTTP(w, r)
}

// lasts reports whether a request may have taken over its connection, or is for a stream of events: these end when
// somebody ends them.
func lasts(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" || r.Header.Get("Accept") == "text/event-stream"
}

// counts are the requests that handlers have begun and ended to answer; those that last are apart.
var counts struct{ begun, ended, lastingBegun, lastingEnded uint64 }

// difference is how many are under way. What has ended is read first, so that it is never more than what has begun.
func difference(begun, ended *uint64) (underWay, done uint64) {
	done = atomic.LoadUint64(ended)
	return atomic.LoadUint64(begun) - done, done
}

// Busy is how many requests handlers are working on, without those that last.
func Busy() int {
	n, _ := difference(&counts.begun, &counts.ended)
	return int(n)
}

// Requests is how many requests handlers are working on, and how many they have answered.
func Requests() (inFlight, served uint64) {
	short, done := difference(&counts.begun, &counts.ended)
	lasting, over := difference(&counts.lastingBegun, &counts.lastingEnded)
	return short + lasting, done + over
}

// installing guards the handlers of servers: one server may begin to serve several listeners at the same time.
var installing sync.Mutex

// Install puts a gate in front of the server's handler, once for each server, before it serves.
func Install(server *http.Server, draining func() bool) {
	installing.Lock()
	defer installing.Unlock()
	if _, done := server.Handler.(*gate); done {
		return
	}
	gateWithin(server.Handler, draining)
	server.Handler = &gate{server.Handler, draining}
}

// gateWithin puts a second gate behind the handler of golang.org/x/net/http2/h2c, if that is what it is: from there on
// requests no longer pass the server's handler, only the one that is named Handler there.
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
		if g := reflect.ValueOf(http.Handler(&gate{next, draining})); g.Type().AssignableTo(field.Type()) {
			field.Set(g)
		}
	}
}
