package supervisor

import (
	"time"

	"hotreload/supervisor/inspect"
)

// A debugger stops a worker as long as a person looks at it, so time must not pass for such a worker: neither the start
// timeout, the grace, the handover nor the limits. A worker is halted in two cases: waiting before main until the
// debugger has set its breakpoints (Held, until Release), and standing at a breakpoint (Halt). A stop of the service
// ends both, because nobody waits for a debugger any more.
//
// Another debugger, not started by hotreload (dlv exec as a wrapper, dlv attach), reports nothing, so the supervisor
// asks the system about each starting worker (watchAt). While any debugger is attached, the start timeout stands still,
// and the worker is not suspected to wait for the old ones. While a debugger has stopped the worker, all times stand
// still.

// Held is emitted when a worker waits before its main until Release. Pid is the program's, perhaps a wrapper's child.
type Held struct{ Worker }

func (Held) event() {}

// Debug makes later workers of slot 0 wait before main, and emits Held for each; false lets all waiting workers go on.
// Programs without the agent do not wait.
func (s *Supervisor) Debug(on bool) { s.send(debugInput{on}) }

// Release lets a held worker go on.
func (s *Supervisor) Release(id int) { s.send(letGoInput{id}) }

// Halt reports that a debugger has stopped a worker, or has continued the worker.
func (s *Supervisor) Halt(id int, halted bool) { s.send(haltInput{id, halted}) }

type (
	debugInput struct{ on bool }
	letGoInput struct{ id int }
	haltInput  struct {
		id     int
		halted bool
	}
)

func (in debugInput) happen(l *loop, now time.Time) {
	l.debugged = in.on
	if in.on {
		return
	}
	for _, w := range l.machine.members {
		l.agents.letGo(w.ID)
	}
	l.machine.runAll(now)
	l.machine.reconcile(now)
}

func (in letGoInput) happen(l *loop, now time.Time) {
	l.agents.letGo(in.id)
	haltInput{in.id, false}.happen(l, now)
}

func (in haltInput) happen(l *loop, now time.Time) {
	l.machine.halt(in.id, in.halted, now)
	w, r := l.machine.member(in.id), l.workers[in.id]
	if !in.halted && w != nil && w.state == Starting && r != nil {
		r.enough()
		r.look() // anew, because the time limit of the last search has gone on
	}
}

// hold handles a worker waiting before main.
func (l *loop) hold(id, pid int, now time.Time) {
	w := l.machine.member(id)
	if w == nil || !l.debugged || l.machine.stopping {
		l.agents.letGo(id)
		return
	}
	l.machine.halt(id, true, now)
	worker := w.Worker
	worker.Pid = pid
	l.tell(Held{worker})
}

// halt stops a worker's time, or lets the time go on.
func (m *machine) halt(id int, halted bool, now time.Time) {
	w := m.member(id)
	if w == nil || halted == !w.halted.IsZero() || halted && m.stopping {
		return
	}
	if halted {
		w.halted = now
		return
	}
	w.run(now)
	m.reconcile(now)
}

// runAll lets the time of all halted workers go on.
func (m *machine) runAll(now time.Time) {
	for _, w := range m.members {
		w.run(now)
	}
}

// run moves all times of a halted worker by the duration of the halt.
func (w *member) run(now time.Time) {
	if w.halted.IsZero() {
		return
	}
	lost := now.Sub(w.halted)
	w.halted = time.Time{}
	w.pause(lost)
}

// pause moves all times of a worker.
func (w *member) pause(lost time.Duration) {
	for _, at := range []*time.Time{
		&w.started, &w.ready, &w.until, &w.looked, &w.watched, &w.agent.heard, &w.leaving.since, &w.leaving.moveBy,
	} {
		if !at.IsZero() {
			*at = at.Add(lost)
		}
	}
}

// watchAt is when the system should be asked again whether a debugger has a starting worker: regularly, and before a
// time limit of the worker takes effect.
func (m *machine) watchAt(w *member) time.Time {
	last := w.lastWatched()
	next := last.Add(lookAgain)
	for _, at := range []time.Time{w.until, w.started.Add(m.policy.AliveFor), w.started.Add(m.policy.Handover)} {
		if at.After(last) && at.Before(next) {
			next = at
		}
	}
	return next
}

// lastWatched is until when is known what debuggers have done with a worker.
func (w *member) lastWatched() time.Time {
	if w.watched.IsZero() {
		return w.started
	}
	return w.watched
}

// traced handles the answer of the system about a debugger. The time since the last question does not count for a
// worker with a debugger.
func (m *machine) traced(id int, how inspect.Tracing, now time.Time) {
	w := m.member(id)
	if w == nil || w.state != Starting || !w.halted.IsZero() {
		return
	}
	lost := now.Sub(w.lastWatched())
	switch how {
	case inspect.Traced:
		w.until = w.until.Add(lost)
	case inspect.Stopped:
		w.pause(lost)
	}
	w.watched = now
}
