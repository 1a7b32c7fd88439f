package web

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// request is a request in a handler. Streams (event streams, tunnels, connections taken over by the handler) last
// until one side ends them. Only the handler's goroutine uses a request, except for the fields guarded by mu.
type request struct {
	writer  deadlines // net/http's own
	conn    net.Conn  // nil: unknown, or shared with other requests
	headers bool      // the handler has asked for the answer's headers, and may have changed them
	begun   bool      // the answer has begun: the headers are known
	lasting bool      // counted as a stream
	carries bool      // after a takeover, the connection carries requests
	tunnel  bool      // a stream, whatever the answer is
	upgrade bool      // the request asks for another protocol
	loaded  bool      // a part of a document: see keepFresh

	draining func() bool

	mu   sync.Mutex // guards all below
	over bool       // the handler has returned: writer and conn must not be used
}

// deadlines are the methods of net/http's answers for every protocol.
type deadlines interface {
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// open are the requests that are streams. Hijacked connections are not among them: the handler may have returned.
var open struct {
	sync.Mutex
	streams map[*request]struct{}
	ended   bool // EndStreams was called
}

// EndStreams ends all streams, present and future ones.
func EndStreams() {
	open.Lock()
	open.ended = true
	var all []*request
	for q := range open.streams {
		all = append(all, q)
	}
	open.Unlock()
	for _, q := range all {
		q.stop()
	}
}

// follow lets the gate learn facts about a request that only the answer tells. Answers of other types than net/http's
// are left alone.
func follow(w http.ResponseWriter, r *http.Request, conn net.Conn) (*request, http.ResponseWriter) {
	var q *request
	switch own := w.(type) {
	case http1:
		followed := &writer1{http1: own}
		q, w = &followed.request, followed
		q.writer = own
		q.conn = conn
	case http2:
		followed := &writer2{http2: own}
		q, w = &followed.request, followed
		q.writer = own
	default:
		q = &request{}
	}
	q.carries, q.tunnel, q.upgrade = carriesRequests(r), r.Method == http.MethodConnect, r.Header.Get("Upgrade") != ""
	atomic.AddUint64(&counts.begun, 1)
	switch {
	case q.carries, q.writer == nil && q.upgrade:
		q.count(true)
	case q.tunnel, asksForStream(r):
		q.lasts()
	}
	return q, w
}

// asksForStream reports whether a request is for a stream, as far as known before the answer. Only GET counts: a
// client that also accepts other types, and sends a body, may be about to get an ordinary answer.
func asksForStream(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	for _, list := range r.Header["Accept"] {
		for _, one := range strings.Split(list, ",") {
			if isEventStream(one) {
				return true
			}
		}
	}
	return false
}

func isEventStream(mediaType string) bool {
	if i := strings.IndexByte(mediaType, ';'); i >= 0 {
		mediaType = mediaType[:i]
	}
	return strings.EqualFold(strings.TrimSpace(mediaType), "text/event-stream")
}

// carriesRequests reports whether the connection carries requests after the takeover: HTTP/2 without TLS, by
// golang.org/x/net/http2/h2c.
func carriesRequests(r *http.Request) bool {
	return r.Method == "PRI" || strings.EqualFold(r.Header.Get("Upgrade"), "h2c")
}

// count counts the request as a stream, or as an ordinary request.
func (q *request) count(lasting bool) {
	if q.lasting == lasting {
		return
	}
	q.lasting = lasting
	more, fewer := &counts.begun, &counts.lastingBegun
	if lasting {
		more, fewer = fewer, more
	}
	atomic.AddUint64(more, 1)
	atomic.AddUint64(fewer, ^uint64(0))
}

// lasts makes the request a stream.
func (q *request) lasts() {
	q.count(true)
	if q.writer == nil {
		return
	}
	open.Lock()
	if open.streams == nil {
		open.streams = map[*request]struct{}{}
	}
	open.streams[q] = struct{}{}
	ended := open.ended
	open.Unlock()
	if ended {
		q.stop()
	}
}

func (q *request) forget() {
	open.Lock()
	delete(open.streams, q)
	open.Unlock()
}

// begins is called before the answer's headers are written.
func (q *request) begins(header func() http.Header) {
	q.begun = true
	if q.loaded {
		browser.keepFresh(header())
	}
	stream := q.headers && isEventStream(header().Get("Content-Type"))
	switch {
	case stream:
		q.lasts()
	case q.lasting && !q.carries && !q.tunnel:
		q.forget() // the request asked for a stream and gets something else
		q.count(false)
	}
}

// closes makes an HTTP/1 answer that begins while the worker drains end its connection, although the request came
// before. The connection could move. But net/http reads one byte ahead while a handler works. If a client sends the
// next request at once after the answer, net/http may read the first byte of that request.
func (q *request) closes(header http.Header) {
	if _, said := header["Connection"]; !said && !q.upgrade && q.draining != nil && q.draining() {
		header.Set("Connection", "close")
	}
}

// ends is called when the handler has returned.
func (q *request) ends() {
	if w, is := q.writer.(http1); is && !q.begun {
		q.closes(w.Header())
	}
	q.mu.Lock()
	q.over = true
	q.mu.Unlock()
	if q.lasting {
		q.forget()
		atomic.AddUint64(&counts.lastingEnded, 1)
	} else {
		atomic.AddUint64(&counts.ended, 1)
	}
}

// past is a deadline in the past.
var past = time.Unix(1, 0)

// stop ends a stream. On HTTP/1 the connection ends before the answer is complete: after a complete answer, a client
// would send the next request on this connection, to old code. The handler's context is done, as when a client
// has gone. On HTTP/2 the stream is reset, with the same effect.
func (q *request) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.over:
	case q.conn == nil:
		_ = q.writer.SetWriteDeadline(past)
	case !control(q.conn, Shutdown):
		_ = q.writer.SetReadDeadline(past) // at least the handler's context is done
	}
}

// hijacked is called when the handler has taken over the connection.
func (q *request) hijacked(conn net.Conn) {
	q.begun = true
	q.forget()
	q.count(true) // until the handler returns; the connection may last longer
	control(conn, Outlasts)
}

// Outlasts gets the descriptor of each connection after the takeover, and Shutdown ends a connection. Both are set
// before the program runs.
var Outlasts, Shutdown = func(fd int) {}, func(fd int) {}

// control calls f with a connection's descriptor, if one can be found, and the descriptor stays open during f.
// control looks below TLS, and below other types that return or embed another connection, as the type of crypto/tls
// does.
func control(conn net.Conn, f func(fd int)) (found bool) {
	for depth := 0; conn != nil && depth < 8; depth++ {
		if c, ok := conn.(syscall.Conn); ok {
			if raw, err := c.SyscallConn(); err == nil {
				_ = raw.Control(func(fd uintptr) { f(int(fd)) })
			}
			return true
		}
		conn = below(conn)
	}
	return false
}

// below returns the connection below this one, if its type tells.
func below(conn net.Conn) net.Conn {
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return c.NetConn()
	}
	v := reflect.ValueOf(conn)
	for v.Kind() == reflect.Ptr && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	if field, found := v.Type().FieldByName("Conn"); found && field.Anonymous && len(field.Index) == 1 {
		inner, _ := v.FieldByIndex(field.Index).Interface().(net.Conn)
		return inner
	}
	return nil
}

// connKey is the key of the connection in a request's context.
var connKey = &struct{ name string }{"hotreload's connection"}

// noteConnections lets a server's requests know their connection. first is called with the first connection, before
// the server serves it: by then net/http has set up all protocols.
func noteConnections(server *http.Server, first func(net.Conn)) {
	next := server.ConnContext
	var once sync.Once
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		once.Do(func() { first(conn) })
		if next != nil {
			if ctx = next(ctx, conn); ctx == nil {
				return nil // net/http panics with a message
			}
		}
		return context.WithValue(ctx, connKey, conn)
	}
}
