package supervisor

import (
	"syscall"
	"time"
)

// input is something for the loop to handle: the loop calls happen with the current time. This file contains the calls
// of other packages and the news about processes. Other inputs are defined next to their mechanism.
type input interface{ happen(l *loop, now time.Time) }

type (
	replaceInput struct{ plan Plan }
	hurryInput   struct{}
	retireInput  struct{ id int }
	stopInput    struct{}
	killInput    struct{}
	resizeInput  struct{}
	recheckInput struct{}
	adoptInput   struct {
		policy Policy
		stop   syscall.Signal
	}
	stopSlotsInput struct {
		slots []int
		stop  bool // or start
	}
	signalInput struct {
		sig    syscall.Signal
		slot   int
		answer chan<- []int
	}

	readyInput struct {
		id  int
		how How
	}
	releasedInput struct{ id int }
	exitedInput   struct {
		id   int
		exit Exit
	}
	droppedInput struct{ Dropped }
)

func (in replaceInput) happen(l *loop, now time.Time) {
	l.machine.noteBlocked(l.refusal()) // do not stop old workers while new ones may not start
	l.machine.reconsider(l.workers)
	l.machine.replace(in.plan, now)
}

func (hurryInput) happen(l *loop, now time.Time) {
	l.machine.noteBlocked(l.refusal())
	l.machine.hurry(now)
}

func (in retireInput) happen(l *loop, now time.Time) {
	l.machine.setBlocked(l.refusal(), now)
	l.machine.retire(in.id, now)
}

func (stopInput) happen(l *loop, now time.Time)    { l.machine.stop(now) }
func (killInput) happen(l *loop, now time.Time)    { l.machine.killAll(now) }
func (recheckInput) happen(l *loop, now time.Time) { l.machine.setBlocked(l.refusal(), now) }

func (resizeInput) happen(l *loop, _ time.Time) {
	for _, w := range l.workers {
		w.resize(l.config.Output)
	}
}

func (in adoptInput) happen(l *loop, now time.Time) {
	l.config.Policy, l.config.Stop = in.policy, in.stop
	l.config.Policy.fill(len(l.config.Listen) > 0, !l.config.Probe.IsZero())
	l.machine.noteBlocked(l.refusal())
	l.machine.adopt(l.config.Policy, now)
	l.limit()
}

func (in stopSlotsInput) happen(l *loop, now time.Time) {
	l.machine.noteBlocked(l.refusal())
	l.machine.stopSlots(in.slots, in.stop, now)
}

func (in signalInput) happen(l *loop, _ time.Time) {
	var pids []int
	for _, w := range l.machine.members {
		r := l.workers[w.ID]
		if r == nil || !w.live() || in.slot != AllSlots && in.slot != w.Slot {
			continue
		}
		if r.tell(in.sig) == nil {
			pids = append(pids, w.Pid)
		}
	}
	in.answer <- pids
}

func (in readyInput) happen(l *loop, now time.Time) {
	l.machine.isReady(in.id, in.how, now)
	if w := l.workers[in.id]; w != nil && in.how == ByWord && l.config.Policy.counts(ByWord) {
		w.enough()
	}
}

func (in releasedInput) happen(l *loop, now time.Time) {
	l.mend()
	l.machine.release(in.id, now)
}

func (in exitedInput) happen(l *loop, now time.Time) {
	if w := l.workers[in.id]; w != nil {
		l.suspect = w.worker
		in.exit.Standing = l.machine.lastStanding(w, l.workers, in.exit)
		in.exit.Removed = l.farewells.gone(w.worker, exists)
	}
	l.mend() // before a new worker starts
	delete(l.workers, in.id)
	l.agents.forget(in.id)
	if w := l.machine.member(in.id); w != nil {
		if l.lines.Forget(in.id) {
			l.gone[in.id] = w.Worker
		} else {
			l.post.hangUp(w.Worker)
		}
	}
	l.machine.exited(in.id, in.exit, now)
}

func (in droppedInput) happen(l *loop, _ time.Time) {
	if !l.machine.stopped { // nothing may follow the last event
		l.tell(in.Dropped)
	}
}
