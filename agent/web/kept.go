package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// kept is a connection of a server that may move: a *net.TCPConn or *net.UnixConn itself, not inside a type with
// possible state of its own. See package agent.
type kept struct {
	conn     net.Conn
	raw      syscall.RawConn
	listener uint32 // the supervisor's id
	since    time.Time
	received uint64 // bytes received and read before the server got the connection; see unused_linux.go

	// Used by the goroutine that serves the connection, from its first request on.
	server *http.Server
	buffer *bufio.Reader
	source io.Reader // of the buffer, before the change
	fresh  bool      // the connection waits for a request; no byte of the request was read

	mu        sync.Mutex // guards all below
	state     state
	woken     bool          // by a deadline in the past
	looks     int           // how often the connection was ending when it should have moved
	endedLate bool          // the last answer has ended while connections move
	closed    chan struct{} // closed with the connection, if something waits for the end
}

// state is the state of a connection for moving.
type state uint8

const (
	unused  state = iota // no request has come yet
	busy                 // there is a request, or a part of one
	ending               // the handler has returned
	idle                 // the answer is written, and the server is about to wait
	waiting              // the server waits
	leaving              // it is being given to another worker
	gone                 // closed, or moved
)

// noDeadline means: no limit.
var noDeadline = time.Time{}

// conns are the followed connections, by net.Conn.
var conns sync.Map

// note takes each state of a connection, like the server's ConnState.
func (m *Mover) note(conn net.Conn, is http.ConnState) {
	switch is {
	case http.StateNew:
		m.begin(conn)
	case http.StateActive:
		if m.agent.Moving() { // otherwise nobody needs it
			if f := keptOf(conn); f != nil {
				f.becomesActive()
			}
		}
	case http.StateIdle:
		if f := keptOf(conn); f != nil {
			f.becomesIdle()
		}
	case http.StateHijacked:
		if f := keptOf(conn); f != nil {
			if f.buffer != nil {
				*places.Load().(*inside).sourceOf(f.buffer) = f.source
			}
			f.ends()
		}
	case http.StateClosed:
		if f := keptOf(conn); f != nil {
			f.ends()
		}
	}
}

func keptOf(conn net.Conn) *kept {
	f, _ := conns.Load(conn)
	one, _ := f.(*kept)
	return one
}

// begin follows a connection, if it can move.
func (m *Mover) begin(conn net.Conn) {
	var raw syscall.RawConn
	var err error
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return
	}
	if err != nil {
		return
	}
	f := &kept{conn: conn, raw: raw, since: time.Now()}
	if err := raw.Control(func(fd uintptr) { f.listener = m.agent.See(int(fd)) }); err != nil || !m.Serves(f.listener) {
		return
	}
	if received, visited := arrived.Load(conn); visited {
		f.received = received.(uint64)
		arrived.Delete(conn)
	}
	conns.Store(conn, f)
}

// ends records that the connection has ended here.
func (f *kept) ends() {
	conns.Delete(f.conn)
	f.mu.Lock()
	f.state = gone
	if f.closed != nil {
		close(f.closed)
		f.closed = nil
	}
	f.mu.Unlock()
}

// answers is called before a handler. At the first request on a connection, it inserts our reader between the server's
// buffer and its source. The result may be nil.
func answers(w http.ResponseWriter, r *http.Request) *kept {
	in := insideOf(w)
	if in == nil {
		return nil
	}
	conn, buffer := in.connection(w)
	if buffer == nil {
		return nil
	}
	source := in.sourceOf(buffer)
	if f, ours := (*source).(*kept); ours {
		f.fresh = false
		return f
	}
	f := keptOf(conn)
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if f == nil || server == nil {
		return nil
	}
	f.server, f.buffer, f.source = server, buffer, *source
	*source = f
	f.mu.Lock()
	f.state = busy
	f.mu.Unlock()
	return f
}

// answered is called after a handler has returned. net/http may read one byte of the next request before it reports
// the connection as idle.
func (f *kept) answered() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.endedLate = mover.agent.Moving()
	if f.state == busy {
		f.state, f.looks = ending, 0
	}
	f.mu.Unlock()
}

// maxLooks is how often to look at an ending connection. After that, the client counts as one that does not read the
// answer.
const maxLooks = 100

// hasEndedLate reports whether the last answer has ended while connections move.
func (f *kept) hasEndedLate() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.endedLate
}

// becomesActive records the arrival of a request. A connection that was about to move before its first request stays.
func (f *kept) becomesActive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == leaving && f.buffer == nil {
		f.staysLocked(mover.serverOf(f.listener).ReadTimeout)
	}
	if f.state != gone {
		f.state = busy
	}
}

// becomesIdle is called on the goroutine that serves the connection. Bytes in the buffer belong to the next request.
func (f *kept) becomesIdle() {
	if f.buffer == nil {
		return
	}
	f.fresh = f.buffer.Buffered() == 0
	f.mu.Lock()
	if f.state != gone {
		f.state = busy
		if f.fresh {
			f.state = idle
		}
	}
	f.mu.Unlock()
}

// Read is called by the server. During the wait for the first bytes of a request, the connection can be taken away:
// then Read reports to the server that the client has closed.
func (f *kept) Read(p []byte) (int, error) {
	if !f.fresh {
		return f.source.Read(p)
	}
	f.mu.Lock()
	f.state = waiting
	f.mu.Unlock()
	if mover.agent.Moving() {
		f.wake()
	}
	n, err := f.source.Read(p)
	f.mu.Lock()
	woken := f.woken
	f.woken = false
	taken := n > 0 && !mover.unproved
	if f.state == waiting && (taken || err != nil) {
		f.state = busy
		if woken && !taken {
			f.state = leaving
		}
	}
	f.mu.Unlock()
	f.fresh = !taken && f.fresh
	switch {
	case !woken:
	case n > 0:
		_ = f.conn.SetReadDeadline(f.idleUntil())
	case timedOut(err):
		// No byte was read, and no other goroutine reads. The request's context has ended, because the server has
		// seen an error, so the connection cannot stay with the server in any case.
		mover.send(f)
		return 0, io.EOF
	}
	return n, err
}

// wake ends a wait by a deadline in the past.
func (f *kept) wake() {
	f.mu.Lock()
	if f.state == waiting && !f.woken {
		f.woken = true
		_ = f.conn.SetReadDeadline(past)
	}
	f.mu.Unlock()
}

// idleUntil is the server's deadline for the wait for a request.
func (f *kept) idleUntil() time.Time { return idleUntil(f.server) }

func idleUntil(server *http.Server) time.Time {
	limit := server.IdleTimeout
	if limit == 0 {
		limit = server.ReadTimeout
	}
	if limit <= 0 {
		return time.Time{}
	}
	return time.Now().Add(limit)
}

func timedOut(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}
