package supervisor

import (
	"cmp"
	"slices"
	"time"
)

// Plan describes a new generation: a number greater than all previous numbers, and the program to run.
type Plan struct {
	Generation int
	Path       string   // of the executable; it must exist until GenerationGone
	Dir        string   // folder with the program under its own name, put first in the worker's PATH; "" = none
	Agent      bool     // the program contains the agent
	Strategy   Strategy // Auto = the policy's
	Surge      int      // used instead of the policy's if Strategy is not Auto
	Args       []string // nil = Config.Args
	Env        []string // nil = Config.Env
}

// place is the slot and the generation of a worker.
type place struct{ slot, generation int }

// machine is the state of the service and its rules. Its methods are the inputs; each method appends its actions to
// out. The machine has no effects, no clock and no lock. The supervisor's goroutine owns the machine.
type machine struct {
	policy  Policy
	blocked string    // why no worker may be started; "" = starts are allowed
	members []*member // ordered by ID
	lastID  int

	slots
	replacement
	exclusion
	backOff

	stopping bool
	stopped  bool // the event Stopped was emitted

	out []action
}

// slots are the workers' slots, with the facts about each.
type slots struct {
	stopped  map[int]bool   // slots without a worker for now
	finished map[place]bool // a worker exited there with code 0
	learned  map[int]How    // how the last worker became ready: ByWord and ByListening are expected from its successor
	scaled   bool           // the number of workers fits the policy, or no change of the number was announced
}

// replacement is the progress from one generation to the next. settled <= current <= target, except while a failed
// target was given up for the serving generation.
type replacement struct {
	plans    map[int]Plan
	target   int // the generation to reach; 0 before the first plan
	current  int // the newest generation with all slots ready; 0 = none yet
	settled  int // the generation last reported as a complete replacement
	began    time.Time
	foretold int // the generation for which a Forecast was emitted
}

// exclusion has the facts for and against two workers of the program at the same time. See alone.go.
type exclusion struct {
	proved  Reason           // why the service needs stop-first, under any policy
	trial   trial            // the running trial of a reason, if any
	refuted map[Reason]bool  // reasons of unsuccessful trials
	drawn   bool             // a worker uses the user's terminal; only one can
	told    map[Address]bool // addresses for which CannotHandOver was emitted
	undid   map[string]bool  // files for which Undone was emitted
}

// backOff delays the restart of workers after early exits. See backoff.go and onexit.go.
type backOff struct {
	failures int            // consecutive exits of unstable workers
	hasty    int            // consecutive requests to replace unstable workers
	waiting  bool           // nothing is started: after an error, a program waits for a change
	repeated int            // how often the program was restarted without a change
	useful   bool           // some worker was seen to serve during this run
	retryAt  time.Time      // no start before this time; zero = now
	jitter   func() float64 // in [0,1)
}

// action is an effect, carried out by the supervisor for the machine.
type action interface{ carryOut(l *loop) }

type (
	startWorker struct {
		Worker
		plan Plan
	}
	askWorker struct {
		id    int
		what  request
		alone bool // with toDrain: no successor starts before this worker is gone
	}
	endStreams   struct{ id int }
	killWorker   struct{ id int }
	lookAtWorker struct{ id int } // and call looked with the result
	findDebugger struct{ id int } // of the worker, and call traced with the result
	emit         struct{ Event }
)

func newMachine(p Policy, jitter func() float64) *machine {
	return &machine{
		policy:      p,
		slots:       slots{stopped: map[int]bool{}, finished: map[place]bool{}, learned: map[int]How{}, scaled: true},
		replacement: replacement{plans: map[int]Plan{}},
		exclusion:   exclusion{refuted: map[Reason]bool{}, told: map[Address]bool{}, undid: map[string]bool{}},
		backOff:     backOff{jitter: jitter},
	}
}

// take returns and clears the collected actions, in order.
func (m *machine) take() []action {
	out := m.out
	m.out = nil
	return out
}

func (m *machine) do(a action) { m.out = append(m.out, a) }

func (m *machine) member(id int) *member {
	for _, w := range m.members {
		if w.ID == id {
			return w
		}
	}
	return nil
}

// replace makes plan the target. An unready earlier target is superseded; serving workers continue.
func (m *machine) replace(plan Plan, now time.Time) {
	if m.stopping {
		if !m.stopped {
			m.do(emit{GenerationGone{Generation: plan.Generation}}) // the generation never started
		}
		return
	}
	m.plans[plan.Generation] = plan
	m.target, m.began = plan.Generation, now
	m.failures, m.hasty = 0, 0
	m.wake()
	m.reconcile(now)
}

// retire handles a worker's request to be replaced by another one of its generation.
func (m *machine) retire(id int, now time.Time) { m.dismiss(id, "", now) }

// dismiss marks a worker for replacement by another one of its generation; why is empty if the worker asked for its
// replacement. A dismissal does not count as a failure. But if unstable workers are dismissed several times in a row,
// the next start is delayed.
func (m *machine) dismiss(id int, why string, now time.Time) {
	w := m.member(id)
	if w == nil || !w.live() || w.retires || m.stopping || !w.halted.IsZero() && why != "" {
		return
	}
	w.retires = true
	m.do(emit{Retiring{Worker: w.Worker, Why: why}})
	if w.state == Stable {
		m.hasty = 0
	} else if m.hasty++; m.hasty > 1 {
		if at := now.Add(nextDelay(m.hasty-1, m.jitter())); at.After(m.retryAt) {
			m.retryAt = at
		}
	}
	m.reconcile(now)
}

// adopt takes over another policy. A proved need for stop-first remains, unless the strategy changes.
func (m *machine) adopt(p Policy, now time.Time) {
	if p.Workers != m.policy.Workers {
		m.scaled = false
	}
	if p.Strategy != m.policy.Strategy {
		m.proved, m.trial, m.refuted = Reason{}, trial{}, map[Reason]bool{}
	}
	m.policy = p
	for at := range m.finished {
		if at.slot >= p.Workers {
			delete(m.finished, at)
		}
	}
	m.hurry(now)
}

// stopSlots stops slots (their workers drain), or starts slots again.
func (m *machine) stopSlots(slots []int, stop bool, now time.Time) {
	for _, slot := range slots {
		if stop {
			m.slots.stopped[slot] = true
		} else {
			delete(m.slots.stopped, slot)
			delete(m.finished, place{slot, m.target})
		}
	}
	m.scaled = false
	m.hurry(now)
}

// open lists the slots that should have a worker.
func (m *machine) open() []int {
	var slots []int
	for slot := range m.policy.Workers {
		if !m.slots.stopped[slot] {
			slots = append(slots, slot)
		}
	}
	return slots
}

// setBlocked sets the reason why no worker may be started; "" allows starts. Running workers are left alone, and no
// serving worker is stopped while its successor may not start.
func (m *machine) setBlocked(why string, now time.Time) {
	if m.noteBlocked(why) {
		m.hurry(now)
	}
}

// noteBlocked sets the reason like setBlocked, but leaves the consequences to the following input; ended: starts were
// refused before.
func (m *machine) noteBlocked(why string) (ended bool) {
	was := m.blocked
	m.blocked = why
	switch {
	case was == why || m.stopped:
	case why != "":
		m.do(emit{Blocked{Reason: why}})
	default:
		m.do(emit{Unblocked{}})
		return true
	}
	return false
}

// refused removes a worker, not started because starts are refused.
func (m *machine) refused(id int, why string, now time.Time) {
	m.members = slices.DeleteFunc(m.members, func(w *member) bool { return w.ID == id })
	m.setBlocked(why, now)
	m.reconcile(now)
}

// hurry ends a back-off.
func (m *machine) hurry(now time.Time) {
	m.wake()
	m.reconcile(now)
}

// stop drains all workers. Workers that were never ready have nothing to finish and are killed.
func (m *machine) stop(now time.Time) {
	m.stopping = true
	m.runAll(now)
	for _, w := range m.members {
		if w.state == Draining && w.leaving.asked == toDrain {
			m.ask(w, toLeave, now) // its successor will not come
		}
	}
	m.reconcile(now)
}

// killAll kills all workers at once.
func (m *machine) killAll(now time.Time) {
	m.stopping = true
	for _, w := range m.members {
		m.kill(w)
	}
	m.reconcile(now)
}

// spawned sets the pid of a started worker.
func (m *machine) spawned(id, pid int, now time.Time) {
	if w := m.member(id); w != nil {
		w.Pid = pid
		w.started, w.until = now, now.Add(m.policy.StartTimeout)
		m.do(emit{Started{Worker: w.Worker}})
	}
}

// gave notes a socket held by the supervisor, on which the worker listens.
func (m *machine) gave(id int) {
	if w := m.member(id); w != nil {
		w.agent.gives = true
	}
}

// hasOwnSocket notes a worker's socket that cannot be handed over.
func (m *machine) hasOwnSocket(id int, address Address) {
	w := m.member(id)
	if w == nil {
		return
	}
	w.agent.ownSocket = true
	if m.chosenStrategy() == Auto && !m.told[address] {
		m.told[address] = true
		m.do(emit{CannotHandOver{Worker: w.Worker, Address: address}})
	}
}

// chosenStrategy returns the chosen strategy: of this generation's plan, or else of the policy.
func (m *machine) chosenStrategy() Strategy {
	if !m.proved.IsZero() || m.trial.underWay() {
		return StopFirst
	}
	return cmp.Or(m.plans[m.target].Strategy, m.policy.Strategy)
}

// surge is how many new workers may run in addition to the old ones with the strategy rolling.
func (m *machine) surge() int {
	if plan := m.plans[m.target]; plan.Strategy != Auto {
		return plan.Surge
	}
	return m.policy.Surge
}

// inForce returns the present strategy. Auto means parallel if all old or retiring workers have handed over all their
// listeners, and stop-first otherwise.
func (m *machine) inForce() Strategy {
	if chosen := m.chosenStrategy(); chosen != Auto {
		return chosen
	}
	if m.drawn {
		return StopFirst
	}
	for _, w := range m.members {
		overtaken := w.ready.IsZero() && m.plans[w.Generation].Agent // being killed, so no reason to stop others
		retires := w.retires && !w.ready.IsZero() && m.current == m.target
		if (w.Generation != m.target && !overtaken || retires) && (!w.agent.gives || w.agent.ownSocket) {
			return StopFirst
		}
	}
	if !m.plans[m.target].Agent {
		return StopFirst // the new program could not take over the sockets
	}
	return Parallel
}

// anyServing reports whether a worker of a generation other than gen serves.
func (m *machine) anyServing(gen int) bool {
	return slices.ContainsFunc(m.members, func(w *member) bool { return w.Generation != gen && w.serving() })
}

// inTheWay reports whether other serves and will be replaced by w: other belongs to another generation, or retires from
// w's slot.
func (m *machine) inTheWay(other, w *member) bool {
	return other.serving() && (other.Generation != m.target || other.retires && other.Slot == w.Slot && other != w)
}

func (m *machine) anyInTheWay(w *member) bool {
	return slices.ContainsFunc(m.members, func(other *member) bool { return m.inTheWay(other, w) })
}

// tick handles all passed deadlines.
func (m *machine) tick(now time.Time) {
	for _, w := range slices.Clone(m.members) {
		if !w.halted.IsZero() {
			continue
		}
		due := func(t time.Time) bool { return !now.Before(t) }
		switch w.state {
		case Starting:
			switch ages := m.agesToReady(w); {
			case due(m.watchAt(w)):
				m.do(findDebugger{w.ID}) // before anything is concluded from the worker's silence
			case ages && due(w.started.Add(m.policy.AliveFor)):
				m.isReady(w.ID, ByAge, now)
			case ages:
			case w.signs.listens && due(w.started.Add(m.policy.Handover)):
				m.learned[w.Slot] = ByListening // this generation no longer sends READY=1
				m.isReady(w.ID, ByListening, now)
			case due(w.until):
				w.failed = "not ready after " + m.policy.StartTimeout.String() + m.expectation(w.Slot)
				m.kill(w)
			case !m.lookAt(w).IsZero() && due(m.lookAt(w)):
				w.looked = now
				m.do(lookAtWorker{w.ID})
			}
		case Ready:
			if due(w.ready.Add(m.policy.StableAfter)) {
				w.state = Stable
				m.failures, m.hasty = 0, 0
			}
			m.grow(w, now)
		case Stable:
			m.grow(w, now)
		case Draining:
			if at := m.streamsUntil(w); !at.IsZero() && due(at) {
				m.cut(w)
			}
			if w.leaving.asked == toDrain && due(w.leaving.moveBy) {
				w.leaving.moved = true
			}
			switch {
			case !due(w.until):
			case w.leaving.asked == toFinish:
				m.do(emit{GraceOver{Worker: w.Worker, Grace: m.policy.Grace}})
				m.kill(w)
			case w.leaving.asked == toDrain && m.awaited():
				m.ask(w, toLeave, now)
			default:
				m.ask(w, toFinish, now)
			}
		}
	}
	if !now.Before(m.retryAt) {
		m.retryAt = time.Time{}
	}
	m.reconcile(now)
}

// deadline returns when tick must be called next; zero if there is no deadline.
func (m *machine) deadline() time.Time {
	var next time.Time
	add := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	addAge := func(w *member) {
		if at := m.expires(w); !at.IsZero() {
			add(at)
		}
	}
	for _, w := range m.members {
		if !w.halted.IsZero() {
			continue
		}
		switch w.state {
		case Starting:
			add(m.watchAt(w))
			if m.agesToReady(w) {
				add(w.started.Add(m.policy.AliveFor))
				continue
			}
			if w.signs.listens {
				add(w.started.Add(m.policy.Handover))
			}
			if at := m.lookAt(w); !at.IsZero() {
				add(at)
			}
			add(w.until)
		case Ready:
			add(w.ready.Add(m.policy.StableAfter))
			addAge(w)
		case Stable:
			addAge(w)
		case Draining:
			if w.leaving.asked == toDrain && !w.leaving.moved {
				add(w.leaving.moveBy)
			}
			add(w.until)
			if at := m.streamsUntil(w); !at.IsZero() {
				add(at)
			}
		}
	}
	if !m.stopping && !m.retryAt.IsZero() {
		add(m.retryAt)
	}
	return next
}

func (m *machine) start(slot int, now time.Time) {
	m.lastID++
	w := &member{
		Worker:  Worker{ID: m.lastID, Slot: slot, Generation: m.target},
		started: now, until: now.Add(m.policy.StartTimeout), spread: m.jitter(),
	}
	m.members = append(m.members, w)
	m.do(startWorker{w.Worker, m.plans[m.target]})
}
