package supervisor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMachineRandomly takes random possible steps, and checks the invariants after each step. A failure names its seed
// and the script: a case for TestMachine, once understood.
func TestMachineRandomly(t *testing.T) {
	policies := []Policy{parallel1, parallel2, rolling0, rolling1, first1, first2, notify1, probe1, alive1, probed1,
		noGrace1, auto1, auto2, aged1, aged2, hasty1, waits1, plain1, plain2}
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
		step := func(text string) error {
			script = append(script, text)
			answer := b.step(text)
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
			t.Fatalf("seed %d, %+v\n%s\n%v", seed, policy, newBench(policy).run(strings.Join(script, "\n")), err)
		}
	}
}

// wander takes random steps.
func wander(random *rand.Rand, b *bench, w *witness, step func(string) error) error {
	generation := 0
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	about := func(n int, texts ...string) string { return strings.Replace(pick(texts...), "#", fmt.Sprint(n), 1) }
	for range 5 + random.IntN(60) {
		text := ""
		ids := slices.Sorted(maps.Keys(b.living))
		switch kind := random.IntN(100); {
		case kind < 15 || generation == 0:
			generation++
			text = about(generation, "replace by #", "replace by # with agent", "replace by # with agent")
		case kind < 45:
			text = "wait " + pick("1ms", "30ms", "100ms", "400ms", "1s", "3s", "5s", "30s")
		case kind < 48:
			text = pick("hurry", "hurry", fmt.Sprint("scale to ", 1+random.IntN(5)),
				fmt.Sprint("close slot ", random.IntN(3)), fmt.Sprint("open slot ", random.IntN(3)))
		case kind < 51:
			text = pick("starts fail", "starts work", "starts work", "starts work")
		case kind < 54:
			text = pick("forbid starts", "allow starts", "allow starts", "look")
		case kind < 55 && random.IntN(5) == 0:
			text = pick("stop", "stop", "kill")
		case len(ids) == 0:
			continue
		default:
			id := ids[random.IntN(len(ids))]
			leaving := w.drained[id] || w.killed[id]
			switch {
			case w.drained[id] && !w.released[id] && random.IntN(3) == 0:
				text = about(id, whileDraining...)
			case leaving || random.IntN(4) == 0:
				text = about(id, ends...)
			default:
				text = about(id, lives...)
			}
		}
		if err := step(text); err != nil {
			return err
		}
	}
	return nil
}

// The steps of a worker, frequent ones several times.
var (
	whileDraining = []string{
		"# lets go of its listeners", "# lets go of its listeners", "# has given away its connections",
		"# has no connections", "# is idle", "agent of # is gone", "# has finished", "line of # breaks",
	}
	ends = []string{
		"# exits 0", "# exits 1", "# exits 1", "# is killed", "# is killed",
		"# exits 1 over an old worker's address", "# exits 1 over a stranger's address",
		"# exits 0 over an old worker's address", "# exits 1 without its database", "# exits 1 over a lock",
		"# exits 1 over a lock", "# exits 1 over a lock in another way", "# is killed unseen",
	}
	lives = []string{
		"# says ready", "# says ready", "# listens", "# answers the probe", "# accepts", "agent of # connects",
		"agent of # connects", "# gives its listener", "# gives its listener", "# gives its listener",
		"# keeps a socket", "agent of # is gone", "retire #", "retire #", "# asks to be told of draining",
		"# takes messages", "# sleeps in a lock", "# waits for nothing",
	}
)

// calmDown lets everything go well from here on, and expects the newest able generation to serve, alone.
func calmDown(b *bench, w *witness, step func(string) error) error {
	b.machine.policy.Limits = Limits{} // otherwise some worker is always about to leave
	for _, text := range []string{"starts work", "allow starts", "look", "hurry"} {
		if err := step(text); err != nil {
			return err
		}
	}
	texts := []string{"%d says ready", "%d listens", "%d answers the probe"}
	for range 100 {
		for id := 1; id <= b.lastID; id++ {
			if _, alive := b.living[id]; !alive {
				continue
			}
			script := texts
			if w.drained[id] || w.killed[id] {
				script = []string{"%d is killed"}
			}
			for _, text := range script {
				if err := step(fmt.Sprintf(text, id)); err != nil {
					return err
				}
			}
		}
		if err := step("wait 1s"); err != nil {
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
		if err := step(fmt.Sprintf("%d is killed", id)); err != nil {
			return err
		}
	}
	if !w.stopped {
		return fmt.Errorf("all are gone after stop, and Stopped was not said")
	}
	return nil
}

// witness watches the actions from outside, and knows nothing but the actions.
type witness struct {
	*bench
	asked    int // the newest plan
	target   int
	proven   int // has served in all slots
	workers  map[int]Worker
	serving  map[int]bool
	drained  map[int]bool
	killed   map[int]bool
	cut      map[int]bool
	released map[int]bool
	ended    map[int]bool
	finished map[place]bool
	gone     map[int]bool // generations
	settled  int
	requests map[int]request
	talks    map[int]bool // has an agent
	retires  map[int]bool
	first    bool // the old leave first
	alone    bool // for good
	returns  bool // the earlier target comes back, at the end of a failed trial
	stopped  bool
	blocked  bool
}

func newWitness(b *bench) *witness {
	return &witness{
		bench: b, workers: map[int]Worker{}, serving: map[int]bool{},
		drained: map[int]bool{}, killed: map[int]bool{}, cut: map[int]bool{},
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
		w.released[m.ID] = m.leaving.released
		w.talks[m.ID] = w.talks[m.ID] || m.agent.there || m.line.heeds
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

// newest is the newest requested generation: plans has all generations not yet gone.
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
	protects := !w.first && !w.stopping && w.policy.Strategy != Auto &&
		(w.policy.Strategy == Parallel || w.policy.Surge > 0)
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
			return nil // the worker was not started
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
		others := w.alive(func(o Worker) bool {
			return o.Generation != a.Generation || w.drained[o.ID] || w.killed[o.ID]
		})
		if w.first && len(others) > 0 {
			return fmt.Errorf("stop-first, and worker %d is started beside %v", a.ID, others)
		}
		w.workers[a.ID] = a.Worker
		if w.returns {
			w.first, w.returns = w.alone || w.policy.Strategy == StopFirst, false
		}
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
			return fmt.Errorf("worker %d is drained: drained %v, killed %v, serving %v",
				a.id, w.drained[a.id], w.killed[a.id], w.serving[a.id])
		}
		w.drained[a.id] = true
		return leaves(a.id)
	case endStreams:
		if w.requests[a.id] != toDrain || w.killed[a.id] || w.cut[a.id] {
			return fmt.Errorf("worker %d is to end its streams: asked %d, killed %v, cut %v",
				a.id, w.requests[a.id], w.killed[a.id], w.cut[a.id])
		}
		w.cut[a.id] = true
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
			return fmt.Errorf("worker %d retires: it did before %v, drained %v, killed %v",
				e.ID, w.retires[e.ID], w.drained[e.ID], w.killed[e.ID])
		}
		w.retires[e.ID] = true
	case BecameReady:
		if e.How == ByFinishing {
			break
		}
		if w.serving[e.ID] || w.drained[e.ID] || w.killed[e.ID] {
			return fmt.Errorf("worker %d became ready: serving %v, drained %v, killed %v",
				e.ID, w.serving[e.ID], w.drained[e.ID], w.killed[e.ID])
		}
		w.serving[e.ID] = true
	case Exited:
		w.ended[e.ID] = true
		delete(w.serving, e.ID)
		if e.Expected && e.State <= Stable && !w.retires[e.ID] {
			w.finished[place{e.Slot, e.Generation}] = true
		}
	case TriedAlone:
		w.first = true
	case RunsAlone:
		w.alone = true
	case Failed:
		if e.Generation != w.target || w.gone[e.Serving] {
			return fmt.Errorf("%+v, the target is %d, gone are %v", e, w.target, w.gone)
		}
		w.target, w.settled = e.Serving, 0
		w.returns = true
	case Serving:
		for _, slot := range w.open() {
			if e.Generation != w.target || !w.served(slot) {
				return fmt.Errorf("generation %d is said to serve, the target is %d, and slot %d is served: %v",
					e.Generation, w.target, slot, w.served(slot))
			}
		}
		w.proven = e.Generation
	case Replaced:
		if w.settled == e.Generation {
			return fmt.Errorf("generation %d is replaced twice", e.Generation)
		}
		w.settled = e.Generation
		for _, m := range w.members {
			drains := m.state == Draining && m.leaving.asked == toDrain && m.agent.there
			if m.Generation != e.Generation && drains && !m.leaving.moved {
				return fmt.Errorf("generation %d is said to serve alone, and worker %d has connections to give away",
					e.Generation, m.ID)
			}
		}
		if old := w.alive(func(o Worker) bool { return o.Generation != e.Generation && !w.released[o.ID] }); len(old) > 0 {
			return fmt.Errorf("generation %d is said to serve alone, beside workers %v", e.Generation, old)
		}
	case GenerationGone:
		left := w.alive(func(o Worker) bool {
			return o.Generation == e.Generation
		})
		if len(left) > 0 || w.gone[e.Generation] {
			return fmt.Errorf("generation %d is gone, and workers %v live; it was gone before: %v",
				e.Generation, left, w.gone[e.Generation])
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
