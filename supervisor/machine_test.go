package supervisor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotreload/process"
)

// bench is a machine with a clock and processes made of air. A script drives it, word by word:
//
//	r2      replace by generation 2             x3:1    worker 3 exits with code 1
//	w3      worker 3 says READY=1               x3:k    … is killed by a signal
//	l3      … listens                           x3:own  … could not bind what an old worker holds
//	p3      … answers the probe                 x3:busy … could not bind what a stranger holds
//	v3      … lets go of the shared sockets     x3:own0 … the same, and ends with code 0
//	1s      time passes                         stop kill hurry
//	R2      replace by generation 2, with   a3          worker 3 accepts
//	        the agent in it                 h3 z3       its agent is there, is gone
//	g3      it gave us its listener         k3          it keeps a socket for itself
//	q3      it has no connections any more  i3          it answers nothing any more
//	e3 u3   it wants to be told that it drains, its line is gone
//	f3      it has done what there is to do then        m3      it takes messages
//	t3      it is to be replaced by another of its generation
//	n3      keep three workers                  c1 o1       close slot 1, open it again
//	r2:rolling  replace by generation 2, slot after slot
//	M3      worker 3 holds 100 bytes            s3          worker 3 has answered 100 requests
//	bad     from here on nothing can be started good    from here on it can
//	off on  from here on nothing may be started, it may; found when something is to be, or by look
//
// and each word is answered by what the machine did, in order:
//
//	+3:2.0  start worker 3, of generation 2, in slot 0
//	drain3 leave3 ~3  ask worker 3 to drain, to leave, to finish       -3 kill it       keeps3
//	retires3  ready3:alive  serving2  replaced2  failed2<1 (1 serves)  gone1  grace3  handover3  own3  stopped
//	scaled3  three workers are there, and no others        forecast2:1/3  slot 1 of 3 is done, and the rest will take long
//	x3      worker 3 is gone, as expected;  x3! not expected;  x3!now x3!100ms  and what comes of it
type bench struct {
	*machine
	now     time.Time
	broken  bool // nothing can be started
	off     bool // nothing may be started
	refused map[int]bool
	living  map[int]Worker
	actions []action
}

func newBench(p Policy) *bench {
	p.fill(false, p.probed)
	middle := func() float64 { return 0.5 } // back-off without spread
	return &bench{machine: newMachine(p, middle), now: time.Unix(1e9, 0), living: map[int]Worker{}, refused: map[int]bool{}}
}

func (b *bench) refusal() string {
	if b.off {
		return "off"
	}
	return ""
}

// settle carries out what the machine wants, as the supervisor does, and returns it.
func (b *bench) settle() []action {
	var all []action
	for actions := b.take(); len(actions) > 0; actions = b.take() {
		all = append(all, actions...)
		for _, a := range actions {
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

// pass lets time pass, and wakes the machine whenever it wanted to be woken.
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

func (b *bench) exit(id int, how string) {
	exit := Exit{}
	switch how {
	case "k":
		exit.Exit = process.Exit{Code: -1, Signal: 9}
	case "own":
		exit.Code, exit.AddressInUse, exit.Holder = 1, ":8080", Holder{Pid: 1, Ours: true}
	case "own0":
		exit.AddressInUse, exit.Holder = ":8080", Holder{Pid: 1, Ours: true}
	case "busy":
		exit.Code, exit.AddressInUse, exit.Holder = 1, ":8080", Holder{Pid: 1}
	default:
		exit.Code, _ = strconv.Atoi(how)
	}
	delete(b.living, id)
	b.machine.exited(id, exit, b.now)
}

func (b *bench) step(word string) string {
	number := func(prefix string) (int, bool) {
		text, ok := strings.CutPrefix(word, prefix)
		n, err := strconv.Atoi(text)
		return n, ok && err == nil
	}
	var did []action
	switch word {
	case "stop":
		b.stop(b.now)
	case "kill":
		b.killAll(b.now)
	case "hurry":
		b.note(b.refusal())
		b.hurry(b.now)
	case "off":
		b.off = true
	case "on":
		b.off = false
	case "look":
		b.allow(b.refusal(), b.now)
	case "bad":
		b.broken = true
	case "good":
		b.broken = false
	default:
		if n, ok := number("r"); ok {
			b.note(b.refusal())
			b.replace(Plan{Generation: n, Path: word}, b.now)
		} else if n, strategy, ok := strings.Cut(word, ":"); ok && n[0] == 'r' {
			chosen, err := ParseStrategy(strategy)
			generation, _ := strconv.Atoi(n[1:])
			if err != nil {
				panic(word)
			}
			b.replace(Plan{Generation: generation, Path: word, Strategy: chosen}, b.now)
		} else if n, ok := number("n"); ok {
			policy := b.policy
			policy.Workers = n
			b.note(b.refusal())
			b.adopt(policy, b.now)
		} else if n, ok := number("c"); ok {
			b.note(b.refusal())
			b.shut([]int{n}, true, b.now)
		} else if n, ok := number("o"); ok {
			b.note(b.refusal())
			b.shut([]int{n}, false, b.now)
		} else if n, ok := number("w"); ok {
			b.isReady(n, ByWord, b.now)
		} else if n, ok := number("l"); ok {
			b.isReady(n, ByListening, b.now)
		} else if n, ok := number("R"); ok {
			b.note(b.refusal())
			b.replace(Plan{Generation: n, Path: word, Agent: true}, b.now)
		} else if n, ok := number("a"); ok {
			b.isReady(n, ByAccepting, b.now)
		} else if n, ok := number("h"); ok {
			b.hello(n, true, b.now)
		} else if n, ok := number("z"); ok {
			b.hello(n, false, b.now)
		} else if n, ok := number("g"); ok {
			b.gave(n)
		} else if n, ok := number("k"); ok {
			b.kept(n, Address{Network: "udp", Addr: ":53"})
		} else if n, ok := number("q"); ok {
			b.quiet(n, b.now)
		} else if n, ok := number("i"); ok {
			b.idle(n, b.now)
		} else if n, ok := number("M"); ok {
			b.holds(n, 100, b.now)
		} else if n, ok := number("s"); ok {
			b.served(n, 100, b.now)
		} else if n, ok := number("e"); ok {
			b.heed(n, true, b.now)
		} else if n, ok := number("u"); ok {
			b.heed(n, false, b.now)
		} else if n, ok := number("f"); ok {
			b.finishes(n, b.now)
		} else if n, ok := number("m"); ok {
			b.isReady(n, ByTaking, b.now)
		} else if n, ok := number("t"); ok {
			b.allow(b.refusal(), b.now)
			b.retire(n, b.now)
		} else if n, ok := number("p"); ok {
			b.isReady(n, ByProbe, b.now)
		} else if n, ok := number("v"); ok {
			b.release(n, b.now)
		} else if id, how, ok := strings.Cut(word, ":"); ok && id[0] == 'x' {
			n, err := strconv.Atoi(id[1:])
			if err != nil {
				panic(word)
			}
			b.exit(n, how)
		} else if d, err := time.ParseDuration(word); err == nil {
			did, err = b.pass(d)
			if err != nil {
				return err.Error()
			}
		} else {
			panic("no such step: " + word)
		}
	}
	did = append(did, b.settle()...)
	b.actions = did
	return transcript(did)
}

func transcript(actions []action) string {
	var words []string
	add := func(format string, values ...any) { words = append(words, fmt.Sprintf(format, values...)) }
	for _, a := range actions {
		switch a := a.(type) {
		case startWorker:
			add("+%d:%d.%d", a.ID, a.Generation, a.Slot)
		case askWorker:
			add("%s%d", [...]string{toDrain: "drain", toLeave: "leave", toFinish: "~"}[a.what], a.id)
		case killWorker:
			add("-%d", a.id)
		case emit:
			switch e := a.Event.(type) {
			case BecameReady:
				add("ready%d:%s", e.ID, strings.ReplaceAll(e.How.String(), " ", "-"))
			case Serving:
				add("serving%d", e.Generation)
			case Replaced:
				add("replaced%d", e.Generation)
			case Scaled:
				add("scaled%d", e.Workers)
			case Forecast:
				add("forecast%d:%d/%d", e.Generation, e.Done, e.Of)
			case Failed:
				add("failed%d<%d", e.Generation, e.Serving)
			case GenerationGone:
				add("gone%d", e.Generation)
			case Retiring:
				add("retires%d", e.ID)
			case GraceOver:
				add("grace%d", e.ID)
			case HandedOver:
				add("handover%d", e.ID)
			case SwitchedToStopFirst:
				add("own%d", e.ID)
			case CannotHandOver:
				add("keeps%d", e.ID)
			case Blocked:
				add("blocked")
			case Unblocked:
				add("unblocked")
			case Stopped:
				add("stopped")
			case Exited:
				switch {
				case e.Expected:
					add("x%d", e.ID)
				case e.Retry.Blocked != "":
					add("x%d!blocked", e.ID)
				case e.Retry.Now:
					add("x%d!now", e.ID)
				case e.Retry.In > 0:
					add("x%d!%s", e.ID, e.Retry.In)
				default:
					add("x%d!", e.ID)
				}
			}
		}
	}
	return strings.Join(words, " ")
}

// run drives the bench through the words of a script and returns what it did in answer to each, in the form
// "word > answer | word > answer".
func (b *bench) run(script string) string {
	var done []string
	for _, word := range strings.Fields(script) {
		answer := b.step(word)
		done = append(done, strings.TrimSpace(word+" > "+answer))
	}
	return strings.Join(done, " | ")
}

// inputs returns the words of an expected run.
func inputs(want string) string {
	var words []string
	for _, part := range strings.Split(want, "|") {
		word, _, _ := strings.Cut(part, ">")
		words = append(words, strings.TrimSpace(word))
	}
	return strings.Join(words, " ")
}

func tidy(text string) string { return strings.Join(strings.Fields(text), " ") }

var (
	parallel1 = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second}
	parallel2 = Policy{Workers: 2, Strategy: Parallel, Grace: 5 * time.Second}
	rolling1  = Policy{Workers: 2, Strategy: Rolling, Surge: 1, Grace: 5 * time.Second}
	rolling0  = Policy{Workers: 2, Strategy: Rolling, Surge: 0, Grace: 5 * time.Second}
	first1    = Policy{Workers: 1, Strategy: StopFirst, Grace: 5 * time.Second}
	first2    = Policy{Workers: 2, Strategy: StopFirst, Grace: 5 * time.Second}
	notify1   = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, Ready: ReadyNotify}
	probe1    = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, Ready: ReadyProbe, probed: true}
	alive1    = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, Ready: ReadyAlive}
	probed1   = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, probed: true}
	auto1     = Policy{Workers: 1, Grace: 5 * time.Second}
	auto2     = Policy{Workers: 2, Grace: 5 * time.Second}
	aged1     = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, Limits: Limits{Age: time.Minute, RSS: 99, Requests: 100}}
	aged2     = Policy{Workers: 2, Strategy: Parallel, Grace: 5 * time.Second, Limits: Limits{Age: time.Minute}}
	hasty1    = Policy{Workers: 1, Strategy: Parallel, Grace: 5 * time.Second, Limits: Limits{Age: time.Second}}
	noGrace1  = Policy{Workers: 1, Strategy: Parallel}
)

func TestMachine(t *testing.T) {
	for _, c := range machineCases {
		t.Run(c.name, func(t *testing.T) {
			want := tidy(c.want)
			if have := newBench(c.policy).run(inputs(want)); have != want {
				t.Errorf("%s", difference(have, want, " | "))
			}
		})
	}
}

// difference shows the first parts in which two texts differ.
func difference(have, want, separator string) string {
	h, w := strings.Split(have, separator), strings.Split(want, separator)
	for i := range min(len(h), len(w)) {
		if h[i] != w[i] {
			return fmt.Sprintf("step %d\nhave %s\nwant %s\nin   %s", i+1, h[i], w[i], have)
		}
	}
	return fmt.Sprintf("have %s\nwant %s", have, want)
}

// Every state a worker of one slot can be in × everything that can happen to it.
func TestEveryCell(t *testing.T) {
	seen := map[[2]string]bool{}
	for _, c := range cells {
		key := [2]string{c.state, c.input}
		if seen[key] {
			t.Errorf("%s × %s stands twice", c.state, c.input)
		}
		seen[key] = true
		b := newBench(parallel1)
		setup, ok := states[c.state]
		if !ok {
			t.Fatalf("no such state: %s", c.state)
		}
		b.run(setup)
		var answers []string
		for _, word := range strings.Fields(happenings[c.input]) {
			answers = append(answers, b.step(strings.ReplaceAll(word, "#", subject[c.state])))
		}
		if have := tidy(strings.Join(answers, " ")); have != c.want {
			t.Errorf("%s × %s\nhave %q\nwant %q", c.state, c.input, have, c.want)
		}
	}
	for state := range states {
		for input := range happenings {
			if !seen[[2]string{state, input}] {
				b := newBench(parallel1)
				b.run(states[state])
				var answers []string
				for _, word := range strings.Fields(happenings[input]) {
					answers = append(answers, b.step(strings.ReplaceAll(word, "#", subject[state])))
				}
				t.Errorf("not in the table: {%q, %q, %q},", state, input, tidy(strings.Join(answers, " ")))
			}
		}
	}
}

// states are the scripts that lead to a state; subject is the worker that is in it.
var (
	states = map[string]string{
		"nothing":   "",
		"starting":  "r1",
		"respawned": "r1 w1 x1:1 100ms",        // an unstable worker of the current generation is started again
		"replacing": "r1 l1 5s r2",             // starting, while stable worker 1 serves
		"ready":     "r1 w1",                   //
		"stable":    "r1 w1 5s",                //
		"draining":  "r1 w1 5s r2 w2",          // while worker 2 serves
		"killing":   "r1 w1 5s r2 w2 5s",       // its grace is over
		"hung":      "r1 l1 5s r2 30s",         // handed over after 3 s; worker 1 has gone to its grace and was killed
		"backoff":   "r1 x1:1",                 //
		"finished":  "r1 x1:0",                 //
		"stopping":  "r1 w1 5s stop",           //
		"stopped":   "r1 w1 5s stop x1:0",      //
		"overtaken": "r1 l1 5s r2 r3",          // unready generation 2, killed for 3
		"failed":    "r1 l1 5s r2 x2:1",        // generation 1 serves on, as the target again
		"fallback":  "r1 l1 5s r2 x1:k x2:1",   // generation 1 is started again, since 2 failed
		"exclusive": "r1 l1 5s r2 x2:own",      // generation 2 waits until 1 has left
		"given up":  "r1 l1 5s r2 3s x1:0 30s", // hung, and killed for it
	}
	subject = map[string]string{
		"nothing": "1", "starting": "1", "respawned": "2", "replacing": "2", "ready": "1", "stable": "1", "draining": "1",
		"killing": "1", "hung": "2", "backoff": "1", "finished": "1", "stopping": "1", "stopped": "1", "overtaken": "2",
		"failed": "1", "fallback": "3", "exclusive": "1", "given up": "2",
	}
	happenings = map[string]string{
		"replace": "r9", "hurry": "hurry", "stop": "stop", "kill": "kill",
		"word": "w#", "listens": "l#", "answers": "p#", "released": "v#",
		"exit 0": "x#:0", "exit 1": "x#:1", "killed": "x#:k", "port of an old one": "x#:own", "port of a stranger": "x#:busy",
		"cannot start": "bad r9", "retire": "t#", "1s": "1s", "10s": "10s", "60s": "60s",
	}
)
