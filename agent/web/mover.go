package web

import (
	"net"
	"net/http"
	"reflect"
	"sync"
	"syscall"
)

// Agent contains the agent's functions for moving connections.
type Agent struct {
	Moving     func() bool                    // connections should move to other workers
	See        func(fd int) (listener uint32) // records a followed connection; returns its listener
	Adopt      func(fd int, listener uint32)  // counts a connection that another worker has accepted
	ListenerOf func(fd int) uint32            // 0: not the supervisor's
	Mode       string                         // for tests; see agent.MovingVariable

	Move func(listener, how uint32, fd int) bool // gives a connection away; see agent.Move
}

// Mover moves connections that wait for a request from worker to worker. A process has one.
type Mover struct {
	agent    Agent
	unproved bool // for tests: part of a request may have been read
	relays   bool // false for tests: requests are not relayed

	mu      sync.Mutex        // guards all below
	lobbies map[uint32]*lobby // by the supervisor's id of the listener
	secure  map[uint32]*lobby // the same for servers with TLS: only for relayed requests
}

// mover is the process's Mover, once the agent is connected.
var mover *Mover

// NewMover makes the Mover; nil if connections should not move.
func NewMover(a Agent) *Mover {
	if a.Mode == "off" {
		return nil
	}
	mover = &Mover{
		agent: a, unproved: a.Mode == "unproved", relays: a.Mode != "unrelayed",
		lobbies: map[uint32]*lobby{}, secure: map[uint32]*lobby{},
	}
	return mover
}

// Follow makes a server's connections move, if the server serves one of the supervisor's listeners. Follow is called
// when the server is about to serve, but not for the lobby.
func (m *Mover) Follow(server *http.Server, listener net.Listener) {
	if m == nil {
		return
	}
	if _, ours := listener.(*lobby); ours {
		return
	}
	below, config := belowTLS(listener)
	from, ok := below.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := from.SyscallConn()
	if err != nil {
		return
	}
	var id uint32
	if raw.Control(func(fd uintptr) { id = m.agent.ListenerOf(int(fd)) }) != nil || id == 0 {
		return
	}
	installing.Lock()
	defer installing.Unlock()
	// Set only once: a server that serves a second listener is in use already. The same is true for a copy of a
	// server.
	if own := server.ConnState; config == nil && !sameCode(own, m.noting(nil)) {
		server.ConnState = m.noting(own)
	}
	if own := server.BaseContext; own != nil && !sameCode(own, baseContext(nil)) {
		server.BaseContext = baseContext(own)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	lobbies := m.lobbies
	if config != nil {
		lobbies = m.secure
	}
	if known := lobbies[id]; known == nil || known.server != server || known.isClosed() {
		lobbies[id] = newLobby(m, id, server, listener)
		lobbies[id].config = config
	}
}

// sameCode reports whether two functions are closures of the same function.
func sameCode(f, g interface{}) bool {
	return reflect.ValueOf(f).Pointer() == reflect.ValueOf(g).Pointer()
}

// noting is a server's ConnState with us behind it. Not inlined: its closures are known by their code.
//
//go:noinline
func (m *Mover) noting(own func(net.Conn, http.ConnState)) func(net.Conn, http.ConnState) {
	return func(conn net.Conn, state http.ConnState) {
		if own != nil {
			own(conn, state)
		}
		m.note(conn, state)
	}
}

// Serves reports whether the connections of a listener are followed.
func (m *Mover) Serves(listener uint32) bool { return listener != 0 && m.lobbyOf(listener) != nil }

func (m *Mover) lobbyOf(listener uint32) *lobby {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lobbies[listener]
}

// serverOf returns the server of a followed listener.
func (m *Mover) serverOf(listener uint32) *http.Server { return m.lobbyOf(listener).server }

// GiveAway gives away connections that wait for a request, and returns how many still wait.
func (m *Mover) GiveAway() (left int) {
	conns.Range(func(_, value interface{}) bool {
		f := value.(*kept)
		f.mu.Lock()
		state := f.state
		f.looks++
		looks := f.looks
		f.endedLate = f.endedLate || state == ending
		f.mu.Unlock()
		switch state {
		case unused:
			if m.giveUnused(f) {
				left++
			}
		case waiting:
			f.wake()
			left++
		case idle, leaving:
			left++
		case ending:
			if looks < maxLooks {
				left++
			}
		}
		return true
	})
	m.mu.Lock()
	var lobbies []*lobby
	for _, l := range m.lobbies {
		lobbies = append(lobbies, l)
	}
	m.mu.Unlock()
	for _, l := range lobbies {
		left += l.giveAway()
	}
	return left
}

// send gives away a connection that nothing reads. If no worker takes the connection, it waits in our own lobby.
func (m *Mover) send(f *kept) {
	fd := -1
	if f.raw.Control(func(own uintptr) { fd = duplicate(int(own)) }) != nil || fd < 0 {
		return // no descriptors are left: the connection is lost, as for a server that accepts
	}
	m.sendAs(f.listener, fd)
}

// sendAs gives away a connection by a descriptor of ours.
func (m *Mover) sendAs(listener uint32, fd int) {
	if m.agent.Move(listener, itself, fd) {
		closeFd(fd)
		return
	}
	if l := m.lobbyOf(listener); l != nil {
		if v := l.enter(fd); v != nil {
			v.stays = true
			go v.wait() // ends when there is a request, or the other side has gone, or the server closes its listeners
		}
		return
	}
	closeFd(fd)
}
