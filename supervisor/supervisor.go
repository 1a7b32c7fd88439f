package supervisor

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/worker/exchange"
	"hotreload/worker/host"
)

// Config is one service. It is not changed after New.
type Config struct {
	Name   string   // of the program, for its argv[0]
	Args   []string // after argv[0]
	Dir    string   // working folder; "" = ours
	Env    []string // complete environment of the workers, ours excepted
	Policy Policy
	Listen []Address
	Probe  Probe
	Output Output
	Stdin  bool           // workers get a stdin that Input writes to; else it is empty
	Stop   syscall.Signal // asks a worker to finish; 0 = SIGTERM
	Agents bool           // workers may have the agent

	// User is whom workers run as; nil = whom we do. They are given what they have to reach by name, and what they bind
	// beside. The files of their program need not be readable to them.
	User *User

	// Allowed returns why no worker may be started, or nil. It is asked before each start, by the supervisor's goroutine,
	// and so must not take long. nil = they always may.
	Allowed func() error
}

// Supervisor owns the sockets and the workers of one service. All methods may be called from any goroutine; they
// return at once, and what comes of them is heard from Events.
type Supervisor struct {
	config    Config
	bound     atomic.Pointer[[]Address]
	notifyDir string
	stdin     *stdin
	agents    *agents            // nil where there can be none
	lines     *exchange.Exchange // of workers that want a say; nil where there can be none

	listeners     listeners        // of the loop, as are all below down to lastInquiry: what workers that start now inherit
	retired       []retired        // what those that are to leave have inherited
	inherited     map[inode]bool   // both; a new map when they change, for others read it
	beyondMending map[Address]bool // what it has said so of
	told          map[string]bool  // refusals and the like that were said already
	gone          map[int]Worker   // those whose last words may still come
	inquiries     map[uint32]*inquiry
	lastInquiry   uint32

	inputs chan input
	events chan Event
	done   chan struct{}
}

// input is something that happens to the loop.
type input interface{ input() }

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
	shutInput struct {
		slots  []int
		closed bool
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

func (replaceInput) input()  {}
func (hurryInput) input()    {}
func (retireInput) input()   {}
func (stopInput) input()     {}
func (killInput) input()     {}
func (resizeInput) input()   {}
func (recheckInput) input()  {}
func (adoptInput) input()    {}
func (shutInput) input()     {}
func (signalInput) input()   {}
func (readyInput) input()    {}
func (releasedInput) input() {}
func (exitedInput) input()   {}
func (droppedInput) input()  {}

// New binds the addresses and starts the loop, with no worker yet. A *PortError says that an address is taken.
// process.Setup must have been called. The supervisor ends, and closes Events, after Stop or Kill.
func New(config Config) (*Supervisor, error) {
	if config.Stop == 0 {
		config.Stop = syscall.SIGTERM
	}
	if config.User != nil {
		if err := config.User.May(); err != nil {
			return nil, err
		}
	}
	config.Policy.fill(len(config.Listen) > 0, !config.Probe.IsZero())
	open, err := openListeners(config.Listen, config.User)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hotreload-")
	if err == nil {
		err = config.User.own(dir)
	}
	if err != nil {
		open.close()
		return nil, err
	}
	s := &Supervisor{
		config: config, listeners: open, notifyDir: dir,
		inherited: open.inodes(), beyondMending: map[Address]bool{},
		told: map[string]bool{}, gone: map[int]Worker{}, inquiries: map[uint32]*inquiry{},
		inputs: make(chan input),
		events: make(chan Event),
		done:   make(chan struct{}),
	}
	addresses := open.addresses()
	s.bound.Store(&addresses)
	if config.Stdin {
		s.stdin = newStdin()
	}
	var noAgents error
	if config.Agents {
		s.agents, noAgents = s.openAgents()
	}
	s.lines = s.openLines()
	go s.loop(noAgents) // ends after Stop or Kill, when the last worker is gone and the last event was taken
	return s, nil
}

// Addresses lists where the sockets are bound; a port that was asked for as 0 has its number.
func (s *Supervisor) Addresses() []Address { return *s.bound.Load() }

// Replace makes plan the generation to get to. Serving or Failed tells what came of it, unless a newer plan
// supersedes it first.
func (s *Supervisor) Replace(plan Plan) { s.send(replaceInput{plan}) }

// Hurry ends a back-off: what keeps dying is started again at once.
func (s *Supervisor) Hurry() { s.send(hurryInput{}) }

// Retire replaces one worker by another of the same generation, which serves before the old one is asked to leave unless
// the strategy has it leave first. Who is about to leave anyway is not replaced.
func (s *Supervisor) Retire(id int) { s.send(retireInput{id}) }

// Adopt has the service kept by another policy from now on, and workers asked to finish by another signal (0 = SIGTERM).
// Scaled tells when there are as many workers as it says.
func (s *Supervisor) Adopt(policy Policy, stop syscall.Signal) { s.send(adoptInput{policy, stop}) }

// Shut closes slots, whose workers finish and leave, or opens them again. Scaled tells when that has come true.
func (s *Supervisor) Shut(slots []int, closed bool) { s.send(shutInput{slots, closed}) }

// AllSlots is the slot of a Signal to all workers.
const AllSlots = -1

// Signal sends a signal to the workers that are not on their way out, in one slot or AllSlots, and returns their pids.
func (s *Supervisor) Signal(sig syscall.Signal, slot int) []int {
	answer := make(chan []int, 1)
	s.send(signalInput{sig, slot, answer})
	select {
	case pids := <-answer:
		return pids
	case <-s.done:
		return nil
	}
}

// Recheck asks Config.Allowed anew. Without it that is done when something is to be started, and, while it said no, each
// second.
func (s *Supervisor) Recheck() { s.send(recheckInput{}) }

// Stop drains all workers; Stopped is the last event.
func (s *Supervisor) Stop() { s.send(stopInput{}) }

// Kill ends all workers at once; Stopped is the last event.
func (s *Supervisor) Kill() { s.send(killInput{}) }

// Resize tells the workers' terminals that ours has another size.
func (s *Supervisor) Resize() { s.send(resizeInput{}) }

// Input is what the workers read from stdin if Config.Stdin is set: the newest worker of slot 0 gets what is written
// after its start. A write waits until there is one. Closing it ends the input of all that come.
func (s *Supervisor) Input() *stdin { return s.stdin }

// Events yields what happens, in order, and is closed after Stopped. It must be read: a reader that stops does not
// stop the workers, but what is kept for it grows.
func (s *Supervisor) Events() <-chan Event { return s.events }

func (s *Supervisor) send(in input) {
	select {
	case s.inputs <- in:
	case <-s.done:
	}
}

// mendEvery is how often the sockets are looked at; they are also whenever a worker leaves, which is when one would
// shut them down.
const mendEvery = time.Second

// recheckEvery is how often it is asked whether workers may be started again, by one who has said no.
const recheckEvery = time.Second

// refusal is why no worker may be started; "" if they may.
func (s *Supervisor) refusal() string {
	if s.config.Allowed == nil {
		return ""
	}
	if err := s.config.Allowed(); err != nil {
		return err.Error()
	}
	return ""
}

// loop owns the machine and the processes.
func (s *Supervisor) loop(noAgents error) {
	defer close(s.events)
	machine := newMachine(s.config.Policy, rand.Float64)
	workers := map[int]*running{}
	post := newPost()
	var pending []Event
	if noAgents != nil {
		pending = append(pending, NoAgent{Reason: noAgents.Error()})
	}
	defer func() {
		post.close()
		s.giveUp()
		close(s.done) // inputs come to an end
		s.agents.close()
		s.lines.Close()
		s.listeners.close()
		for _, old := range s.retired {
			old.close()
		}
		_ = os.RemoveAll(s.notifyDir)
		if s.stdin != nil {
			s.stdin.Close() // nobody will read what somebody may be about to write
		}
	}()

	var suspect Worker // who last left, or was asked to
	mend := func() {
		for _, mended := range append(s.listeners.mend(), s.agents.mend()...) {
			mended.Suspect = suspect
			if mended.Err == nil || !s.beyondMending[mended.Address] {
				pending = append(pending, mended)
			}
			if mended.Err != nil {
				s.beyondMending[mended.Address] = true
			}
		}
	}
	health := time.NewTicker(mendEvery)
	defer health.Stop()
	lookAfter := func() {
		if len(s.listeners) == 0 && s.agents == nil {
			health.Stop()
		} else {
			health.Reset(mendEvery)
		}
	}
	lookAfter()

	var recheck *time.Ticker // nil while workers may be started
	defer func() {
		if recheck != nil {
			recheck.Stop()
		}
	}()

	var weighing <-chan time.Time // when to look at the workers' memory, and what they answered; nil while it has no limit
	scales := time.NewTicker(time.Hour)
	defer scales.Stop()
	limit := func() {
		if weighing = nil; s.config.Policy.Limits.RSS > 0 || s.config.Policy.Limits.Requests > 0 {
			scales.Reset(testOnlyRSSEvery)
			weighing = scales.C
		}
	}
	limit()

	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	heardFirst := 0 // inputs that went before what was due
	for {
		var asking <-chan time.Time
		switch blocked := machine.blocked != ""; {
		case blocked && recheck == nil:
			recheck = time.NewTicker(recheckEvery)
		case !blocked && recheck != nil:
			recheck.Stop()
			recheck = nil
		}
		if recheck != nil {
			asking = recheck.C
		}
		var out chan Event
		var next Event
		if len(pending) > 0 {
			out, next = s.events, pending[0]
		} else if machine.stopped {
			return
		}
		timer.Stop()
		var due <-chan time.Time
		if at := machine.deadline(); !at.IsZero() {
			timer.Reset(time.Until(at))
			due = timer.C
		}
		var in input
		select {
		case out <- next:
			pending = pending[1:]
			if m, ok := next.(Message); ok {
				m.heard()
			}
			continue
		case <-due:
			// Time counts after what has been said: while dozens of workers were started here, one after the other, nobody
			// was heard.
			if heardFirst++; heardFirst < maxHeardFirst {
				select {
				case in = <-s.inputs:
				default:
				}
			}
			if in == nil {
				heardFirst = 0
				machine.tick(time.Now())
			}
		case <-health.C:
			mend()
		case <-weighing:
			for _, w := range workers {
				if bytes, _, known := usageOf(w.Pid()); known {
					machine.holds(w.worker.ID, bytes, time.Now())
				}
				if s.config.Policy.Limits.Requests > 0 {
					s.agents.count(w.worker.ID, 0)
				}
			}
		case <-asking:
			machine.allow(s.refusal(), time.Now())
		case in = <-s.inputs:
		}
		if in != nil {
			now := time.Now()
			switch in := in.(type) {
			case replaceInput:
				machine.note(s.refusal()) // before old workers are sent away for what may not be started
				machine.replace(in.plan, now)
			case hurryInput:
				machine.note(s.refusal())
				machine.hurry(now)
			case recheckInput:
				machine.allow(s.refusal(), now)
			case retireInput:
				machine.allow(s.refusal(), now)
				machine.retire(in.id, now)
			case stopInput:
				machine.stop(now)
			case killInput:
				machine.killAll(now)
			case readyInput:
				machine.isReady(in.id, in.how, now)
				if w := workers[in.id]; w != nil && in.how == ByWord && s.config.Policy.counts(ByWord) {
					w.enough()
				}
			case releasedInput:
				mend()
				machine.release(in.id, now)
			case exitedInput:
				if w := workers[in.id]; w != nil {
					suspect = w.worker
				}
				mend() // before a new one is started
				delete(workers, in.id)
				s.agents.forget(in.id)
				if w := machine.member(in.id); w != nil {
					if s.lines.Forget(in.id) {
						s.gone[in.id] = w.Worker
					} else {
						post.hangUp(w.Worker)
					}
				}
				machine.exited(in.id, in.exit, now)
			case droppedInput:
				if !machine.stopped { // else it would come after the last event
					pending = append(pending, in.Dropped)
				}
			case agentInput:
				if _, released := in.Event.(host.Released); released {
					mend()
				}
				pending = append(pending, s.hearAgent(in.Event, machine, workers, now)...)
			case lineInput:
				pending = append(pending, s.hearLine(in.Event, machine, post, now)...)
			case errandInput:
				post.add(in.errand)
			case cancelInput:
				post.cancel(in.errand, in.why)
			case takersInput:
				in.answer <- post.takersOf(machine)
			case tellInput:
				in.answer <- s.tell(machine)
			case inquireInput:
				s.inquire(in.inquiry, machine, post)
			case overdueInput:
				s.overdue(in.inquiry)
			case toldInput:
				pending = append(pending, FilesTold{})
			case keptInput:
				machine.kept(in.id, in.address)
			case adoptInput:
				s.config.Policy, s.config.Stop = in.policy, cmp.Or(in.stop, syscall.SIGTERM)
				s.config.Policy.fill(len(s.config.Listen) > 0, !s.config.Probe.IsZero())
				machine.note(s.refusal())
				machine.adopt(s.config.Policy, now)
				limit()
			case relistenInput:
				in.answer <- s.relisten(in.addresses, machine, now)
				lookAfter()
			case shutInput:
				machine.note(s.refusal())
				machine.shut(in.slots, in.closed, now)
			case signalInput:
				var pids []int
				for _, w := range machine.members {
					if r := workers[w.ID]; r != nil && w.live() && (in.slot == AllSlots || in.slot == w.Slot) {
						if r.Signal(in.sig) == nil {
							pids = append(pids, w.Pid)
						}
					}
				}
				in.answer <- pids
			case listeningInput:
				ours := maps.Clone(s.inherited)
				if s.agents != nil {
					for _, number := range s.agents.sockets.Inodes() {
						ours[inode(strconv.FormatUint(number, 10))] = true
					}
				}
				in.answer <- ours
			case resizeInput:
				for _, w := range workers {
					w.resize(s.config.Output)
				}
			}
		}
		pending = append(pending, s.carryOut(machine, workers)...)
		post.dispatch(machine, s.lines.Message)
	}
}

// maxHeardFirst is how many inputs may go before what is due, so that a flood of them does not stop the clock.
const maxHeardFirst = 10_000

// carryOut does what the machine wants done, and what that leads to, and returns what is to be told.
func (s *Supervisor) carryOut(m *machine, workers map[int]*running) []Event {
	var told []Event
	for actions := m.take(); len(actions) > 0; actions = m.take() {
		for _, action := range actions {
			switch action := action.(type) {
			case emit:
				told = append(told, action.Event)
			case startWorker:
				if why := s.refusal(); why != "" {
					m.refused(action.ID, why, time.Now())
					continue
				}
				s.closeRetired(m)
				w, err := s.launch(action.Worker, action.plan)
				if err != nil {
					m.exited(action.ID, Exit{StartError: err}, time.Now())
					continue
				}
				workers[action.ID] = w
				m.spawned(action.ID, w.Pid(), time.Now())
			case askWorker:
				w := workers[action.id]
				if w != nil {
					s.lines.Drain(action.id)
				}
				switch {
				case w == nil:
				case action.what == toFinish:
					_ = w.Signal(s.config.Stop)
					s.watchRelease(w)
				case !s.agents.ask(action.id, action.what):
					m.hello(action.id, false, time.Now())
				}
			case killWorker:
				if w := workers[action.id]; w != nil {
					w.end()
				}
			}
		}
	}
	s.closeRetired(m)
	return told
}
