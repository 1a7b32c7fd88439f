//go:build linux || darwin

package core

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/agent/protocol"
)

// moves are connections on their way to and from other workers.
type moves struct {
	offered map[uint32]func(bool) // by the supervisor's number; used by hearSupervisor only

	mu    sync.Mutex           // guards all below
	last  uint32               // the last number
	given map[uint32]chan bool // by this agent's number: waits for the supervisor's decision
}

func newMoves() *moves {
	return &moves{offered: map[uint32]func(bool){}, given: map[uint32]chan bool{}}
}

// moving is 1 once connections should move to other workers.
var moving int32

// Moving reports whether connections that wait for a request should move to other workers.
func Moving() bool { return atomic.LoadInt32(&moving) != 0 }

// MovingVariable is for tests. With "off", connections do not move; with "unproved", they move even if part of a
// request may have been read; with "unrelayed", requests on connections that cannot move are not relayed.
const MovingVariable = "HOTRELOAD_TEST_MOVING"

// See records a connection with this descriptor as followed, and returns the id of its listener.
func See(fd int) (listener uint32) { return this.see(fd) }

// Adopt counts a connection from another worker.
func Adopt(fd int, listener uint32) { this.adopt(fd, listener) }

// ListenerOf returns the id of a listener; 0: not the supervisor's.
func ListenerOf(fd int) uint32 { return this.listenerOf(fd) }

// Move offers a connection to another worker, and reports whether that worker has taken the connection. The
// descriptor stays the caller's. how goes to the other worker's Mover. The caller must not read from the connection
// before Move returns, nor afterwards if Move returns true. Move returns soon: the supervisor always answers.
func Move(listener, how uint32, fd int) bool {
	a, m := this, this.moves
	word := make(chan bool, 1)
	m.mu.Lock()
	m.last++
	number := m.last
	m.given[number] = word
	m.mu.Unlock()
	if a.link.write(protocol.Append(nil, protocol.Move, protocol.Numbers(number, listener, how)), fd) != nil {
		return false
	}
	select {
	case taken := <-word:
		return taken
	case <-a.link.lost:
		select { // both may be ready
		case taken := <-word:
			return taken
		default:
			return false
		}
	}
}

// hearOfMove handles the supervisor's frames about connections on their way.
func (a *agent) hearOfMove(kind protocol.Kind, body []byte) {
	number, _ := protocol.Number(body, 0)
	second, _ := protocol.Number(body, 1)
	how, _ := protocol.Number(body, 2)
	m := a.moves
	switch kind {
	case protocol.Given:
		m.mu.Lock()
		word := m.given[number]
		delete(m.given, number)
		m.mu.Unlock()
		if word != nil {
			word <- second != 0 // has room: sent once
		}
	case protocol.Offer:
		fd := a.link.takeFd()
		if fd < 0 {
			return
		}
		var serve func(bool)
		if Movers == nil || Draining() {
			_ = syscall.Close(fd)
		} else {
			serve = Movers.Take(second, how, fd)
		}
		took := uint32(0)
		if serve != nil {
			took = 1
			m.offered[number] = serve
		}
		a.link.tell(protocol.Took, protocol.Numbers(number, took))
	case protocol.Yours:
		if serve := m.offered[number]; serve != nil {
			delete(m.offered, number)
			serve(second != 0)
		}
	}
}

// The pauses between two attempts to give connections away: until the supervisor has got Moved, and from then on.
const (
	moveLook  = time.Millisecond
	laterLook = 20 * time.Millisecond
)

// giveAway gives away the connections that wait for a request. It continues, because some will wait only later. When
// no connection is left to move, giveAway reports this to the supervisor.
func (a *agent) giveAway() {
	if Movers == nil {
		a.link.tell(protocol.Moved, nil)
		return
	}
	look := time.NewTicker(moveLook)
	defer look.Stop()
	for told := false; ; <-look.C {
		left := a.unseen(Movers.Serves) // first, so each connection is counted here or among the others
		if left += Movers.GiveAway(); left == 0 && !told {
			told = true
			a.link.tell(protocol.Moved, nil)
			look.Stop()
			look = time.NewTicker(laterLook)
		}
	}
}
