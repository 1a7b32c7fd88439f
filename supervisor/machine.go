package supervisor

import (
	"cmp"
	"slices"
	"time"
)

// State is where a worker stands in its life; the package doc has the diagram.
type State uint8

const (
	Starting State = iota // its process runs, it has not shown that it serves
	Ready                 // it serves
	Stable                // it has served for StableAfter: its death is an accident and not a crash loop
	Draining              // it was asked to finish and leave
	Killing               // it was killed and has not gone yet
)

func (s State) String() string {
	return [...]string{"starting", "ready", "stable", "draining", "killing"}[s]
}

// How says by what a worker was found ready.
type How uint8

const (
	ByAge       How = iota // alive for AliveFor, and nothing better is known
	ByListening            // a listening socket of its own
	ByAccepting            // its agent: it accepts on all listeners that the generation before had
	ByProbe                // the configured probe
	ByWord                 // READY=1
	ByFinishing            // it ended with code 0: its work is done
	ByTaking               // it takes messages, where nothing better is expected of it
)

func (h How) String() string {
	return [...]string{"alive", "listens", "accepts", "answers", "said so", "finished", "takes messages"}[h]
}

// serves reports whether how is seen of a program that serves connections.
func (h How) serves() bool { return h == ByListening || h == ByAccepting }

// request is what a worker that is to go was asked, one after the other, each for at most Grace. One without an agent
// can only be asked to finish.
type request uint8

const (
	nothing  request = iota
	toDrain          // accept no more, end connections as they allow it: others have taken over
	toLeave          // answer what you are being asked: nobody has
	toFinish         // the stop signal
)

// brief is how long a worker drains before it is told to leave, when those who come next wait for it to be gone: time
// for clients that keep asking on their connections to be told that these end. Felt right, not measured.
const brief = 500 * time.Millisecond

// Plan asks for a generation: a number greater than all before it, and the program to run.
type Plan struct {
	Generation int
	Path       string   // of the executable; must stay until GenerationGone
	Agent      bool     // the agent is linked into it
	Strategy   Strategy // instead of the policy's; Auto = that one
	Surge      int      // instead of the policy's, if Strategy is not Auto
	Args       []string // instead of Config.Args; nil = those
	Env        []string // instead of Config.Env; nil = that
}

// Worker names one worker. Values leave the package in events and are never changed.
type Worker struct {
	ID         int // serial number within this run, never used twice
	Slot       int // 0..Workers-1; its successor has the same
	Generation int
	Pid        int // 0 while it is not started
}

// member is a worker and what the machine knows of it.
type member struct {
	Worker
	state    State
	started  time.Time
	ready    time.Time
	until    time.Time // starting: when it must be ready; draining: when it is asked for more, or killed
	asked    request   // draining: what for
	released bool      // it accepts no more connections
	listens  bool      // it serves, while we wait for its word, or its agent's
	failed   string    // why we killed it before it was ready; "" if we did not
	spread   float64   // in [0,1): how much earlier it goes than its age allows
	retires  bool      // it is to be replaced by another of its generation

	heard time.Time // when its agent said hello; zero = it has not
	agent bool      // it has one that can be asked
	calm  bool      // draining: its agent has said that it is quiet, or idle
	gives bool      // we hold sockets that it listens on, through its agent
	keeps bool      // it has others, which cannot be handed over

	heeds    bool // it wants to be told that it drains, and says when it is done with what there is to do then
	finished bool // it has said so
	takes    bool // it takes messages
	serves   bool // it accepts, or listens
}

func (w *member) live() bool    { return w.state <= Stable }
func (w *member) serving() bool { return w.state == Ready || w.state == Stable }

// place is where a worker of a generation belongs.
type place struct{ slot, generation int }

// machine is the service: state and rules. Its methods are what can happen; each leaves its actions in out. It has no
// effects, no clock and no lock: the supervisor's goroutine owns it.
type machine struct {
	policy Policy
	closed map[int]bool // slots that are to have no worker for now
	proved bool         // the service has proved to need stop-first, whatever the policy says

	blocked string // why no worker may be started; "" = they may

	plans    map[int]Plan
	target   int // the generation to get to; 0 before the first plan
	current  int // the newest generation that was ready in all slots; 0 before that
	settled  int // the generation whose replacement was reported as done
	began    time.Time
	scaled   bool           // there are as many workers as there should be, or nobody was told to expect others
	foretold int            // the generation for which it was said how long its replacement will take
	members  []*member      // in order of ID
	finished map[place]bool // a worker ended there with code 0
	learned  map[int]How    // slot -> by what it was last ready: ByWord and ByListening are expected again

	failures int       // in a row, of workers that were not stable
	hasty    int       // in a row, workers that were not stable and were to be replaced
	retryAt  time.Time // no start before; zero = now
	stopping bool
	stopped  bool // said so
	lastID   int
	jitter   func() float64   // in [0,1)
	told     map[Address]bool // of what cannot be handed over

	out []action
}

// action is an effect that the supervisor carries out for the machine.
type action interface{ action() }

type (
	startWorker struct {
		Worker
		plan Plan
	}
	askWorker struct {
		id   int
		what request
	}
	killWorker struct{ id int }
	emit       struct{ Event }
)

func (startWorker) action() {}
func (askWorker) action()   {}
func (killWorker) action()  {}
func (emit) action()        {}

func newMachine(p Policy, jitter func() float64) *machine {
	return &machine{
		policy: p, closed: map[int]bool{},
		plans: map[int]Plan{}, finished: map[place]bool{}, learned: map[int]How{}, jitter: jitter, told: map[Address]bool{}, scaled: true,
	}
}

// take returns the actions that have come together, in order.
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

// replace makes plan the target. An unready target before it is superseded; what serves is not touched.
func (m *machine) replace(plan Plan, now time.Time) {
	if m.stopping {
		if !m.stopped {
			m.do(emit{GenerationGone{Generation: plan.Generation}}) // before it came
		}
		return
	}
	m.plans[plan.Generation] = plan
	m.target, m.began = plan.Generation, now
	m.failures, m.hasty, m.retryAt = 0, 0, time.Time{}
	m.reconcile(now)
}

// retire notes that a worker has asked to be replaced by another of its generation.
func (m *machine) retire(id int, now time.Time) { m.dismiss(id, "", now) }

// dismiss notes that a worker is to be replaced by another of its generation, and why if it has not asked for it. That is
// no failure; but where one after the other is to go before it is stable, the next start waits.
func (m *machine) dismiss(id int, why string, now time.Time) {
	w := m.member(id)
	if w == nil || !w.live() || w.retires || m.stopping {
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

// adopt takes over another policy. What the service has proved to need stays, unless the new one says otherwise.
func (m *machine) adopt(p Policy, now time.Time) {
	if p.Workers != m.policy.Workers {
		m.scaled = false
	}
	m.proved = m.proved && p.Strategy == m.policy.Strategy
	m.policy = p
	for at := range m.finished {
		if at.slot >= p.Workers {
			delete(m.finished, at)
		}
	}
	m.hurry(now)
}

// shut closes slots, whose workers then finish and leave, or opens them again.
func (m *machine) shut(slots []int, closed bool, now time.Time) {
	for _, slot := range slots {
		if closed {
			m.closed[slot] = true
		} else {
			delete(m.closed, slot)
			delete(m.finished, place{slot, m.target})
		}
	}
	m.scaled = false
	m.hurry(now)
}

// open lists the slots that are to have a worker.
func (m *machine) open() []int {
	var slots []int
	for slot := range m.policy.Workers {
		if !m.closed[slot] {
			slots = append(slots, slot)
		}
	}
	return slots
}

// allow notes why no worker may be started, or, with "", that they may. What runs is not touched by that, and what
// serves does not leave for what may not come.
func (m *machine) allow(why string, now time.Time) {
	if m.note(why) {
		m.hurry(now)
	}
}

// note is allow before another input, which does what follows; ended says that it was not so before.
func (m *machine) note(why string) (ended bool) {
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

// refused notes that a worker was not started, since none may be.
func (m *machine) refused(id int, why string, now time.Time) {
	m.members = slices.DeleteFunc(m.members, func(w *member) bool { return w.ID == id })
	m.allow(why, now)
	m.reconcile(now)
}

// hurry ends a back-off.
func (m *machine) hurry(now time.Time) {
	m.retryAt = time.Time{}
	m.reconcile(now)
}

// stop drains everything. Workers that never were ready have nothing to finish and are killed.
func (m *machine) stop(now time.Time) {
	m.stopping = true
	for _, w := range m.members {
		if w.state == Draining && w.asked == toDrain {
			m.ask(w, toLeave, now) // who was to take over will not
		}
	}
	m.reconcile(now)
}

// killAll ends everything at once.
func (m *machine) killAll(now time.Time) {
	m.stopping = true
	for _, w := range m.members {
		m.kill(w)
	}
	m.reconcile(now)
}

// spawned notes the pid of a worker that was started.
func (m *machine) spawned(id, pid int, now time.Time) {
	if w := m.member(id); w != nil {
		w.Pid = pid
		w.started, w.until = now, now.Add(m.policy.StartTimeout)
		m.do(emit{Started{Worker: w.Worker}})
	}
}

// isReady notes a sign that a worker serves.
func (m *machine) isReady(id int, how How, now time.Time) {
	w := m.member(id)
	if w == nil || !w.live() {
		return
	}
	w.takes, w.serves = w.takes || how == ByTaking, w.serves || how.serves()
	if !m.policy.counts(how) {
		return
	}
	if how.serves() && m.learned[w.Slot] == ByWord {
		// It will say so when it can do more than that, if only on a port for its maintainers. tick does not wait for
		// ever.
		w.listens = true
		return
	}
	if how == ByListening && m.plans[w.Generation].Agent && w.heard.IsZero() && now.Before(w.started.Add(m.policy.Handover)) {
		w.listens = true // or a debugger does that started it: the program begins with its agent's hello
		return
	}
	if how == ByTaking && m.learned[w.Slot] != ByAge {
		return // it can do more than that
	}
	if how == ByWord || how.serves() {
		m.learned[w.Slot] = how
	}
	if w.state != Starting {
		return // READY=1 twice, or listening found after the worker was taken as ready by its age
	}
	w.state, w.ready = Ready, now
	m.do(emit{BecameReady{Worker: w.Worker, How: how, After: now.Sub(w.started)}})
	m.reconcile(now)
}

// release notes that a draining worker accepts no more connections.
func (m *machine) release(id int, now time.Time) {
	if w := m.member(id); w != nil && w.state >= Draining {
		w.released = true
		m.reconcile(now)
	}
}

// hello notes that a worker's agent is there, or that it is gone.
func (m *machine) hello(id int, there bool, now time.Time) {
	w := m.member(id)
	if w == nil {
		return
	}
	if w.agent = there; there && w.heard.IsZero() {
		w.heard, w.listens = now, false
	}
	m.finish(w, now)
}

// heed notes that a worker wants to be told that it drains, or (its line is gone) that it cannot be.
func (m *machine) heed(id int, heeds bool, now time.Time) {
	if w := m.member(id); w != nil {
		w.heeds = heeds
		m.finish(w, now)
	}
}

// finishes notes that a worker has done what there is to do when it drains.
func (m *machine) finishes(id int, now time.Time) {
	if w := m.member(id); w != nil {
		w.finished = true
		m.finish(w, now)
	}
}

// finish asks a draining worker to finish if it was asked for something before and nothing is left of that. One that
// has nothing but messages to take, and has said that it is done, is about to leave by itself: it has the grace for what
// it does last.
func (m *machine) finish(w *member, now time.Time) {
	leaves := w.takes && !w.serves && !w.gives
	if w.state == Draining && w.asked < toFinish && (!w.agent || w.calm) && (!w.heeds || w.finished && !leaves) {
		m.ask(w, toFinish, now)
	}
}

// gave notes that we hold a socket that a worker listens on.
func (m *machine) gave(id int) {
	if w := m.member(id); w != nil {
		w.gives = true
	}
}

// kept notes that a worker has a socket that it cannot hand over.
func (m *machine) kept(id int, address Address) {
	w := m.member(id)
	if w == nil {
		return
	}
	w.keeps = true
	if m.asked() == Auto && !m.told[address] {
		m.told[address] = true
		m.do(emit{CannotHandOver{Worker: w.Worker, Address: address}})
	}
}

// quiet notes that a draining worker has no connections any more; idle, that one which was asked to leave answers
// nothing. Then there is nothing left to do but to finish.
func (m *machine) quiet(id int, now time.Time) { m.done(id, toDrain, now) }
func (m *machine) idle(id int, now time.Time)  { m.done(id, toLeave, now) }

func (m *machine) done(id int, least request, now time.Time) {
	if w := m.member(id); w != nil && w.state == Draining && w.asked >= least {
		w.calm = true
		m.finish(w, now)
	}
}

// asked is the strategy that was asked for, for this generation or for all.
func (m *machine) asked() Strategy {
	if m.proved {
		return StopFirst
	}
	return cmp.Or(m.plans[m.target].Strategy, m.policy.Strategy)
}

// surge is how many new workers may stand beside the old ones under rolling.
func (m *machine) surge() int {
	if plan := m.plans[m.target]; plan.Strategy != Auto {
		return plan.Surge
	}
	return m.policy.Surge
}

// inForce is the strategy as of now. Auto is parallel if all that are there from before, or are to be replaced, have
// handed over all that they listen on, and else stop-first.
func (m *machine) inForce() Strategy {
	if asked := m.asked(); asked != Auto {
		return asked
	}
	for _, w := range m.members {
		overtaken := w.ready.IsZero() && m.plans[w.Generation].Agent // it is being killed, and no reason for others to go
		retires := w.retires && !w.ready.IsZero() && m.current == m.target
		if (w.Generation != m.target && !overtaken || retires) && (!w.gives || w.keeps) {
			return StopFirst
		}
	}
	if !m.plans[m.target].Agent {
		return StopFirst // it could not take over
	}
	return Parallel
}

// exited notes that a worker and all it left behind are gone.
func (m *machine) exited(id int, exit Exit, now time.Time) {
	i := slices.IndexFunc(m.members, func(w *member) bool { return w.ID == id })
	if i < 0 {
		return
	}
	w := m.members[i]
	m.members = slices.Delete(m.members, i, i+1)

	event := Exited{Worker: w.Worker, State: w.state, Exit: exit, After: now.Sub(w.started), Expected: true, Reason: w.failed}
	switch {
	case w.state >= Draining && w.failed == "": // we asked for it
	case exit.Success() && w.failed == "" && !m.suspicious(w, exit) && w.retires: // it did not wait for its successor
	case exit.Success() && w.failed == "" && !m.suspicious(w, exit): // its work is done
		m.finished[place{w.Slot, w.Generation}] = true
		if w.state == Starting {
			m.do(emit{BecameReady{Worker: w.Worker, How: ByFinishing, After: event.After}})
		}
	default:
		event.Expected = false
		m.crashed(w, exit, &event, now)
	}
	m.do(emit{event})
	m.reconcile(now)
}

// suspicious reports whether an end with code 0 looks more like a server that could not start and has said so only in
// its own words: it met an address in use, or the one before it served by then.
func (m *machine) suspicious(w *member, exit Exit) bool {
	return w.state == Starting && (exit.AddressInUse != "" || (m.replacing() || m.anyInTheWay(w)) && !m.agesToReady(w))
}

// replacing reports whether an older generation than the target is there to fall back to.
func (m *machine) replacing() bool { return m.current != 0 && m.current != m.target }

// crashed decides what an unexpected death means: an accident, a step in a crash loop, or the end of an attempt to
// replace.
func (m *machine) crashed(w *member, exit Exit, event *Exited, now time.Time) {
	unready := w.state == Starting || w.failed != ""
	switch {
	case m.stopping || w.Generation != m.target:
		// Nobody needs it any more, unless the target fails, and then reconcile starts it again; or does not come.
		if m.blocked != "" && !m.stopping && !m.complete() {
			event.Retry = Retry{Blocked: m.blocked}
		}
	case unready && m.plans[w.Generation].Agent && !w.agent && exit.heldByOurs() && m.failures < maxDeaf:
		m.failures++ // its agent did not get through to us, who hold the address
		m.retryAt = now.Add(nextDelay(m.failures, m.jitter()))
		event.Retry = Retry{In: m.retryAt.Sub(now), Failures: m.failures}
	case unready && exit.heldByOurs() && m.inForce() != StopFirst && m.anyInTheWay(w):
		m.proved = true // which is what there is to tell: the death as such is no news
		m.do(emit{SwitchedToStopFirst{Worker: w.Worker, Address: exit.AddressInUse}})
		for _, beside := range m.members { // they have met, or will meet, the same
			if beside.Generation == m.target && beside.state == Starting {
				m.kill(beside)
			}
		}
	case m.replacing() && w.state != Stable:
		m.do(emit{Failed{Generation: m.target, Serving: m.current, Worker: w.Worker, Exit: exit, Reason: w.failed, After: event.After}})
		if !m.whole(m.current) {
			m.settled = 0 // the old one has to come back first; that is news when it has
		}
		m.target = m.current
		m.failures, m.retryAt = 0, time.Time{}
	case m.blocked != "":
		event.Retry = Retry{Blocked: m.blocked}
	case w.state == Stable && !now.Before(m.retryAt):
		m.failures = 0
		event.Retry = Retry{Now: true}
	default:
		if !now.Before(m.retryAt) { // workers that die together make one series
			m.failures++
			m.retryAt = now.Add(nextDelay(m.failures, m.jitter()))
		}
		event.Retry = Retry{In: m.retryAt.Sub(now), Failures: m.failures}
	}
}

// maxDeaf is how often in a row it is taken for an accident that an agent did not get through.
const maxDeaf = 3

// anyServing reports whether a worker of another generation than gen serves.
func (m *machine) anyServing(gen int) bool {
	return slices.ContainsFunc(m.members, func(w *member) bool { return w.Generation != gen && w.serving() })
}

// inTheWay reports whether a worker serves that w is to take the place of: of another generation, or one that retires.
func (m *machine) inTheWay(other, w *member) bool {
	return other.serving() && (other.Generation != m.target || other.retires && other.Slot == w.Slot && other != w)
}

func (m *machine) anyInTheWay(w *member) bool {
	return slices.ContainsFunc(m.members, func(other *member) bool { return m.inTheWay(other, w) })
}

// tick applies what the passing of time means.
func (m *machine) tick(now time.Time) {
	for _, w := range slices.Clone(m.members) {
		due := func(t time.Time) bool { return !now.Before(t) }
		switch w.state {
		case Starting:
			switch ages := m.agesToReady(w); {
			case ages && due(w.started.Add(m.policy.AliveFor)):
				m.isReady(w.ID, ByAge, now)
			case ages:
			case w.listens && due(w.started.Add(m.policy.Handover)):
				m.learned[w.Slot] = ByListening // the word has gone out of use
				m.isReady(w.ID, ByListening, now)
			case due(w.until):
				w.failed = "not ready after " + m.policy.StartTimeout.String() + m.expectation(w.Slot)
				m.kill(w)
			case due(m.suspectAt(w)):
				m.handOver(w, now)
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
			switch {
			case !due(w.until):
			case w.asked == toFinish:
				m.do(emit{GraceOver{Worker: w.Worker, Grace: m.policy.Grace}})
				m.kill(w)
			case w.asked == toDrain && m.awaited():
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

// agesToReady reports whether being alive is all that can be asked of a starting worker.
func (m *machine) agesToReady(w *member) bool {
	learned := m.learned[w.Slot]
	if learned == ByAccepting && !m.plans[w.Generation].Agent {
		learned = ByAge // it has nobody to tell
	}
	return m.policy.counts(ByAge) && learned != ByWord && !learned.serves()
}

// expectation says what was waited for, for the reader of a failure.
func (m *machine) expectation(slot int) string {
	switch {
	case m.policy.counts(ByProbe):
		return ": the probe has not answered"
	case m.policy.Ready == ReadyNotify:
		return ": it has not said READY=1"
	case m.learned[slot] == ByWord:
		return ": the generation before it said READY=1"
	case m.learned[slot] == ByAccepting:
		return ": the generation before it accepted connections by then"
	default:
		return ": the generation before it listened by then"
	}
}

// suspectAt is when an unready worker is suspected to wait for an older one. As long as its agent has not said hello,
// which is the first thing that a program does, it waits for nothing but a processor. Nor is there a reason to suspect it
// while others of its generation come along: dozens that start at once take their time.
func (m *machine) suspectAt(w *member) time.Time {
	since := w.heard
	switch {
	case !since.IsZero():
	case m.plans[w.Generation].Agent:
		since = w.started.Add(m.policy.Handover) // or its agent never will
	default:
		since = w.started
	}
	if last := m.progress(w.Generation); last.After(since) {
		since = last
	}
	return since.Add(m.policy.Handover)
}

// progress is when a worker of a generation has last said hello or become ready.
func (m *machine) progress(generation int) (last time.Time) {
	for _, w := range m.members {
		if w.Generation != generation {
			continue
		}
		for _, at := range []time.Time{w.heard, w.ready} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}

// handOver acts on the suspicion that w waits for something that an old worker holds (a lock, a port): the old one
// leaves first, and the service stays stop-first.
func (m *machine) handOver(w *member, now time.Time) {
	if m.blocked != "" || m.inForce() == StopFirst || w.Generation != m.target || !m.anyInTheWay(w) {
		return
	}
	m.proved = true
	m.do(emit{HandedOver{Worker: w.Worker, After: m.policy.Handover}})
	for _, other := range m.members {
		switch {
		case other.Generation != m.target || m.inTheWay(other, w):
			m.drain(other, now)
		case other.state == Starting:
			other.until = now.Add(m.policy.StartTimeout) // its own time begins when nobody is in its way
		}
	}
}

// deadline is when tick must be called next; zero if nothing waits for time.
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
		switch w.state {
		case Starting:
			if m.agesToReady(w) {
				add(w.started.Add(m.policy.AliveFor))
				continue
			}
			if w.listens {
				add(w.started.Add(m.policy.Handover))
			}
			if m.blocked == "" && m.inForce() != StopFirst && m.anyInTheWay(w) {
				add(m.suspectAt(w))
			}
			add(w.until)
		case Ready:
			add(w.ready.Add(m.policy.StableAfter))
			addAge(w)
		case Stable:
			addAge(w)
		case Draining:
			add(w.until)
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

func (m *machine) drain(w *member, now time.Time) {
	if !w.live() {
		return
	}
	if w.state == Starting { // it has nothing to finish
		m.kill(w)
		return
	}
	w.state = Draining
	m.do(emit{Drains{Worker: w.Worker}})
	switch {
	case !w.agent && !w.heeds || m.policy.Grace == 0:
		m.ask(w, toFinish, now)
	case m.stopping:
		m.ask(w, toLeave, now)
	default:
		m.ask(w, toDrain, now)
	}
}

// awaited reports whether those who come next start only when those who leave are gone.
func (m *machine) awaited() bool {
	strategy := m.inForce()
	return strategy == StopFirst || strategy == Rolling && m.surge() == 0
}

// ask asks a draining worker for something, and gives it the time for it.
func (m *machine) ask(w *member, what request, now time.Time) {
	w.asked, w.until = what, now.Add(m.policy.Grace)
	if what == toDrain && m.awaited() {
		w.until = now.Add(min(brief, m.policy.Grace))
	}
	m.do(askWorker{w.ID, what})
}

func (m *machine) kill(w *member) {
	if w.state == Killing {
		return
	}
	w.state = Killing
	m.do(killWorker{w.ID})
}
