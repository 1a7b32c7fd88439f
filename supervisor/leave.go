package supervisor

import "time"

// request is a request to a draining worker. The requests follow each other, each for at most Grace. A worker without
// an agent can only be asked to finish.
type request uint8

const (
	nothing  request = iota
	toDrain          // others have taken over: accept no more connections, and end connections as soon as possible
	toLeave          // no other worker has taken over: answer the requests in flight
	toFinish         // the stop signal
)

// brief is how long a worker drains before toLeave, if its successors cannot start before its exit. In this time,
// clients with frequent requests learn of the end of their connections. Felt right, not measured.
const brief = 500 * time.Millisecond

func (m *machine) drain(w *member, now time.Time) {
	if !w.live() {
		return
	}
	if w.state == Starting { // nothing to finish
		m.kill(w)
		return
	}
	w.state, w.leaving.since = Draining, now
	m.do(emit{Drains{Worker: w.Worker}})
	switch {
	case !w.agent.there && !w.line.heeds || m.policy.Grace == 0:
		m.ask(w, toFinish, now)
	case m.stopping:
		m.ask(w, toLeave, now)
	default:
		m.ask(w, toDrain, now)
	}
}

// awaited reports whether new workers start only after the old ones are gone.
func (m *machine) awaited() bool {
	strategy := m.inForce()
	return strategy == StopFirst || strategy == Rolling && m.surge() == 0
}

// ask sends a request to a draining worker and sets its deadline.
func (m *machine) ask(w *member, what request, now time.Time) {
	w.leaving.asked, w.until = what, now.Add(m.policy.Grace)
	if what == toDrain {
		w.leaving.moveBy = now.Add(moveTime)
	}
	if what == toDrain && m.awaited() {
		w.until = now.Add(min(brief, m.policy.Grace))
	}
	m.do(askWorker{w.ID, what, what == toDrain && m.awaited()})
}

func (m *machine) kill(w *member) {
	if w.state == Killing {
		return
	}
	w.state = Killing
	m.do(killWorker{w.ID})
}

// release notes that a draining worker accepts no more connections.
func (m *machine) release(id int, now time.Time) {
	if w := m.member(id); w != nil && w.state >= Draining {
		w.leaving.released = true
		m.reconcile(now)
	}
}

// moveTime is how long a replacement waits for old workers to give away their idle connections. Some milliseconds are
// enough; the rest is reserve for busy machines.
const moveTime = time.Second

// gaveAway notes that a draining worker has no movable idle connections any more.
func (m *machine) gaveAway(id int, now time.Time) {
	if w := m.member(id); w != nil && w.state >= Draining {
		w.leaving.moved = true
		m.reconcile(now)
	}
}

// setHeeds notes whether a worker wants to be told of its drain; false also after the end of its connection.
func (m *machine) setHeeds(id int, heeds bool, now time.Time) {
	if w := m.member(id); w != nil {
		w.line.heeds = heeds
		m.finishIfDone(w, now)
	}
}

// workDone notes a worker's report of the end of its work.
func (m *machine) workDone(id int, now time.Time) {
	if w := m.member(id); w != nil {
		w.line.finished = true
		m.finishIfDone(w, now)
	}
}

// finishIfDone sends the stop signal to a draining worker once its agent and its connection have nothing more to do. A
// worker that only takes messages exits by itself after reporting the end, with the rest of the grace for its last
// work.
func (m *machine) finishIfDone(w *member, now time.Time) {
	onlyMessages := w.signs.takes && !w.signs.serves && !w.agent.gives
	agentDone := !w.agent.there || w.leaving.calm
	lineDone := !w.line.heeds || w.line.finished && !onlyMessages
	if w.state == Draining && w.leaving.asked < toFinish && agentDone && lineDone {
		m.ask(w, toFinish, now)
	}
}

// quiet notes that a draining worker has no connections any more. idle notes that a worker has no requests in flight
// after toLeave. In both cases the worker can finish.
func (m *machine) quiet(id int, now time.Time) { m.done(id, toDrain, now) }
func (m *machine) idle(id int, now time.Time)  { m.done(id, toLeave, now) }

func (m *machine) done(id int, least request, now time.Time) {
	if w := m.member(id); w != nil && w.state == Draining && w.leaving.asked >= least {
		w.leaving.calm, w.leaving.moved = true, true // no connections are left, or none for a successor to receive
		m.finishIfDone(w, now)
		m.reconcile(now)
	}
}
