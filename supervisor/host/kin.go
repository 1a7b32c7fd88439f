//go:build linux || darwin

package host

import (
	"net"
	"slices"
	"time"

	"hotreload/agent/protocol"
)

// Kin of a worker is a process of the same program, started by the worker, for example by Fiber's Prefork: its agent
// connects with the worker's token while the worker's own agent is connected. Kin is a guest within another guest.
// Requests to the worker go to its kin, too, and a report counts for the worker once all of them have sent the
// report.

// said is what an agent has reported about its end, or what was reported of a worker.
type said struct{ released, moved, quiet, idle bool }

func (s said) or(t said) said {
	return said{s.released || t.released, s.moved || t.moved, s.quiet || t.quiet, s.idle || t.idle}
}

func (s said) and(t said) said {
	return said{s.released && t.released, s.moved && t.moved, s.quiet && t.quiet, s.idle && t.idle}
}

// without returns the reports in s and not in t.
func (s said) without(t said) said {
	return said{s.released && !t.released, s.moved && !t.moved, s.quiet && !t.quiet, s.idle && !t.idle}
}

// head returns the worker itself.
func (g *guest) head() *guest {
	if g.of != nil {
		return g.of
	}
	return g
}

// familyLocked returns a worker and its connected kin; the worker is first.
func (g *guest) familyLocked() (all []*guest) {
	if g == nil {
		return nil
	}
	for _, one := range append([]*guest{g}, g.kin...) {
		if one.conn != nil {
			all = append(all, one)
		}
	}
	return all
}

// connsLocked returns the connections of a worker and its kin.
func (g *guest) connsLocked() (all []*net.UnixConn) {
	for _, one := range g.familyLocked() {
		all = append(all, one.conn)
	}
	return all
}

// acceptsLocked returns the listeners on which a worker or its kin accepts.
func (g *guest) acceptsLocked() map[uint32]bool {
	all := map[uint32]bool{}
	for _, one := range append([]*guest{g}, g.kin...) {
		for id := range one.accepting {
			all[id] = true
		}
	}
	return all
}

// allLocked returns all workers and their kin.
func (h *Host) allLocked() (all []*guest) {
	for _, g := range h.guests {
		all = append(all, g.familyLocked()...)
	}
	return all
}

// addKinLocked adds kin to a worker.
func (g *guest) addKinLocked(pid int, conn *net.UnixConn) *guest {
	one := &guest{
		of: g, worker: g.worker, generation: g.generation, pid: pid, conn: conn, leaving: g.leaving,
		accepting: map[uint32]bool{}, heard: make(chan struct{}),
	}
	g.kin = append(g.kin, one)
	return one
}

// formerTimeout limits the wait for a connection that has already ended. Felt right, not measured.
const formerTimeout = time.Second

// awaitFormerLocked waits briefly for the end of a process's former connection. If a process replaces itself by the
// same program (execve), the old connection ends at this moment; the process is still the worker, and not its kin.
func (h *Host) awaitFormerLocked(g *guest, pid int) {
	if g.conn == nil || g.pid != pid || g.heard == nil {
		return
	}
	heard, limit := g.heard, h.former
	h.mu.Unlock()
	timer := time.NewTimer(limit)
	select {
	case <-heard:
	case <-timer.C: // connected twice, on purpose
	}
	timer.Stop()
	h.mu.Lock()
}

// says records the report of one of a worker's agents, and passes on the reports now sent by all of these agents.
func (h *Host) says(g *guest, s said) {
	h.telling.Lock()
	defer h.telling.Unlock()
	h.mu.Lock()
	g.said = g.said.or(s)
	news := g.head().newsLocked()
	h.mu.Unlock()
	h.tell(g.worker, news)
}

// newsLocked returns the reports sent by all of a worker's agents and not passed on yet.
func (g *guest) newsLocked() said {
	family := g.familyLocked()
	if len(family) == 0 || g.conn == nil {
		return said{}
	}
	all := family[0].said
	for _, one := range family[1:] {
		all = all.and(one.said)
	}
	news := all.without(g.told)
	g.told = g.told.or(all)
	return news
}

// tell passes the news on, in the order of a worker without kin.
func (h *Host) tell(worker int, news said) {
	if news.released {
		h.events(Released{Worker: worker})
	}
	if news.moved {
		h.events(Moved{Worker: worker})
	}
	if news.quiet {
		h.events(Quiet{Worker: worker})
	}
	if news.idle {
		h.events(Idle{Worker: worker})
	}
}

// kinLeft records the end of kin: nothing more can come from there.
func (h *Host) kinLeft(g *guest) {
	h.telling.Lock()
	defer h.telling.Unlock()
	h.mu.Lock()
	head := g.of
	head.kin = slices.DeleteFunc(head.kin, func(one *guest) bool { return one == g })
	news := head.newsLocked()
	counts := head.answeredLocked(g, nil)
	h.mu.Unlock()
	h.tell(g.worker, news)
	for _, c := range counts {
		h.events(c)
	}
}

// inquiry is a question to a worker and its kin.
type inquiry struct {
	id      uint32
	waiting map[*guest]bool // agents that have not answered
	sum     protocol.Known  // of the answers so far
}

// inquireLocked records a question to a worker and its kin.
func (g *guest) inquireLocked(id uint32) {
	q := &inquiry{id: id, waiting: map[*guest]bool{}}
	for _, one := range g.familyLocked() {
		q.waiting[one] = true
	}
	g.inquiries = append(g.inquiries, q)
}

// counted records the answer of one of a worker's agents, and passes on the sum when all have answered.
func (h *Host) counted(g *guest, id uint32, known protocol.Known) {
	h.telling.Lock()
	defer h.telling.Unlock()
	h.mu.Lock()
	counts := g.head().answeredLocked(g, &Counts{ID: id, Known: known})
	h.mu.Unlock()
	for _, c := range counts {
		h.events(c)
	}
}

// answeredLocked records the answer of one of a worker's agents; nil: no answer will come. It returns the complete
// answers.
func (g *guest) answeredLocked(one *guest, answer *Counts) (counts []Counts) {
	g.inquiries = slices.DeleteFunc(g.inquiries, func(q *inquiry) bool {
		switch {
		case !q.waiting[one] || answer != nil && answer.ID != q.id:
			return false
		case answer != nil:
			q.sum = q.sum.Plus(answer.Known)
		}
		delete(q.waiting, one)
		if len(q.waiting) > 0 {
			return false
		}
		counts = append(counts, Counts{Worker: g.worker, ID: q.id, Known: q.sum})
		return true
	})
	return counts
}
