package supervisor

import (
	"slices"
	"strings"
	"time"
)

// Some programs can only run alone: they hold a lock, a file or an address needed by a second worker. No program
// announces such a need; the supervisor finds out by a trial:
//
//	a new worker dies or waits           the old ones exit, then         it serves
//	next to old ones        -- reason --> the new one is tried alone ------------------> stop-first from then on
//	                                              |
//	                                              | it dies again
//	                                              v
//	                             the old program comes back; the reason is not
//	                             believed again if the new one died in the same way
//
// Without a reason (standing.go), no old worker is stopped for a new one, because the new one may never serve.

// trial is the attempt to run a generation, or its successor, without the old workers.
type trial struct {
	reason Reason // zero = no trial
	died   string // mannerOf the death next to the old workers; "" if the worker hung
	over   bool   // failed: the old program returns once no worker is exiting
}

// underWay reports whether there is a trial.
func (t trial) underWay() bool { return !t.reason.IsZero() }

// lookAgain is how often the supervisor looks whether a starting worker waits for old ones. A single look proves
// little, because the worker may wait for something else at that moment. A look reads some files in /proc. Felt right,
// not measured.
const lookAgain = 500 * time.Millisecond

// suspectAt is when an unready worker is suspected to wait for an older one. A program first of all connects its agent;
// before, the worker only waits for the CPU. The worker is also not suspected while other workers of its generation
// make progress: dozens of workers take their time to start together.
func (m *machine) suspectAt(w *member) time.Time {
	since := w.agent.heard
	switch {
	case !since.IsZero():
	case m.plans[w.Generation].Agent:
		since = w.started.Add(m.policy.Handover) // or the agent never connects
	default:
		since = w.started
	}
	if last := m.progress(w.Generation); last.After(since) {
		since = last
	}
	return since.Add(m.policy.Handover)
}

// progress is when a worker of a generation last connected its agent or became ready.
func (m *machine) progress(generation int) (last time.Time) {
	for _, w := range m.members {
		if w.Generation != generation {
			continue
		}
		for _, at := range []time.Time{w.agent.heard, w.ready} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}

// lookAt is when the supervisor should look next at an unready worker; zero if there is nothing to find out.
func (m *machine) lookAt(w *member) time.Time {
	beside := m.inForce() != StopFirst && m.anyInTheWay(w)
	alone := m.trial.reason.Kind == BySilence && !m.trial.over
	if w.state != Starting || !w.halted.IsZero() || w.Generation != m.target || m.blocked != "" || !beside && !alone {
		return time.Time{}
	}
	at := m.suspectAt(w).Add(min(lookAgain, m.policy.Handover) - m.policy.Handover)
	if again := w.looked.Add(lookAgain); again.After(at) {
		at = again
	}
	return at
}

// looked handles the result of a look at an unready worker. A worker that waits for an older one is tried alone. A
// worker that is alone already, and waits for nothing visible, is killed.
func (m *machine) looked(id int, s Standing, now time.Time) {
	w := m.member(id)
	if w == nil || m.lookAt(w).IsZero() {
		return
	}
	reason := s.whyWaits(m.policy.Handover)
	switch {
	case now.Before(m.suspectAt(w)): // not yet suspected
		return
	case reason.IsZero() || m.refuted[reason.key()]:
		return
	case m.anyInTheWay(w):
		m.tryAlone(w, reason, "", now)
	case m.leaving():
		return
	case reason.Kind == BySilence:
		w.failed = "waits for nothing that can be seen, with nobody beside it,"
		m.kill(w)
	}
	m.reconcile(now)
}

// leaving reports whether a worker is draining or being killed.
func (m *machine) leaving() bool {
	return slices.ContainsFunc(m.members, func(w *member) bool { return !w.live() })
}

// diedBeside starts a trial if a worker may have died because of the serving old ones. The event Exited then announces
// the trial.
func (m *machine) diedBeside(w *member, exit Exit, event *Exited, now time.Time) bool {
	if m.inForce() == StopFirst || m.blocked != "" || !m.anyInTheWay(w) {
		return false
	}
	reason := exit.Standing.whyDied(exit, w.failed != "")
	if reason.IsZero() || m.refuted[reason.key()] {
		return false
	}
	event.Retry = Retry{Alone: reason}
	m.tryAlone(w, reason, mannerOf(exit), now)
	return true
}

// tryAlone drains the workers to be replaced by w.
func (m *machine) tryAlone(w *member, reason Reason, died string, now time.Time) {
	m.trial = trial{reason: reason, died: died}
	m.do(emit{TriedAlone{Worker: w.Worker, Reason: reason, Hung: died == "", After: now.Sub(w.started)}})
	for _, other := range m.members {
		switch {
		case other.Generation != m.target || m.inTheWay(other, w):
			m.drain(other, now)
		case other.state == Starting && died != "": // the worker will die in the same way
			m.kill(other)
		case other.state == Starting:
			other.until = now.Add(m.policy.StartTimeout) // its time starts again when the old workers are gone
		}
	}
}

// succeedsAlone ends a trial successfully: a worker is ready, and the old ones are on their way out.
func (m *machine) succeedsAlone(w *member) {
	if !m.trial.underWay() || m.trial.over || w.Generation != m.target || m.anyInTheWay(w) {
		return
	}
	m.proved, m.trial = m.trial.reason, trial{}
	m.do(emit{RunsAlone{Worker: w.Worker, Reason: m.proved}})
}

// failsAlone ends a trial in which a worker has died, and returns the reason of the trial; zero if there was no trial.
func (m *machine) failsAlone(w *member, exit Exit) Reason {
	if !m.trial.underWay() || m.trial.over {
		return Reason{}
	}
	tried := m.trial
	m.trial.over = true
	same := tried.died != "" && w.failed == "" && tried.died == mannerOf(exit)
	if same || tried.reason.Kind == BySilence {
		m.refuted[tried.reason.key()] = true
	}
	return tried.reason
}

// settleTrial forgets a failed trial once all its workers are gone.
func (m *machine) settleTrial() {
	if m.trial.over &&
		!slices.ContainsFunc(m.members, func(w *member) bool { return !w.live() || w.Generation != m.target }) {
		m.trial = trial{}
	}
}

// runsBeside ends stop-first, because its reason is gone.
func (m *machine) runsBeside() {
	m.do(emit{RunsBeside{Reason: m.proved}})
	m.proved = Reason{}
}

// undone handles the removal of a file by an exiting old worker, after a new worker had created this file; "" = no
// file. From now on old workers exit first. The new workers are replaced by others of their generation, and these
// create the file again. If the user chose a strategy, the event Undone is emitted instead.
func (m *machine) undone(old Worker, path string, now time.Time) {
	switch {
	case path == "" || m.stopping:
		return
	case m.policy.Strategy != Auto:
		if !m.undid[path] {
			m.undid[path] = true
			m.do(emit{Undone{old, path}})
		}
		return
	case !m.proved.IsZero() || m.trial.underWay():
		return
	}
	m.proved = Reason{ByFarewell, path}
	m.do(emit{RunsAlone{Reason: m.proved}})
	for _, w := range slices.Clone(m.members) {
		if w.Generation == m.target {
			m.dismiss(w.ID, "", now)
		}
	}
}

// mannerOf describes how a worker died, without digits, because digits may differ each time.
func mannerOf(exit Exit) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, exit.String()+"\n"+lastOf(exit.Tail))
}
