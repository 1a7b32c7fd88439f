package supervisor

import (
	"slices"
	"time"
)

// exited handles the end of a worker and of all processes left behind.
func (m *machine) exited(id int, exit Exit, now time.Time) {
	i := slices.IndexFunc(m.members, func(w *member) bool { return w.ID == id })
	if i < 0 {
		return
	}
	w := m.members[i]
	m.members = slices.Delete(m.members, i, i+1)

	event := Exited{
		Worker: w.Worker, State: w.state, Exit: exit, After: now.Sub(w.started), Expected: true, Reason: w.failed,
	}
	switch {
	case w.state >= Draining && w.failed == "": // requested
	case exit.Success() && w.failed == "" && !m.suspicious(w, exit) && w.retires: // exited before its successor came
	case exit.Success() && w.failed == "" && !m.suspicious(w, exit): // its work is done
		m.finished[place{w.Slot, w.Generation}] = true
		if w.state == Starting {
			m.do(emit{BecameReady{Worker: w.Worker, How: ByFinishing, After: event.After}})
			m.succeedsAlone(w)
		}
	default:
		event.Expected = false
		m.crashed(w, exit, &event, now)
	}
	m.do(emit{event})
	m.undone(w.Worker, exit.Removed, now)
	m.reconcile(now)
}

// suspicious reports whether an exit with code 0 looks like the failed start of a server: an address was in use, or an
// older worker holds something needed, or the worker before this one served by then.
func (m *machine) suspicious(w *member, exit Exit) bool {
	beside := m.anyInTheWay(w)
	return w.state == Starting && (exit.AddressInUse != "" || (m.replacing() || beside) && !m.agesToReady(w) ||
		beside && !exit.Standing.whyDied(exit, false).IsZero())
}

// replacing reports whether an older generation exists to fall back to.
func (m *machine) replacing() bool { return m.current != 0 && m.current != m.target }

// crashed decides about an unexpected exit: an accident, a step in a crash loop, or the end of an attempt to replace.
func (m *machine) crashed(w *member, exit Exit, event *Exited, now time.Time) {
	unready := w.state == Starting || w.failed != ""
	switch {
	case m.stopping || w.Generation != m.target:
		// An old worker is needed again only if the target fails, and then reconcile starts another one; or if the
		// target may not start.
		if m.blocked != "" && !m.stopping && !m.complete() {
			event.Retry = Retry{Blocked: m.blocked}
		}
	case unready && m.plans[w.Generation].Agent && w.agent.heard.IsZero() && exit.heldByOurs() && m.failures < maxDeaf:
		m.failures++ // its agent did not reach the supervisor, the holder of the address
		m.retryAt = now.Add(nextDelay(m.failures, m.jitter()))
		event.Retry = Retry{In: m.retryAt.Sub(now), Failures: m.failures}
	case unready && m.diedBeside(w, exit, event, now):
	case m.replacing() && w.state != Stable:
		m.do(emit{Failed{Generation: m.target, Serving: m.current, Worker: w.Worker, Exit: exit, Reason: w.failed,
			After: event.After, Alone: m.failsAlone(w, exit)}})
		if !m.whole(m.current) {
			m.settled = 0 // the old generation has to come back first; its return is reported as a replacement
		}
		m.target = m.current
		m.failures, m.retryAt = 0, time.Time{}
	case m.blocked != "":
		event.Retry = Retry{Blocked: m.blocked}
	case m.rests(w, exit, now):
		event.Retry = Retry{Waits: true, Failures: m.repeated}
	case w.state == Stable && !now.Before(m.retryAt):
		m.failures = 0
		event.Retry = Retry{Now: true}
	default:
		if !now.Before(m.retryAt) { // exits at about the same time count as one failure
			m.failures++
			m.retryAt = now.Add(m.delay())
		}
		event.Retry = Retry{In: m.retryAt.Sub(now), Failures: m.failures}
	}
}

// maxDeaf is how many times in a row a missing connection of the agent counts as an accident.
const maxDeaf = 3
