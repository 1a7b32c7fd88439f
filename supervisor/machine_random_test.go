package supervisor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMachineRandomly does at random what can happen, and looks after each step whether what must always be true is
// true. A failure names its seed and the script, which is a case for TestMachine once it is understood.
func TestMachineRandomly(t *testing.T) {
	policies := []Policy{parallel1, parallel2, rolling0, rolling1, first1, first2, notify1, probe1, alive1, probed1, noGrace1, auto1, auto2, aged1, aged2, hasty1}
	for _, workers := range []int{3, 4} {
		policies = append(policies,
			Policy{Workers: workers, Strategy: Rolling, Surge: 1, Grace: 2 * time.Second},
			Policy{Workers: workers, Strategy: Rolling, Surge: 0, Grace: 2 * time.Second},
			Policy{Workers: workers, Strategy: Parallel, Grace: 2 * time.Second})
	}
	runs := 1000
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		runs = 100000
	}
	for seed := range uint64(runs) {
		policy := policies[seed%uint64(len(policies))]
		random := rand.New(rand.NewPCG(seed, 7))
		b := newBench(policy)
		w := newWitness(b)
		var script []string
		step := func(word string) error {
			script = append(script, word)
			answer := b.step(word)
			if strings.HasPrefix(answer, "busy loop") {
				return fmt.Errorf("%s", answer)
			}
			return w.look()
		}
		err := wander(random, b, w, step)
		if err == nil {
			err = calmDown(b, w, step)
		}
		if err != nil {
			t.Fatalf("seed %d, %+v\n%s\n%v", seed, policy, newBench(policy).run(strings.Join(script, " ")), err)
		}
	}
}

// wander takes random steps.
func wander(random *rand.Rand, b *bench, w *witness, step func(string) error) error {
	generation := 0
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	for range 5 + random.IntN(60) {
		word := ""
		ids := slices.Sorted(func(yield func(int) bool) {
			for id := range b.living {
				if !yield(id) {
					return
				}
			}
		})
		switch kind := random.IntN(100); {
		case kind < 15 || generation == 0:
			generation++
			word = fmt.Sprintf("%s%d", pick("r", "R", "R"), generation)
		case kind < 45:
			word = pick("1ms", "30ms", "100ms", "400ms", "1s", "3s", "5s", "30s")
		case kind < 48:
			word = pick("hurry", "hurry", fmt.Sprintf("n%d", 1+random.IntN(5)), fmt.Sprintf("c%d", random.IntN(3)), fmt.Sprintf("o%d", random.IntN(3)))
		case kind < 51:
			word = pick("bad", "good", "good", "good")
		case kind < 54:
			word = pick("off", "on", "on", "look")
		case kind < 55 && random.IntN(5) == 0:
			word = pick("stop", "stop", "kill")
		case len(ids) == 0:
			continue
		default:
			id := ids[random.IntN(len(ids))]
			leaving := w.drained[id] || w.killed[id]
			switch {
			case w.drained[id] && !w.released[id] && random.IntN(3) == 0:
				word = fmt.Sprintf("%s%d", pick("v", "q", "i", "z", "f", "u"), id)
			case leaving || random.IntN(4) == 0:
				word = fmt.Sprintf("x%d:%s", id, pick("0", "1", "1", "k", "k", "own", "busy", "own0"))
			default:
				word = fmt.Sprintf("%s%d", pick("w", "w", "l", "p", "a", "h", "h", "g", "g", "g", "k", "z", "t", "t", "e", "m"), id)
			}
		}
		if err := step(word); err != nil {
			return err
		}
	}
	return nil
}

// calmDown lets everything go well from here on, and expects that the newest generation that can serves, alone.
func calmDown(b *bench, w *witness, step func(string) error) error {
	b.machine.policy.Limits = Limits{} // else somebody is always about to go
	for _, word := range []string{"good", "on", "look"} {
		if err := step(word); err != nil {
			return err
		}
	}
	words := []string{"w%d", "l%d", "p%d"}
	for range 100 {
		for id := 1; id <= b.lastID; id++ {
			if _, alive := b.living[id]; !alive {
				continue
			}
			script := words
			if w.drained[id] || w.killed[id] {
				script = []string{"x%d:k"}
			}
			for _, word := range script {
				if err := step(fmt.Sprintf(word, id)); err != nil {
					return err
				}
			}
		}
		if err := step("1s"); err != nil {
			return err
		}
	}
	if !b.stopping {
		if b.target != w.target || b.current != b.target || b.settled != b.target || len(b.plans) != 1 || !b.scaled {
			return fmt.Errorf("all is calm, but target %d (should be %d), current %d, settled %d, scaled %v, plans %v",
				b.target, w.target, b.current, b.settled, b.scaled, b.plans)
		}
		for _, slot := range b.open() {
			if !b.slotServed(slot) {
				return fmt.Errorf("all is calm, but nobody serves in slot %d", slot)
			}
		}
		for _, m := range b.members {
			if m.Generation != b.target || !m.serving() || m.retires {
				return fmt.Errorf("all is calm, but worker %+v is there", *m)
			}
		}
		if err := step("stop"); err != nil {
			return err
		}
	}
	for id := range b.living {
		if err := step(fmt.Sprintf("x%d:k", id)); err != nil {
			return err
		}
	}
	if !w.stopped {
		return fmt.Errorf("all are gone after stop, and Stopped was not said")
	}
	return nil
}

// witness watches the actions from outside and knows only what they say.
type witness struct {
	*bench
	asked    int // the newest plan
	target   int
	proven   int // has served in all slots
	workers  map[int]Worker
	serving  map[int]bool
	drained  map[int]bool
	killed   map[int]bool
	released map[int]bool
	ended    map[int]bool
	finished map[place]bool
	gone     map[int]bool // generations
	settled  int
	requests map[int]request
	talks    map[int]bool // has an agent
	retires  map[int]bool
	first    bool // the old leave first, for good
	stopped  bool
	blocked  bool
}

func newWitness(b *bench) *witness {
	return &witness{
		bench: b, workers: map[int]Worker{}, serving: map[int]bool{}, drained: map[int]bool{}, killed: map[int]bool{},
		released: map[int]bool{}, ended: map[int]bool{}, finished: map[place]bool{}, gone: map[int]bool{},
		requests: map[int]request{}, talks: map[int]bool{}, retires: map[int]bool{},
		first: b.policy.Strategy == StopFirst,
	}
}

func (w *witness) alive(match func(Worker) bool) (ids []int) {
	for id, worker := range w.workers {
		if !w.ended[id] && match(worker) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *witness) served(slot int) bool {
	return len(w.alive(func(o Worker) bool { return o.Slot == slot && w.serving[o.ID] })) > 0 ||
		w.finished[place{slot, w.target}] || w.finished[place{slot, w.proven}]
}

// look goes through the actions of the last step.
func (w *witness) look() error {
	if n := w.newest(); n > w.asked && !w.stopping {
		w.asked, w.target, w.settled = n, n, 0
	}
	for _, m := range w.members {
		w.released[m.ID] = m.released
		w.talks[m.ID] = w.talks[m.ID] || m.agent || m.heeds
	}
	for _, a := range w.actions {
		if w.stopped {
			return fmt.Errorf("%T after Stopped", a)
		}
		if err := w.judge(a); err != nil {
			return err
		}
	}
	draining := map[int]bool{}
	for id := range w.drained {
		if !w.ended[id] && !w.killed[id] {
			draining[w.workers[id].Generation] = true
		}
	}
	if len(draining) > maxDraining && !w.stopping {
		return fmt.Errorf("%d generations drain", len(draining))
	}
	return nil
}

// newest is the newest generation that was asked for: those that are not gone are in plans.
func (w *witness) newest() int {
	newest := 0
	for generation := range w.plans {
		newest = max(newest, generation)
	}
	for _, a := range w.actions {
		if e, ok := a.(emit); ok {
			if gone, ok := e.Event.(GenerationGone); ok {
				newest = max(newest, gone.Generation)
			}
		}
	}
	return newest
}

func (w *witness) judge(a action) error {
	protects := !w.first && !w.stopping && w.policy.Strategy != Auto && (w.policy.Strategy == Parallel || w.policy.Surge > 0)
	leaves := func(id int) error {
		worker := w.workers[id]
		was := w.serving[id]
		delete(w.serving, id)
		if protects && was && !w.served(worker.Slot) && slices.Contains(w.open(), worker.Slot) {
			return fmt.Errorf("worker %d served slot %d and was sent away, and nobody serves there now", id, worker.Slot)
		}
		return nil
	}
	switch a := a.(type) {
	case startWorker:
		if w.blocked {
			return fmt.Errorf("worker %d is started, after it was said that none may be", a.ID)
		}
		if w.refused[a.ID] {
			return nil // it was not
		}
		switch same := w.alive(func(o Worker) bool {
			return o.Slot == a.Slot && o.Generation == a.Generation && !w.drained[o.ID] && !w.killed[o.ID] && !w.retires[o.ID]
		}); {
		case a.Generation != w.target:
			return fmt.Errorf("worker %d of generation %d is started, the target is %d", a.ID, a.Generation, w.target)
		case w.gone[a.Generation]:
			return fmt.Errorf("generation %d is started and was reported as gone", a.Generation)
		case a.plan.Generation != a.Generation || a.plan.Path == "":
			return fmt.Errorf("worker %d of generation %d has plan %+v", a.ID, a.Generation, a.plan)
		case len(same) > 0:
			return fmt.Errorf("slot %d has workers %v of generation %d and gets another", a.Slot, same, a.Generation)
		case w.workers[a.ID] != Worker{}:
			return fmt.Errorf("worker %d is started twice", a.ID)
		case w.stopping:
			return fmt.Errorf("worker %d is started after stop", a.ID)
		}
		if others := w.alive(func(o Worker) bool { return o.Generation != a.Generation || w.drained[o.ID] || w.killed[o.ID] }); w.first && len(others) > 0 {
			return fmt.Errorf("stop-first, and worker %d is started beside %v", a.ID, others)
		}
		w.workers[a.ID] = a.Worker
	case askWorker:
		before := w.requests[a.id]
		w.requests[a.id] = a.what
		switch {
		case a.what != toFinish && !w.talks[a.id]:
			return fmt.Errorf("worker %d has no agent to ask", a.id)
		case before >= a.what || w.killed[a.id]:
			return fmt.Errorf("worker %d is asked %d after %d, killed %v", a.id, a.what, before, w.killed[a.id])
		case before != nothing:
			return nil
		}
		if w.drained[a.id] || w.killed[a.id] || !w.serving[a.id] {
			return fmt.Errorf("worker %d is drained: drained %v, killed %v, serving %v", a.id, w.drained[a.id], w.killed[a.id], w.serving[a.id])
		}
		w.drained[a.id] = true
		return leaves(a.id)
	case killWorker:
		if w.killed[a.id] {
			return fmt.Errorf("worker %d is killed twice", a.id)
		}
		w.killed[a.id] = true
		return leaves(a.id)
	case emit:
		return w.hear(a.Event)
	}
	return nil
}

func (w *witness) hear(event Event) error {
	switch e := event.(type) {
	case Blocked, Unblocked:
		_, blocked := e.(Blocked)
		if w.blocked == blocked {
			return fmt.Errorf("%T is said twice", e)
		}
		w.blocked = blocked
	case Retiring:
		if w.retires[e.ID] || w.drained[e.ID] || w.killed[e.ID] {
			return fmt.Errorf("worker %d retires: it did before %v, drained %v, killed %v", e.ID, w.retires[e.ID], w.drained[e.ID], w.killed[e.ID])
		}
		w.retires[e.ID] = true
	case BecameReady:
		if e.How == ByFinishing {
			break
		}
		if w.serving[e.ID] || w.drained[e.ID] || w.killed[e.ID] {
			return fmt.Errorf("worker %d became ready: serving %v, drained %v, killed %v", e.ID, w.serving[e.ID], w.drained[e.ID], w.killed[e.ID])
		}
		w.serving[e.ID] = true
	case Exited:
		w.ended[e.ID] = true
		delete(w.serving, e.ID)
		if e.Expected && e.State <= Stable && !w.retires[e.ID] {
			w.finished[place{e.Slot, e.Generation}] = true
		}
	case HandedOver, SwitchedToStopFirst:
		w.first = true
	case Failed:
		if e.Generation != w.target || w.gone[e.Serving] {
			return fmt.Errorf("%+v, the target is %d, gone are %v", e, w.target, w.gone)
		}
		w.target, w.settled = e.Serving, 0
	case Serving:
		for _, slot := range w.open() {
			if e.Generation != w.target || !w.served(slot) {
				return fmt.Errorf("generation %d is said to serve, the target is %d, and slot %d is served: %v", e.Generation, w.target, slot, w.served(slot))
			}
		}
		w.proven = e.Generation
	case Replaced:
		if w.settled == e.Generation {
			return fmt.Errorf("generation %d is replaced twice", e.Generation)
		}
		w.settled = e.Generation
		if old := w.alive(func(o Worker) bool { return o.Generation != e.Generation && !w.released[o.ID] }); len(old) > 0 {
			return fmt.Errorf("generation %d is said to serve alone, beside workers %v", e.Generation, old)
		}
	case GenerationGone:
		if left := w.alive(func(o Worker) bool { return o.Generation == e.Generation }); len(left) > 0 || w.gone[e.Generation] {
			return fmt.Errorf("generation %d is gone, and workers %v live; it was gone before: %v", e.Generation, left, w.gone[e.Generation])
		}
		w.gone[e.Generation] = true
	case Stopped:
		if left := w.alive(func(Worker) bool { return true }); len(left) > 0 || w.stopped {
			return fmt.Errorf("stopped, and workers %v live; it was stopped before: %v", left, w.stopped)
		}
		w.stopped = true
	}
	return nil
}
