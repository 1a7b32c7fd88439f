package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// lobby is where connections from other workers wait for their next request. It is a listener beside the server's
// own. The server gets a connection when a request has come, so the server's limits for a request begin with the
// request. A connection still in the lobby can move on, and the server never sees such a connection.
type lobby struct {
	mover    *Mover
	listener uint32 // the supervisor's id
	server   *http.Server
	real     net.Listener // the server's
	config   *tls.Config  // of the server; nil without TLS

	mu       sync.Mutex // guards all below
	serving  bool       // the server serves the lobby
	closed   bool       // by the server
	visitors map[*visitor]struct{}
	ready    []net.Conn    // a request has come
	more     chan struct{} // has room for one: something is ready, or the lobby is closed

	opened chan struct{} // closed when the server accepts, or will not
	open   sync.Once
}

// serveTimeout is how long the server may take to accept from the lobby for the first time. Meanwhile the connection to
// the supervisor waits, and the program's BaseContext runs.
const serveTimeout = 50 * time.Millisecond

func newLobby(m *Mover, listener uint32, server *http.Server, real net.Listener) *lobby {
	return &lobby{
		mover: m, listener: listener, server: server, real: real,
		visitors: map[*visitor]struct{}{}, more: make(chan struct{}, 1), opened: make(chan struct{}),
	}
}

// visitor is a waiting connection.
type visitor struct {
	lobby *lobby
	conn  net.Conn
	raw   syscall.RawConn
	stays bool // no other worker takes it

	mu       sync.Mutex // guards all below
	waiting  bool
	woken    bool
	onTheWay bool // the connection's owner is not decided yet
}

// Accept waits for a connection with a request.
func (l *lobby) Accept() (net.Conn, error) {
	l.open.Do(func() { close(l.opened) })
	for {
		l.mu.Lock()
		if len(l.ready) > 0 {
			conn := l.ready[0]
			l.ready = l.ready[1:]
			l.mu.Unlock()
			return conn, nil
		}
		closed := l.closed
		l.mu.Unlock()
		if closed {
			return nil, &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: os.ErrClosed}
		}
		<-l.more
	}
}

// Close is called when the server closes its listeners. Connections without a request are closed, too, like the
// server's own.
func (l *lobby) Close() error {
	l.mu.Lock()
	l.closed = true
	var all []net.Conn
	for v := range l.visitors {
		all = append(all, v.conn)
	}
	for _, conn := range l.ready {
		all = append(all, conn)
		arrived.Delete(conn)
	}
	l.ready = nil
	l.mu.Unlock()
	l.wake()
	l.open.Do(func() { close(l.opened) })
	for _, conn := range all {
		_ = conn.Close()
	}
	return nil
}

func (l *lobby) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Addr is the real listener's address.
func (l *lobby) Addr() net.Addr { return l.real.Addr() }

func (l *lobby) wake() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// baseContext is a server's BaseContext called with the real listener instead of the lobby. Not inlined, because
// sameCode recognizes the closures by their code.
//
//go:noinline
func baseContext(own func(net.Listener) context.Context) func(net.Listener) context.Context {
	return func(l net.Listener) context.Context {
		if ours, is := l.(*lobby); is {
			l = ours.real
		}
		return own(l)
	}
}

// Take implements agent.Mover.
func (m *Mover) Take(listener, how uint32, fd int) (serve func(bool)) {
	if how != itself {
		return m.takeRelayed(listener, how, fd)
	}
	l := m.lobbyOf(listener)
	if l == nil {
		closeFd(fd)
		return nil
	}
	v := l.enter(fd)
	if v == nil {
		return nil
	}
	return func(ours bool) {
		if !ours {
			v.leaves()
			return
		}
		go v.wait() // ends when there is a request, or the other side has gone, or the server closes its listeners
	}
}

// enter makes a visitor of a connection, and takes over the descriptor. It returns nil if the server accepts no more
// connections.
func (l *lobby) enter(fd int) *visitor {
	file := os.NewFile(uintptr(fd), "connection")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil || !l.serve() {
		if err == nil {
			_ = conn.Close()
		}
		return nil
	}
	from, ok := conn.(syscall.Conn)
	v := &visitor{lobby: l, conn: conn, onTheWay: true}
	if ok {
		v.raw, err = from.SyscallConn()
	}
	if !ok || err != nil || v.raw.Control(func(fd uintptr) { l.mover.agent.Adopt(int(fd), l.listener) }) != nil {
		_ = conn.Close()
		return nil
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = conn.Close()
		return nil
	}
	l.visitors[v] = struct{}{}
	l.mu.Unlock()
	return v
}

// serve makes the server accept from the lobby, and reports whether it does. A server that has been shut down does not;
// when a server shuts down later, it closes the lobby's connections.
func (l *lobby) serve() bool {
	l.mu.Lock()
	first := !l.serving
	l.serving = true
	l.mu.Unlock()
	if first {
		go func() { // ends when the server closes its listeners
			_ = l.server.Serve(l)
			_ = l.Close()
		}()
	}
	late := time.NewTimer(serveTimeout)
	defer late.Stop()
	select {
	case <-l.opened:
		return true // or closed, which is checked later
	case <-late.C:
		return false
	}
}

// leaves records that the visitor has left, and closes it.
func (v *visitor) leaves() {
	v.lobby.mu.Lock()
	delete(v.lobby.visitors, v)
	v.lobby.mu.Unlock()
	_ = v.conn.Close()
}

// wait waits for a request, without reading a byte of it, and then hands the connection to the server; or gives the
// connection to another worker.
func (v *visitor) wait() {
	for {
		_ = v.conn.SetReadDeadline(idleUntil(v.lobby.server))
		v.mu.Lock()
		v.waiting, v.onTheWay = true, false
		v.mu.Unlock()
		if v.lobby.mover.agent.Moving() {
			v.wake()
		}
		there := false
		err := v.raw.Read(func(fd uintptr) bool {
			var again bool
			there, again = readable(int(fd))
			return !again
		})
		v.mu.Lock()
		v.waiting = false
		woken := v.woken
		v.woken = false
		v.onTheWay = err != nil && woken
		v.mu.Unlock()
		switch {
		case err == nil && there:
			_ = v.conn.SetReadDeadline(noDeadline)
			v.toServer()
			return
		case err == nil || !woken || !timedOut(err): // the client is gone or was idle too long, or the server closes
			v.leaves()
			return
		}
		if v.moves() {
			v.leaves()
			return
		}
		v.mu.Lock()
		v.stays, v.onTheWay = true, false
		v.mu.Unlock()
	}
}

// moves gives the connection to another worker, and reports whether that worker has taken it.
func (v *visitor) moves() bool {
	fd := -1
	if v.raw.Control(func(own uintptr) { fd = duplicate(int(own)) }) != nil || fd < 0 {
		return false
	}
	defer closeFd(fd)
	return v.lobby.mover.agent.Move(v.lobby.listener, itself, fd)
}

// toServer hands the connection to the server.
func (v *visitor) toServer() {
	l := v.lobby
	received := readFrom(v.raw)
	l.mu.Lock()
	delete(l.visitors, v)
	closed := l.closed
	if !closed {
		l.ready = append(l.ready, v.conn)
		arrived.Store(v.conn, received)
	}
	l.mu.Unlock()
	if closed {
		_ = v.conn.Close()
		return
	}
	l.wake()
}

// arrived contains, for connections on their way from a lobby to a server, how many bytes were received and read
// before.
var arrived sync.Map

// wake ends a wait by a deadline in the past, unless no other worker takes the connection.
func (v *visitor) wake() (left bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting && !v.woken && !v.stays {
		v.woken = true
		_ = v.conn.SetReadDeadline(past)
	}
	return v.onTheWay || v.waiting && !v.stays
}

// giveAway gives the visitors to other workers, and returns how many may still be given away.
func (l *lobby) giveAway() (left int) {
	l.mu.Lock()
	var all []*visitor
	for v := range l.visitors {
		all = append(all, v)
	}
	l.mu.Unlock()
	for _, v := range all {
		if v.wake() {
			left++
		}
	}
	return left
}
