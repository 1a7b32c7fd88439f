package supervisor

import (
	"time"

	"hotreload/supervisor/inspect"
)

// How tells by which sign a worker became ready.
type How uint8

const (
	ByAge       How = iota // ran for AliveFor, without a better sign
	ByListening            // has a listening socket of its own
	ByAccepting            // its agent reports accepting on all listeners of the previous generation
	ByProbe                // the configured probe
	ByWord                 // sent READY=1
	ByFinishing            // exited with code 0: the work is done
	ByTaking               // accepts messages, and no better sign is expected
)

func (h How) String() string {
	return [...]string{"alive", "listens", "accepts", "answers", "said so", "finished", "takes messages"}[h]
}

// serves reports whether how is typical of a server of connections.
func (h How) serves() bool { return h == ByListening || h == ByAccepting }

// isReady handles a sign of a serving worker.
func (m *machine) isReady(id int, how How, now time.Time) {
	w := m.member(id)
	if w == nil || !w.live() {
		return
	}
	w.signs.takes, w.signs.serves = w.signs.takes || how == ByTaking, w.signs.serves || how.serves()
	if !m.policy.counts(how) {
		return
	}
	if how.serves() && m.learned[w.Slot] == ByWord {
		// The previous worker in this slot sent READY=1, so listening alone (perhaps on a debug port) is not enough.
		// tick bounds the wait.
		w.signs.listens = true
		return
	}
	awaited := m.plans[w.Generation].Agent && w.agent.heard.IsZero() && now.Before(w.started.Add(m.policy.Handover))
	if how == ByListening && awaited {
		w.signs.listens = true // or its debugger listens: the program's agent connects first
		return
	}
	if how == ByTaking && m.learned[w.Slot] != ByAge {
		return // the previous worker gave a better sign
	}
	if how == ByWord || how.serves() {
		m.learned[w.Slot] = how
	}
	if w.state != Starting {
		m.listens(w, how, now)
		return // a second READY=1, or listening after ready by age
	}
	w.state, w.ready, w.signs.aged = Ready, now, how == ByAge && inspect.SeesListeners
	m.useful = m.useful || !w.signs.aged
	m.do(emit{BecameReady{Worker: w.Worker, How: how, After: now.Sub(w.started)}})
	m.succeedsAlone(w)
	m.reconcile(now)
}

// agesToReady reports whether no better sign than its age can be expected from a starting worker.
func (m *machine) agesToReady(w *member) bool {
	learned := m.learned[w.Slot]
	if learned == ByAccepting && !m.plans[w.Generation].Agent {
		learned = ByAge // a program without an agent cannot report that the program accepts
	}
	return m.policy.counts(ByAge) && learned != ByWord && !learned.serves()
}

// expectation names the missing sign, for the text of a failure.
func (m *machine) expectation(slot int) string {
	switch {
	case m.policy.counts(ByProbe):
		return ": the probe did not answer"
	case m.policy.Ready == ReadyNotify:
		return ": no READY=1 was received"
	case m.learned[slot] == ByWord:
		return ": no READY=1 was received, but the generation before sent it"
	case m.learned[slot] == ByAccepting:
		return ": unlike the generation before, it does not accept connections"
	default:
		return ": unlike the generation before, it does not listen"
	}
}

// hello notes the connection of a worker's agent, or its end.
func (m *machine) hello(id int, there bool, now time.Time) {
	w := m.member(id)
	if w == nil {
		return
	}
	if w.agent.there = there; there && w.agent.heard.IsZero() {
		w.agent.heard, w.signs.listens = now, false
	}
	m.finishIfDone(w, now)
	if !there {
		m.reconcile(now)
	}
}
