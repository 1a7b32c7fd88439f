//go:build linux || darwin

package host

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hotreload/agent/protocol"
)

// moves are the connections on their way from one worker to another. Host.mu guards all fields.
type moves struct {
	last uint32 // number of the last move
	all  map[uint32]*move
}

// move is a connection that was offered to a worker. The owner is not decided yet.
type move struct {
	from, to *guest
	number   uint32 // the giving worker's number for the connection
	listener uint32
	how      uint32
	fd       int // owned by the host
	asked    []*guest
	until    time.Time
	timer    *time.Timer
}

// A worker takes about 50 µs to accept a connection. After stoppedAfter the host checks whether the worker is stopped
// (SIGSTOP, a debugger). A stopped worker does not get the connection, because the client may be about to send a
// request. Otherwise the worker only waits for a processor of an overloaded machine, and has takeTimeout.
const (
	stoppedAfter = 100 * time.Millisecond
	takeTimeout  = time.Second
)

// move passes a connection on to the worker that should get it, if there is one.
func (h *Host) move(from *guest, in *reader, body []byte) error {
	number, _ := protocol.Number(body, 0)
	listener, ok := protocol.Number(body, 1)
	fd := in.takeFd()
	if fd < 0 || !ok {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return errors.New("it moves a connection and sends none")
	}
	how, _ := protocol.Number(body, 2)
	h.offer(&move{from: from, number: number, listener: listener, how: how, fd: fd})
	return nil
}

// offer offers a connection to the next possible worker, or reports that no worker is left.
func (h *Host) offer(m *move) {
	h.mu.Lock()
	m.to = h.takerLocked(m)
	if m.to == nil || h.closed {
		from := m.from.conn
		h.mu.Unlock()
		_ = unix.Close(m.fd) // the giving worker has a copy
		if from != nil {
			_ = send(from, protocol.Given, protocol.Numbers(m.number, 0), -1)
		}
		return
	}
	h.moves.last++
	id := h.moves.last
	m.to.taken++
	m.asked = append(m.asked, m.to)
	m.until = time.Now().Add(takeTimeout)
	m.timer = time.AfterFunc(stoppedAfter, func() { h.overdue(id) }) // stopped in decide
	h.moves.all[id] = m
	conn := m.to.conn
	h.mu.Unlock()
	if send(conn, protocol.Offer, protocol.Numbers(id, m.listener, m.how), m.fd) != nil {
		h.decide(id, false)
	}
}

// takerLocked returns the worker that should get a connection: of the workers of the newest generation that accept on
// the connection's listener, the one with the fewest connections so far; nil if all were asked.
func (h *Host) takerLocked(m *move) (best *guest) {
	for _, g := range h.allLocked() {
		switch {
		case g == m.from || g.conn == nil || !g.head().ready || g.leaving != 0 || !g.accepting[m.listener] ||
			slices.Contains(m.asked, g):
		case best == nil || g.generation > best.generation:
			best = g
		case g.generation < best.generation:
		case g.taken < best.taken || g.taken == best.taken && g.worker < best.worker:
			best = g
		}
	}
	return best
}

// took handles a worker's answer to an offer.
func (h *Host) took(g *guest, id uint32, ok bool) {
	h.mu.Lock()
	m := h.moves.all[id]
	h.mu.Unlock()
	if m != nil && m.to == g {
		h.decide(id, ok)
	}
}

// overdue gives up a worker that has not answered an offer, if the worker is stopped or the time is over.
func (h *Host) overdue(id uint32) {
	h.mu.Lock()
	m := h.moves.all[id]
	pid := 0
	if m != nil {
		pid = m.to.pid
	}
	h.mu.Unlock()
	if m == nil {
		return
	}
	if !time.Now().Before(m.until) || mayBeStopped(pid) {
		h.decide(id, false)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.moves.all[id] == m {
		m.timer.Reset(stoppedAfter)
	}
}

// decide settles the owner of a connection, once; or, if the worker does not take the connection, makes the next
// offer.
func (h *Host) decide(id uint32, taken bool) {
	h.mu.Lock()
	m := h.moves.all[id]
	delete(h.moves.all, id)
	if m == nil {
		h.mu.Unlock()
		return
	}
	m.timer.Stop()
	from, to := m.from.conn, m.to.conn
	h.mu.Unlock()
	tell := func() bool {
		return to != nil && send(to, protocol.Yours, protocol.Numbers(id, flag(taken)), -1) == nil
	}
	if !taken || !tell() { // a worker that has not received this answer does not serve the connection
		h.offer(m)
		if !taken {
			tell() // last, because this worker may be stopped, and others wait
		}
		return
	}
	_ = unix.Close(m.fd)
	if from != nil {
		_ = send(from, protocol.Given, protocol.Numbers(m.number, 1), -1)
	}
}

// takesNoMore settles the offers to a worker that is gone.
func (h *Host) takesNoMore(g *guest) {
	h.mu.Lock()
	var ids []uint32
	for id, m := range h.moves.all {
		if m.to == g {
			ids = append(ids, id)
		}
	}
	h.mu.Unlock()
	for _, id := range ids {
		h.decide(id, false)
	}
}

func flag(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}
