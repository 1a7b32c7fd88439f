package supervisor

import (
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

// loop is the state owned by one goroutine of the Supervisor: the machine, which decides, and the processes, sockets
// and messages. The goroutine handles one input after the other, and carries out the machine's actions after each.
//
//	inputs (methods of Supervisor, processes, agents, clocks) -> machine -> actions -> carryOut -> Events
type loop struct {
	*Supervisor
	machine   *machine
	workers   map[int]*running // by ID, from the start until all their processes are gone
	post      *post
	inquiries inquiries
	farewells *farewells
	clocks    clocks

	attendance attendance

	looks  []int // IDs of workers to look at when no input waits
	passed int   // inputs handled since the last look, while looks wait

	outbox   []Event         // events to send, in order
	told     map[string]bool // keys of sent events, of those sent only once
	debugged bool            // workers of slot 0 wait before their main for a debugger; see debug.go
	gone     map[int]Worker  // exited workers whose last messages may still arrive
	suspect  Worker          // the worker that last drained or exited
}

func newLoop(s *Supervisor, noAgents error) *loop {
	l := &loop{
		Supervisor: s, machine: newMachine(s.config.Policy, rand.Float64), workers: map[int]*running{}, post: newPost(),
		inquiries: newInquiries(), farewells: newFarewells(), clocks: newClocks(),
		told: map[string]bool{}, gone: map[int]Worker{},
	}
	l.machine.proved = s.config.Alone
	l.machine.drawn = s.config.Terminal != nil
	if noAgents != nil {
		l.tell(NoAgent{Reason: noAgents.Error()})
	}
	l.lookAfterSockets()
	l.limit()
	return l
}

// run ends when the machine has stopped and the last event was received.
func (l *loop) run() {
	defer l.close()
	for !l.machine.stopped || len(l.outbox) > 0 {
		in := l.next()
		if in == nil {
			continue
		}
		in.happen(l, time.Now())
		l.carryOut()
		l.post.dispatch(l.machine, l.lines.Message)
	}
}

// next waits for an input. nil means: an event was received instead.
func (l *loop) next() input {
	var out chan Event
	var event Event
	if len(l.outbox) > 0 {
		out, event = l.events, l.outbox[0]
	}
	l.setClocks()
	var look <-chan time.Time
	switch {
	case len(l.looks) == 0:
	case l.passed >= maxOvertaking:
		return l.nextLook()
	default:
		look = time.After(giveWay)
		l.passed++
	}
	select {
	case out <- event:
		l.outbox = l.outbox[1:]
		if m, ok := event.(Message); ok {
			m.heard()
		}
		return nil
	case <-look:
		return l.nextLook()
	case <-l.clocks.due.C:
		return l.overtaking()
	case <-l.clocks.health.C:
		return healthInput{}
	case <-l.clocks.scales.C:
		return weighInput{}
	case <-l.clocks.recheck.C:
		return recheckInput{}
	case in := <-l.inputs:
		return in
	}
}

func (l *loop) nextLook() input {
	id := l.looks[0]
	l.looks, l.passed = l.looks[1:], 0
	return lookInput{id}
}

// giveWay is how long no input must come before a look. Dozens of looks take seconds, and a worker may have become
// ready meanwhile: a look before that message would find an idle worker that has not become ready.
const giveWay = time.Millisecond

// maxOvertaking is how many inputs may be handled before a passed deadline, so that a flood of inputs cannot stop the
// clock.
const maxOvertaking = 10_000

// overtaking returns a waiting input, if there is one, when a deadline has passed, and otherwise the deadline. Inputs
// go first because the loop receives none while it starts dozens of workers: a worker may have become ready before its
// deadline.
func (l *loop) overtaking() input {
	if l.clocks.overtaken < maxOvertaking {
		select {
		case in := <-l.inputs:
			l.clocks.overtaken++
			return in
		default:
		}
	}
	l.clocks.overtaken = 0
	return dueInput{}
}

// tell appends events to the outbox.
func (l *loop) tell(events ...Event) { l.outbox = append(l.outbox, events...) }

// tellOnce sends an event if none was sent under this key before.
func (l *loop) tellOnce(key string, event Event) {
	if !l.told[key] {
		l.told[key] = true
		l.tell(event)
	}
}

// refusal returns why no worker may be started; "" if starts are allowed.
func (l *loop) refusal() string {
	if l.config.Allowed == nil {
		return ""
	}
	if err := l.config.Allowed(); err != nil {
		return err.Error()
	}
	return ""
}

// member returns the worker with this ID, as in events.
func (l *loop) member(id int) Worker {
	if w := l.machine.member(id); w != nil {
		return w.Worker
	}
	return Worker{ID: id}
}

// mend repairs sockets after a worker has shut them down, and reports each repair. A socket beyond repair is reported
// once.
func (l *loop) mend() {
	for _, mended := range append(l.sockets.open.mend(), l.agents.mend()...) {
		mended.Suspect = l.suspect
		if mended.Err == nil || !l.sockets.beyondMending[mended.Address] {
			l.tell(mended)
		}
		if mended.Err != nil {
			l.sockets.beyondMending[mended.Address] = true
		}
	}
}

// carryOut carries out the machine's actions, and the actions that follow.
func (l *loop) carryOut() {
	for actions := l.machine.take(); len(actions) > 0; actions = l.machine.take() {
		for _, action := range actions {
			action.carryOut(l)
		}
	}
	l.closeRetired()
	l.lookForNobody()
}

func (a emit) carryOut(l *loop) {
	switch e := a.Event.(type) {
	case GenerationGone:
		l.farewells.forget(e.Generation)
	case Serving:
		l.serves()
	}
	l.tell(a.Event)
}

func (a startWorker) carryOut(l *loop) {
	if why := l.refusal(); why != "" {
		l.machine.refused(a.ID, why, time.Now())
		return
	}
	l.closeRetired()
	l.attendance.end()
	w, err := l.launch(a.Worker, a.plan)
	if err != nil {
		l.machine.exited(a.ID, Exit{StartError: err}, time.Now())
		return
	}
	l.workers[a.ID] = w
	l.machine.spawned(a.ID, w.Pid(), time.Now())
}

func (a askWorker) carryOut(l *loop) {
	w := l.workers[a.id]
	if w == nil {
		return
	}
	l.farewells.leaves(w.worker, exists)
	l.lines.Drain(a.id)
	switch {
	case a.what == toFinish:
		process.NoteDaemons()
		l.askToFinish(w)
		l.watchRelease(w)
	case !l.agents.ask(a.id, a.what, a.alone):
		l.machine.hello(a.id, false, time.Now())
	}
}

func (a endStreams) carryOut(l *loop) { l.agents.endStreams(a.id) }

func (a killWorker) carryOut(l *loop) {
	if w := l.workers[a.id]; w != nil {
		w.end()
	}
}

func (a lookAtWorker) carryOut(l *loop) {
	if !slices.Contains(l.looks, a.id) {
		l.looks = append(l.looks, a.id)
	}
}

func (a findDebugger) carryOut(l *loop) {
	how := inspect.Untraced
	if w := l.workers[a.id]; w != nil {
		how = inspect.TracingOf(w.Pid())
	}
	l.machine.traced(a.id, how, time.Now())
}

// lookInput: no other input waits, so it is time for the next look.
type lookInput struct{ id int }

func (in lookInput) happen(l *loop, now time.Time) {
	if w := l.workers[in.id]; w != nil && l.machine.member(in.id) != nil {
		beside := l.machine.beside(l.machine.member(in.id), l.workers)
		l.machine.looked(in.id, standingOf(w, beside, now), now)
	}
}

// close closes everything owned by the loop.
func (l *loop) close() {
	l.clocks.stop()
	l.attendance.close()
	l.post.close()
	l.inquiries.giveUp()
	close(l.done) // no more inputs
	l.agents.close()
	l.lines.Close()
	l.sockets.close()
	_ = os.RemoveAll(l.notifyDir)
	if l.stdin != nil {
		l.stdin.Close() // a pending write would wait forever
	}
	close(l.events)
}
