package supervisor

import "time"

// A debugger stops a worker as long as a person looks at it, so time must not pass for such a worker: neither the start
// timeout, the grace, the handover nor the limits. A worker is halted in two cases: waiting before main until the
// debugger has set its breakpoints (Held, until Release), and standing at a breakpoint (Halt). A stop of the service
// ends both, because nobody waits for a debugger any more.

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
	for _, at := range []*time.Time{
		&w.started, &w.ready, &w.until, &w.looked, &w.agent.heard, &w.leaving.since, &w.leaving.moveBy,
	} {
		if !at.IsZero() {
			*at = at.Add(lost)
		}
	}
}
