package web

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"
)

// listened is an HTTP/2 connection followed in both directions. So hotreload can tell the client to go elsewhere at
// once, rather than with the next answer, without losing a request in flight. The steps follow RFC 9113, section 6.8.
// First the client gets a GOAWAY that refuses nothing, and a PING. The answer to the PING shows that the client has
// read both. From then on the client begins no more streams here, except for those that it is about to write. When
// these have arrived, too, the server is told that the client goes away. The server then sends the second GOAWAY,
// finishes and closes.
type listened struct {
	net.Conn

	// Used only by the reader, net/http's one goroutine.
	in     frames
	greets int    // missing bytes of the client's greeting
	put    []byte // the rest of the bytes to insert before the next ones
	sent   bool   // the server was told that the client goes away

	writing sync.Mutex // guards the next fields, and is held during a write
	out     frames
	leaving bool // the client should be told to go
	told    bool // the client was told
	silent  bool // over TLS: the client has sent nothing yet
	late    bool // the client's first bytes came after leave

	once sync.Once     // closes gone
	gone chan struct{} // closed when GoAway need not wait for the client

	mu       sync.Mutex // guards all below
	since    time.Time  // when the client was told; zero: not yet
	heard    bool       // the client has answered
	settled  bool       // the client's last streams have arrived
	deadline time.Time  // for reads, as set by the server
}

// greeting is the first thing that a client sends.
const greeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// greetTimeout is how long a client may take for the greeting; net/http's own number.
const greetTimeout = 10 * time.Second

var errGreeting = errors.New("http2: bogus greeting")

// stamp is the payload of our PING; it identifies the answer.
var stamp = [8]byte{'h', 'o', 't', 'r', 'e', 'l', 'o', 'a'}

// goAway is the message to a client: a GOAWAY that refuses no stream, and a PING.
var goAway = append(frame(goAwayFrame, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0), frame(pingFrame, 0, stamp[:]...)...)

// clientGoesAway is the message to the server afterwards.
var clientGoesAway = frame(goAwayFrame, 0, 0, 0, 0, 0, 0, 0, 0, 0)

func (c *listened) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return c.Conn.Read(p)
	}
	if c.greets > 0 {
		if err := c.readGreeting(); err != nil {
			return 0, err
		}
	}
	for {
		if !c.sent && c.in.between() && c.hasSettled() {
			c.sent, c.put = true, clientGoesAway
		}
		if len(c.put) > 0 {
			n := copy(p, c.put)
			c.put = c.put[n:]
			return n, nil
		}
		n, err := c.Conn.Read(p)
		c.follow(p[:n])
		if n > 0 || err == nil || !c.wasWoken(err) {
			return n, err
		}
	}
}

// follow looks at the bytes from a read.
func (c *listened) follow(p []byte) {
	for rest := p; len(rest) > 0; {
		size, ended := c.in.follow(rest)
		if ended && c.in.kind() == pingFrame && c.in.flags()&flagAck != 0 && c.in.payload == stamp {
			c.answered()
		}
		rest = rest[size:]
	}
}

func (c *listened) readGreeting() error {
	late := time.AfterFunc(greetTimeout, func() { _ = c.Conn.Close() })
	defer late.Stop()
	for c.greets > 0 {
		buffer := make([]byte, c.greets)
		n, err := c.Conn.Read(buffer)
		if n > 0 {
			c.speaks()
		}
		if string(buffer[:n]) != greeting[len(greeting)-c.greets:][:n] {
			return errGreeting
		}
		if c.greets -= n; err != nil && c.greets > 0 {
			return err
		}
	}
	return nil
}

// speaks records a client's first bytes.
func (c *listened) speaks() {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.silent {
		c.silent, c.late = false, c.leaving
	}
}

// isLate reports whether the client has opened the connection ahead of need, as browsers do, and has first used the
// connection after leave: such a client reads GOAWAY only after its first requests.
func (c *listened) isLate() bool {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.late
}

// settleTime is how long a client's last streams may take to arrive after the answer to the PING, because another
// goroutine of the client may write them. Nothing waits for the end of settleTime.
const settleTime = 500 * time.Millisecond

func (c *listened) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard {
		return
	}
	c.heard = true
	c.stopWaiting()
	time.AfterFunc(settleTime, c.settle) // ends at once
}

// stopWaiting ends GoAway's wait for this client.
func (c *listened) stopWaiting() { c.once.Do(func() { close(c.gone) }) }

// settle wakes the reader.
func (c *listened) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled = true
	_ = c.Conn.SetReadDeadline(past)
}

// hasSettled reports whether settle was called, and removes settle's deadline, in case no read was waiting.
func (c *listened) hasSettled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		_ = c.Conn.SetReadDeadline(c.deadline) // the next read will report an error
	}
	return c.settled
}

// wasWoken reports whether settle alone has ended a read, and restores the server's deadline.
func (c *listened) wasWoken(err error) bool {
	timeout, ok := err.(net.Error)
	if !ok || !timeout.Timeout() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled || c.sent || !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		return false
	}
	return c.Conn.SetReadDeadline(c.deadline) == nil
}

// SetReadDeadline is net.Conn's.
func (c *listened) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline is net.Conn's.
func (c *listened) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *listened) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	written := 0
	for at := 0; at < len(p); {
		n, ended := c.out.follow(p[at:])
		at += n
		if ended && c.leaving && !c.told && c.out.between() {
			n, err := c.Conn.Write(p[written:at])
			written += n
			if err == nil {
				err = c.tellLocked()
			}
			if err != nil {
				return written, err
			}
		}
	}
	if written == len(p) {
		return written, nil
	}
	n, err := c.Conn.Write(p[written:])
	return written + n, err
}

// leave tells the client to go elsewhere: now, or after the current frame. The server's settings have to be the first
// frame.
func (c *listened) leave() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.leaving = true
	if c.silent {
		c.stopWaiting() // the client's requests will be late, and are relayed
	}
	if !c.told && c.out.seen && c.out.between() {
		_ = c.tellLocked() // the next write will report an error
	}
}

func (c *listened) tellLocked() error {
	c.told = true
	c.mu.Lock()
	c.since = time.Now()
	c.mu.Unlock()
	_, err := c.Conn.Write(goAway)
	return err
}

// secure is a listened connection over TLS.
type secure struct {
	*listened
	below *tls.Conn
}

// ConnectionState is used by net/http.
func (c secure) ConnectionState() tls.ConnectionState { return c.below.ConnectionState() }

// NetConn is like that of below.
func (c secure) NetConn() net.Conn { return c.below.NetConn() }

// handed is the type in which net/http and golang.org/x/net/http2 pass a connection to each other after the greeting.
type handed struct {
	net.Conn // nil
	conn     net.Conn
}

// UnencryptedNetConn is called by both packages.
func (h handed) UnencryptedNetConn() net.Conn { return h.conn }

// greeted is the key in http.Server.TLSNextProto of the function for such connections, since Go 1.24.
const greeted = "unencrypted_http2"

// listenIn makes the server's HTTP/2 connections followed, if possible, from the first connection on. If the program
// has replaced net/http's function, the program's function stays, and clients are told to go with their next answer.
func listenIn(server *http.Server, first net.Conn) {
	tabled := tableHTTP2(server, first)
	next, overTLS := server.TLSNextProto[greeted], server.TLSNextProto["h2"]
	if next == nil || !tabled && (!isOwn(next) || overTLS != nil && !isOwn(overTLS)) {
		return
	}
	serve := func(server *http.Server, c *listened, conn net.Conn, handler http.Handler) {
		followed.add(c)
		defer followed.remove(c)
		if h, ok := handler.(based); ok {
			handler = noted{h, c}
		}
		next(server, tls.Client(handed{conn: conn}, nil), handler)
	}
	if overTLS != nil {
		server.TLSNextProto["h2"] = func(server *http.Server, conn *tls.Conn, handler http.Handler) {
			c := newListened(conn)
			c.greets, c.silent = len(greeting), true
			serve(server, c, secure{c, conn}, handler)
		}
	}
	server.TLSNextProto[greeted] = func(server *http.Server, carrier *tls.Conn, handler http.Handler) {
		if h, ok := carrier.NetConn().(interface{ UnencryptedNetConn() net.Conn }); ok {
			c := newListened(h.UnencryptedNetConn())
			serve(server, c, c, handler)
			return
		}
		next(server, carrier, handler)
	}
}

func newListened(conn net.Conn) *listened { return &listened{Conn: conn, gone: make(chan struct{})} }

// based is a handler with a connection's context, like the handlers that net/http passes to an HTTP/2 server.
type based interface {
	http.Handler
	BaseContext() context.Context
}

// noted is a handler for requests of a followed connection: it puts the connection into each request's context.
type noted struct {
	based
	c *listened
}

// BaseContext is used by net/http.
func (n noted) BaseContext() context.Context {
	return context.WithValue(n.based.BaseContext(), listenedKey, n.c)
}

// listenedKey is the key of the followed connection in a request's context.
var listenedKey = &struct{ name string }{"hotreload's HTTP/2 connection"}

// isTold reports whether the client of a request will go, or goes already, without a header in the answer. A client
// without an answer to the PING may not know PING.
func isTold(r *http.Request) bool {
	if r.ProtoMajor != 2 {
		return false
	}
	c, _ := r.Context().Value(listenedKey).(*listened)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard || c.since.IsZero() || time.Since(c.since) < doubtAfter
}

// isOwn reports whether net/http or golang.org/x/net/http2 has set the function.
func isOwn(f func(*http.Server, *tls.Conn, http.Handler)) bool {
	return isOwnName(runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name())
}

// isOwnName is isOwn for the name of the function. golang.org/x/net/http2 may be a vendored copy, and has renamed its
// function in v0.54.
func isOwnName(name string) bool {
	return strings.HasPrefix(name, "net/http.http2ConfigureServer.") ||
		strings.Contains(name, "golang.org/x/net/http2.ConfigureServer.") ||
		strings.Contains(name, "golang.org/x/net/http2.configureServer.")
}

// asServed returns a connection in the program's view.
func asServed(conn net.Conn) net.Conn {
	switch c := conn.(type) {
	case secure:
		return c.below
	case *listened:
		return c.Conn
	}
	return conn
}

// followed are the open HTTP/2 connections.
var followed connections

type connections struct {
	sync.Mutex
	open    map[*listened]struct{}
	leaving bool // GoAway was called
}

func (all *connections) add(c *listened) {
	all.Lock()
	defer all.Unlock()
	if all.open == nil {
		all.open = map[*listened]struct{}{}
	}
	c.leaving = all.leaving
	all.open[c] = struct{}{}
}

func (all *connections) remove(c *listened) {
	all.Lock()
	defer all.Unlock()
	delete(all.open, c)
}

// leaveTimeout is how long to wait for the clients' answers. A client without an answer after doubtAfter may never
// answer. Both felt right; an answer takes one round trip.
const (
	leaveTimeout = 100 * time.Millisecond
	doubtAfter   = time.Second
)

// GoAway tells all clients of HTTP/2 to send their next requests elsewhere, and waits a moment for the answers.
// GoAway also ends the event streams of the supervisor through this worker.
func GoAway() {
	passed.end()
	followed.Lock()
	followed.leaving = true
	var all []*listened
	for c := range followed.open {
		all = append(all, c)
	}
	followed.Unlock()
	limit := time.NewTimer(leaveTimeout)
	defer limit.Stop()
	for _, c := range all {
		go c.leave() // ends with the write, or with the connection
	}
	for _, c := range all {
		select {
		case <-c.gone:
		case <-limit.C:
			return
		}
	}
}
