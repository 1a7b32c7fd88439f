package supervisor

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

// steps are the words of the script for a bench: one step per line, or several with semicolons in between. # is the
// number of a worker, a generation or a slot. One more step is "wait 1s", for the time to pass. After each step, >
// precedes the machine's actions, in order. A line with > in front continues the line above.
//
//	start 3 of generation 2 in slot 0
//	ask 3 to drain, ask 3 to leave, ask 3 to finish, end streams of 3, kill 3
//	3 is ready: alive                     and by what it was known
//	3 exited                              as it should; else:
//	3 exited unexpectedly: again at once  and what comes of it
//	3 serves after all                    a worker of which only the age was known
//	3 retires                             another worker of its generation is to take its place
//	3 cannot hand over                    it has a socket that nobody can take over
//	3 removed a file of its successor     and nothing is done about it
//	grace of 3 is over
//	try 3 alone: lock                     the old workers are to exit first, for a lock
//	3 proved alone: lock                  then it served
//	generation 2 serves                   in all slots
//	generation 2 serves alone             no older worker accepts
//	generation 2 runs alone               the same, if nothing but the age of its workers is known
//	generation 2 failed and 1 serves
//	generation 1 is gone                  none of its workers is left
//	scaled to 3                           three workers are there, and no others
//	forecast for generation 2: 1 of 3     slot 1 of 3 is done, and the rest will take long
//	starts are blocked, starts are allowed again, stopped
var steps = map[string]func(b *bench, n int){
	"replace by #":            func(b *bench, n int) { b.replaceBy(Plan{Generation: n}) },
	"replace by # with agent": func(b *bench, n int) { b.replaceBy(Plan{Generation: n, Agent: true}) },
	"replace by # rolling":    func(b *bench, n int) { b.replaceBy(Plan{Generation: n, Strategy: Rolling}) },

	"# says ready":         func(b *bench, n int) { b.isReady(n, ByWord, b.now) }, // READY=1
	"# listens":            func(b *bench, n int) { b.isReady(n, ByListening, b.now) },
	"# accepts":            func(b *bench, n int) { b.isReady(n, ByAccepting, b.now) },
	"# answers the probe":  func(b *bench, n int) { b.isReady(n, ByProbe, b.now) },
	"# takes messages":     func(b *bench, n int) { b.isReady(n, ByTaking, b.now) },
	"agent of # connects":  func(b *bench, n int) { b.hello(n, true, b.now) },
	"agent of # is gone":   func(b *bench, n int) { b.hello(n, false, b.now) },
	"# gives its listener": func(b *bench, n int) { b.gave(n) },
	"# keeps a socket":     func(b *bench, n int) { b.hasOwnSocket(n, Address{Network: "udp", Addr: ":53"}) },

	// While the worker drains.
	"# lets go of its listeners":       func(b *bench, n int) { b.release(n, b.now) },
	"# has given away its connections": func(b *bench, n int) { b.gaveAway(n, b.now) }, // the idle connections
	"# has no connections":             func(b *bench, n int) { b.quiet(n, b.now) },
	"# is idle":                        func(b *bench, n int) { b.idle(n, b.now) }, // no requests in flight
	"# asks to be told of draining":    func(b *bench, n int) { b.setHeeds(n, true, b.now) },
	"line of # breaks":                 func(b *bench, n int) { b.setHeeds(n, false, b.now) }, // for news of draining
	"# has finished":                   func(b *bench, n int) { b.workDone(n, b.now) },        // after news of its drain

	"# exits 0":   func(b *bench, n int) { b.exit(n, Exit{}) },
	"# exits 1":   func(b *bench, n int) { b.exit(n, Exit{Exit: one}) },
	"# is killed": func(b *bench, n int) { b.exit(n, Exit{Exit: killed}) },
	"# is killed unseen": func(b *bench, n int) { // the reason of the wait was invisible
		delete(b.living, n)
		b.machine.exited(n, Exit{Exit: killed}, b.now)
	},
	"# exits 0 over an old worker's address": func(b *bench, n int) {
		b.exit(n, Exit{AddressInUse: ":8080", Holder: Holder{Pid: 1, Ours: true}})
	},
	"# exits 1 over an old worker's address": func(b *bench, n int) {
		b.exit(n, Exit{Exit: one, AddressInUse: ":8080", Holder: Holder{Pid: 1, Ours: true}})
	},
	"# exits 1 over a stranger's address": func(b *bench, n int) {
		b.exit(n, Exit{Exit: one, AddressInUse: ":8080", Holder: Holder{Pid: 1}})
	},
	"# exits 1 over a lock":                func(b *bench, n int) { b.exit(n, b.overLock("lock")) }, // of an old worker
	"# exits 1 over a lock in another way": func(b *bench, n int) { b.exit(n, b.overLock("lock2")) },
	"# exits 1 without its database": func(b *bench, n int) {
		b.exit(n, Exit{Exit: one, Tail: "dial tcp 127.0.0.1:5432: connect: connection refused"})
	},
	"# exits 0 and removed a file of its successor": func(b *bench, n int) { b.exit(n, Exit{Removed: "/app.pid"}) },

	// Whenever it is looked at:
	"# sleeps in a lock":  func(b *bench, n int) { b.looks[n] = Standing{Asleep: "/l"} },      // held by an old worker
	"# waits for nothing": func(b *bench, n int) { b.looks[n] = Standing{Silent: time.Hour} }, // visible

	"scale to #": func(b *bench, n int) {
		policy := b.policy
		policy.Workers = n
		b.noteBlocked(b.refusal())
		b.adopt(policy, b.now)
	},
	"close slot #":                func(b *bench, n int) { b.stopSlot(n, true) },
	"open slot #":                 func(b *bench, n int) { b.stopSlot(n, false) },
	"# holds 100 bytes":           func(b *bench, n int) { b.holds(n, 100, b.now) },
	"# has answered 100 requests": func(b *bench, n int) { b.countRequests(n, 100, b.now) },
	"retire #": func(b *bench, n int) { // another worker of its generation is to take its place
		b.setBlocked(b.refusal(), b.now)
		b.retire(n, b.now)
	},

	"# is traced":  func(b *bench, n int) { b.tracing[n] = inspect.Traced }, // by a debugger of the user
	"# is stopped": func(b *bench, n int) { b.tracing[n] = inspect.Stopped },
	"# is let go":  func(b *bench, n int) { b.tracing[n] = inspect.Untraced },
	"# is halted":  func(b *bench, n int) { b.halt(n, true, b.now) }, // by a debugger
	"# runs on":    func(b *bench, n int) { b.halt(n, false, b.now) },

	"stop": func(b *bench, _ int) { b.stop(b.now) },
	"kill": func(b *bench, _ int) { b.killAll(b.now) },
	"hurry": func(b *bench, _ int) {
		b.noteBlocked(b.refusal())
		b.hurry(b.now)
	},
	"starts fail":   func(b *bench, _ int) { b.broken = true }, // from here on
	"starts work":   func(b *bench, _ int) { b.broken = false },
	"forbid starts": func(b *bench, _ int) { b.off = true }, // found when a worker is to be started, or by look
	"allow starts":  func(b *bench, _ int) { b.off = false },
	"look":          func(b *bench, _ int) { b.setBlocked(b.refusal(), b.now) },
}

var (
	one    = process.Exit{Code: 1}
	killed = process.Exit{Code: -1, Signal: 9}
)

// bench is a machine with a clock and processes made of air.
type bench struct {
	*machine
	now     time.Time
	broken  bool // nothing can be started
	off     bool // nothing may be started
	refused map[int]bool
	living  map[int]Worker
	looks   map[int]Standing // the findings about workers; without one, a worker works
	tracing map[int]inspect.Tracing
	actions []action
}

func newBench(p Policy) *bench {
	p.fill(false, p.probed)
	middle := func() float64 { return 0.5 } // back-off without spread
	return &bench{
		machine: newMachine(p, middle), now: time.Unix(1e9, 0),
		living: map[int]Worker{}, refused: map[int]bool{}, looks: map[int]Standing{},
		tracing: map[int]inspect.Tracing{},
	}
}

func (b *bench) refusal() string {
	if b.off {
		return "off"
	}
	return ""
}

// settle carries out the machine's actions, as the supervisor does, and returns them.
func (b *bench) settle() []action {
	var all []action
	for actions := b.take(); len(actions) > 0; actions = b.take() {
		for _, a := range actions {
			if find, ok := a.(findDebugger); ok {
				b.traced(find.id, b.tracing[find.id], b.now)
				continue
			}
			all = append(all, a)
		}
		for _, a := range actions {
			if look, ok := a.(lookAtWorker); ok {
				st := b.looks[look.id]
				st.Known, st.Traced = true, b.tracing[look.id] != inspect.Untraced
				b.looked(look.id, st, b.now)
			}
			if s, ok := a.(startWorker); ok {
				if why := b.refusal(); why != "" {
					b.refused[s.ID] = true
					b.machine.refused(s.ID, why, b.now)
				} else if b.broken {
					b.machine.exited(s.ID, Exit{StartError: errors.New("cannot")}, b.now)
				} else {
					b.living[s.ID] = s.Worker
					b.spawned(s.ID, 1000+s.ID, b.now)
				}
			}
		}
	}
	return all
}

// pass lets time pass, and wakes the machine at each of its deadlines.
func (b *bench) pass(d time.Duration) (all []action, err error) {
	end := b.now.Add(d)
	for stuck := 0; ; {
		at := b.deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if !at.After(b.now) {
			if stuck++; stuck > 3 {
				return all, fmt.Errorf("busy loop: the deadline is %v ago", b.now.Sub(at))
			}
		} else {
			stuck = 0
			b.now = at
		}
		b.tick(b.now)
		all = append(all, b.settle()...)
	}
	b.now = end
	return all, nil
}

func (b *bench) replaceBy(plan Plan) {
	plan.Path = fmt.Sprint("program ", plan.Generation)
	if plan.Strategy == Auto { // the service's own
		b.noteBlocked(b.refusal())
	}
	b.replace(plan, b.now)
}

func (b *bench) stopSlot(slot int, stop bool) {
	b.noteBlocked(b.refusal())
	b.stopSlots([]int{slot}, stop, b.now)
}

// exit ends a worker; until then, the reason of its wait was visible.
func (b *bench) exit(id int, exit Exit) {
	exit.Standing.Known = true
	delete(b.living, id)
	b.machine.exited(id, exit, b.now)
}

// overLock is how a worker dies of a lock.
func (b *bench) overLock(manner string) Exit {
	return Exit{Exit: one, Standing: Standing{Locked: "/l"}, Tail: "try " + manner + " of " + b.now.String()}
}

var firstNumber = regexp.MustCompile(`\d+`)

// step does one step, and returns the machine's actions.
func (b *bench) step(step string) string {
	var did []action
	if text, ok := strings.CutPrefix(step, "wait "); ok {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		if did, err = b.pass(d); err != nil {
			return err.Error()
		}
	} else {
		number := firstNumber.FindString(step)
		n, _ := strconv.Atoi(number)
		do := steps[step]
		if do == nil {
			do = steps[strings.Replace(step, number, "#", 1)]
		}
		if do == nil {
			panic("no such step: " + step)
		}
		do(b, n)
	}
	did = append(did, b.settle()...)
	b.actions = did
	return transcript(did)
}

func transcript(actions []action) string {
	var all []string
	for _, a := range actions {
		if text := describe(a); text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

func describe(a action) string {
	switch a := a.(type) {
	case startWorker:
		return fmt.Sprintf("start %d of generation %d in slot %d", a.ID, a.Generation, a.Slot)
	case askWorker:
		return fmt.Sprintf("ask %d to %s", a.id, [...]string{toDrain: "drain", toLeave: "leave", toFinish: "finish"}[a.what])
	case endStreams:
		return fmt.Sprintf("end streams of %d", a.id)
	case killWorker:
		return fmt.Sprintf("kill %d", a.id)
	case emit:
		return describeEvent(a.Event)
	}
	return ""
}

func describeEvent(event Event) string {
	switch e := event.(type) {
	case BecameReady:
		return fmt.Sprintf("%d is ready: %s", e.ID, e.How)
	case Serving:
		return fmt.Sprintf("generation %d serves", e.Generation)
	case Replaced:
		if e.Runs {
			return fmt.Sprintf("generation %d runs alone", e.Generation)
		}
		return fmt.Sprintf("generation %d serves alone", e.Generation)
	case Listens:
		return fmt.Sprintf("%d serves after all", e.ID)
	case Scaled:
		return fmt.Sprintf("scaled to %d", e.Workers)
	case Forecast:
		return fmt.Sprintf("forecast for generation %d: %d of %d", e.Generation, e.Done, e.Of)
	case Failed:
		return fmt.Sprintf("generation %d failed and %d serves", e.Generation, e.Serving)
	case GenerationGone:
		return fmt.Sprintf("generation %d is gone", e.Generation)
	case Retiring:
		return fmt.Sprintf("%d retires", e.ID)
	case GraceOver:
		return fmt.Sprintf("grace of %d is over", e.ID)
	case TriedAlone:
		return fmt.Sprintf("try %d alone: %v", e.ID, e.Reason.Kind)
	case RunsAlone:
		return fmt.Sprintf("%d proved alone: %v", e.ID, e.Reason.Kind)
	case Undone:
		return fmt.Sprintf("%d removed a file of its successor", e.ID)
	case RunsBeside:
		return "two at once works"
	case CannotHandOver:
		return fmt.Sprintf("%d cannot hand over", e.ID)
	case Blocked:
		return "starts are blocked"
	case Unblocked:
		return "starts are allowed again"
	case Stopped:
		return "stopped"
	case Exited:
		return describeExit(e)
	}
	return ""
}

func describeExit(e Exited) string {
	if e.Expected {
		return fmt.Sprintf("%d exited", e.ID)
	}
	text := fmt.Sprintf("%d exited unexpectedly", e.ID)
	switch {
	case e.Retry.Blocked != "":
		return text + ": blocked"
	case !e.Retry.Alone.IsZero():
		return text + ": again alone"
	case e.Retry.Waits:
		return text + ": waits for a change"
	case e.Retry.Now:
		return text + ": again at once"
	case e.Retry.In > 0:
		return text + ": again in " + e.Retry.In.String()
	}
	return text
}

// run drives the bench through a script, and returns the steps, each with the machine's actions.
func (b *bench) run(script string) string {
	var done []string
	for _, step := range stepsOf(script) {
		done = append(done, strings.TrimSpace(step+" > "+b.step(step)))
	}
	return strings.Join(done, "\n")
}

// stepsOf are the steps of a script, without the wanted actions.
func stepsOf(script string) (all []string) {
	for line := range strings.FieldsFuncSeq(script, func(r rune) bool { return r == '\n' || r == ';' }) {
		step, _, _ := strings.Cut(line, ">")
		if step = strings.TrimSpace(step); step != "" {
			all = append(all, step)
		}
	}
	return all
}

// tidy gives a case's text the form of run's result.
func tidy(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if more, ok := strings.CutPrefix(line, "> "); ok {
			all[len(all)-1] = strings.TrimSuffix(all[len(all)-1], ",") + ", " + more
		} else if line != "" {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

var (
	parallel1 = Policy{OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second}
	parallel2 = Policy{OnExit: OnExitRestart, Workers: 2, Strategy: Parallel, Grace: 5 * time.Second}
	rolling1  = Policy{OnExit: OnExitRestart, Workers: 2, Strategy: Rolling, Surge: 1, Grace: 5 * time.Second}
	rolling0  = Policy{OnExit: OnExitRestart, Workers: 2, Strategy: Rolling, Surge: 0, Grace: 5 * time.Second}
	first1    = Policy{OnExit: OnExitRestart, Workers: 1, Strategy: StopFirst, Grace: 5 * time.Second}
	first2    = Policy{OnExit: OnExitRestart, Workers: 2, Strategy: StopFirst, Grace: 5 * time.Second}
	notify1   = Policy{
		OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second,
		Ready: ReadyNotify,
	}
	probe1 = Policy{
		OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second,
		Ready: ReadyProbe, probed: true,
	}
	alive1 = Policy{
		OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second,
		Ready: ReadyAlive,
	}
	probed1 = Policy{OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, probed: true}
	auto1   = Policy{OnExit: OnExitRestart, Workers: 1, Grace: 5 * time.Second}
	auto2   = Policy{OnExit: OnExitRestart, Workers: 2, Grace: 5 * time.Second}
	aged1   = Policy{
		OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second,
		Limits: Limits{Age: time.Minute, RSS: 99, Requests: 100},
	}
	aged2 = Policy{
		OnExit: OnExitRestart, Workers: 2, Strategy: Parallel, Grace: 5 * time.Second,
		Limits: Limits{Age: time.Minute},
	}
	hasty1 = Policy{
		OnExit: OnExitRestart, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second,
		Limits: Limits{Age: time.Second},
	}
	waits1   = Policy{OnExit: OnExitWait, Workers: 1, Strategy: Parallel, Grace: 5 * time.Second}
	plain1   = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second}
	plain2   = Policy{Workers: 2, Strategy: Parallel, Grace: 5 * time.Second}
	noGrace1 = Policy{OnExit: OnExitRestart, Workers: 1, Strategy: Parallel}
)

func TestMachine(t *testing.T) {
	for _, c := range machineCases {
		t.Run(c.name, c.run)
	}
}

func (c machineCase) run(t *testing.T) {
	want := tidy(c.want)
	if have := newBench(c.policy).run(want); have != want {
		t.Errorf("%s", difference(have, want))
	}
}

// difference shows the first different lines of two texts.
func difference(have, want string) string {
	h, w := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(h), len(w)) {
		if h[i] != w[i] {
			return fmt.Sprintf("step %d\nhave %s\nwant %s\nin\n%s", i+1, h[i], w[i], have)
		}
	}
	return fmt.Sprintf("have\n%s\nwant\n%s", have, want)
}

// Every possible state of a worker of one slot × every possible input about the worker.
func TestEveryCell(t *testing.T) {
	answer := func(state, input string) string {
		b := newBench(parallel1)
		b.run(states[state].script)
		var answers []string
		for _, step := range stepsOf(happenings[input]) {
			if text := b.step(strings.ReplaceAll(step, "#", states[state].subject)); text != "" {
				answers = append(answers, text)
			}
		}
		return strings.Join(answers, ", ")
	}
	seen := map[[2]string]bool{}
	for _, c := range cells {
		key := [2]string{c.state, c.input}
		if seen[key] {
			t.Errorf("%s × %s stands twice", c.state, c.input)
		}
		seen[key] = true
		if states[c.state].subject == "" || happenings[c.input] == "" {
			t.Fatalf("no such state or input: %s × %s", c.state, c.input)
		}
		if have := answer(c.state, c.input); have != c.want {
			t.Errorf("%s × %s\nhave %q\nwant %q", c.state, c.input, have, c.want)
		}
	}
	for state := range states {
		for input := range happenings {
			if !seen[[2]string{state, input}] {
				t.Errorf("not in the table: {%q, %q, %q},", state, input, answer(state, input))
			}
		}
	}
}

// states are the scripts that lead to a state, and the worker then in this state.
var states = map[string]struct{ script, subject string }{
	"nothing":  {"", "1"},
	"starting": {"replace by 1", "1"},
	// an unstable worker of the current generation is started again
	"respawned": {"replace by 1; 1 says ready; 1 exits 1; wait 100ms", "2"},
	// starting, while stable worker 1 serves
	"replacing": {"replace by 1; 1 listens; wait 5s; replace by 2", "2"},
	"ready":     {"replace by 1; 1 says ready", "1"},
	"stable":    {"replace by 1; 1 says ready; wait 5s", "1"},
	// while worker 2 serves
	"draining": {"replace by 1; 1 says ready; wait 5s; replace by 2; 2 says ready", "1"},
	// after its grace
	"killing": {"replace by 1; 1 says ready; wait 5s; replace by 2; 2 says ready; wait 5s", "1"},
	// tried alone after 3 s; worker 1 was killed after its grace
	"hung":     {"replace by 1; 1 listens; wait 5s; replace by 2; 2 sleeps in a lock; wait 30s", "2"},
	"backoff":  {"replace by 1; 1 exits 1", "1"},
	"finished": {"replace by 1; 1 exits 0", "1"},
	"stopping": {"replace by 1; 1 says ready; wait 5s; stop", "1"},
	"stopped":  {"replace by 1; 1 says ready; wait 5s; stop; 1 exits 0", "1"},
	// unready generation 2, killed for 3
	"overtaken": {"replace by 1; 1 listens; wait 5s; replace by 2; replace by 3", "2"},
	// generation 1 serves on, as the target again
	"failed": {"replace by 1; 1 listens; wait 5s; replace by 2; 2 exits 1", "1"},
	// generation 1 is started again, since 2 failed
	"fallback": {"replace by 1; 1 listens; wait 5s; replace by 2; 1 is killed; 2 exits 1", "3"},
	// generation 2 waits until 1 has left
	"exclusive": {"replace by 1; 1 listens; wait 5s; " +
		"replace by 2; 2 exits 1 over an old worker's address", "1"},
	// killed for a hang
	"given up": {"replace by 1; 1 listens; wait 5s; replace by 2; 2 sleeps in a lock; " +
		"wait 3s; 1 exits 0; wait 30s", "2"},
}

// happenings are the possible inputs about worker #.
var happenings = map[string]string{
	"replace":            "replace by 9",
	"hurry":              "hurry",
	"stop":               "stop",
	"kill":               "kill",
	"word":               "# says ready",
	"listens":            "# listens",
	"answers":            "# answers the probe",
	"released":           "# lets go of its listeners",
	"exit 0":             "# exits 0",
	"exit 1":             "# exits 1",
	"killed":             "# is killed",
	"port of an old one": "# exits 1 over an old worker's address",
	"port of a stranger": "# exits 1 over a stranger's address",
	"cannot start":       "starts fail; replace by 9",
	"retire":             "retire #",
	"1s":                 "wait 1s",
	"10s":                "wait 10s",
	"60s":                "wait 60s",
}
