package supervisor

import (
	"maps"
	"slices"
	"time"
)

// maxDraining is how many generations may drain at the same time. With a save every second and a WebSocket that never
// ends, old generations would pile up for the whole grace. The number follows the experience of users of HAProxy and
// nginx, reduced to a developer's machine.
const maxDraining = 3

// reconcile compares the workers with the goal, and takes the next step towards it: the target serves in every slot,
// and there are no other workers. reconcile is called after each input, and does nothing when there is nothing to do.
func (m *machine) reconcile(now time.Time) {
	switch {
	case m.stopping:
		for _, w := range slices.Clone(m.members) {
			m.drain(w, now)
		}
	case m.target != 0:
		m.killUnreadyOld()
		m.shrink(now)
		m.settleTrial()
		switch strategy := m.inForce(); {
		case m.blocked != "":
			m.standStill(now)
		case strategy == StopFirst:
			m.stopFirst(now)
		case strategy == Rolling:
			m.rolling(now)
		default:
			m.parallel(now)
		}
		m.replaceRetiring(now)
		m.limitDraining()
	}
	before := m.current
	if m.report(now); m.current != before {
		m.reconcile(now) // retiring workers have waited for this
	}
}

// standStill does what is possible while starts are refused: if the target is already complete, all old workers drain.
func (m *machine) standStill(now time.Time) {
	if !m.complete() {
		return
	}
	for _, w := range slices.Clone(m.members) {
		if w.Generation != m.target {
			m.drain(w, now)
		}
	}
}

// killUnreadyOld kills superseded workers that never served, because they have nothing to finish.
func (m *machine) killUnreadyOld() {
	for _, w := range m.members {
		if w.Generation != m.target && w.state == Starting {
			m.kill(w)
		}
	}
}

// shrink drains the workers whose slot is closed.
func (m *machine) shrink(now time.Time) {
	open := m.open()
	for _, w := range slices.Clone(m.members) {
		if !slices.Contains(open, w.Slot) {
			m.drain(w, now)
		}
	}
}

// parallel: all new workers start; when all are ready, all old ones drain together.
func (m *machine) parallel(now time.Time) {
	for _, slot := range m.open() {
		m.fill(slot, now)
	}
	complete := m.complete()
	for _, w := range slices.Clone(m.members) {
		surplus := w.Generation != m.current && m.whole(m.current) // a superseded generation, ready in some slots only
		if w.Generation != m.target && w.live() && (complete || surplus) {
			m.drain(w, now)
		}
	}
}

// rolling: slot after slot. With surge 1 the new worker is ready before the old one drains; with surge 0 the old one is
// gone before the new one starts. The next slot begins when this one has no old worker left. An empty slot is filled at
// once. At the first start, and after a crash, no serving worker has to be protected, so slots do not wait for each
// other.
func (m *machine) rolling(now time.Time) {
	for _, slot := range m.open() {
		if len(m.inSlot(slot, func(*member) bool { return true })) == 0 {
			m.fill(slot, now)
		}
	}
	for _, slot := range m.open() {
		old := m.inSlot(slot, func(w *member) bool { return w.Generation != m.target })
		served := m.slotServed(slot)
		switch {
		case len(old) == 0 || m.surge() > 0 && !served:
			m.fill(slot, now)
			if !served && m.anyServing(m.target) {
				return
			}
		case m.surge() == 0 && !served && m.gapBeside(slot):
			return
		default:
			for _, w := range old {
				m.drain(w, now)
			}
			if m.surge() == 0 || m.anyServing(m.target) {
				return
			}
		}
	}
}

// gapBeside reports whether some other slot has no serving worker.
func (m *machine) gapBeside(slot int) bool {
	for _, other := range m.open() {
		serving := m.inSlot(other, func(w *member) bool { return w.serving() })
		if other != slot && len(serving) == 0 && !m.slotServed(other) {
			return true
		}
	}
	return false
}

// stopFirst: all old workers exit, then all new ones start. Connections wait in the accept queue.
func (m *machine) stopFirst(now time.Time) {
	leaving := false
	for _, w := range m.members {
		if w.Generation != m.target {
			m.drain(w, now)
		}
		leaving = leaving || !w.live() // also a killed worker of the target: such a worker may block the others
	}
	if leaving {
		return
	}
	for _, slot := range m.open() {
		m.fill(slot, now)
	}
}

// replaceRetiring replaces retiring workers by others of the same generation, one after the other, and only while all
// slots serve. The successor is ready before the old worker drains, unless the strategy stops old workers first.
func (m *machine) replaceRetiring(now time.Time) {
	if m.current != m.target || !m.complete() {
		return
	}
	var next *member // the next worker to replace
	underWay := false
	for _, w := range slices.Clone(m.members) {
		if !w.retires || !w.live() || w.Generation != m.target {
			continue
		}
		successors := m.inSlot(w.Slot, func(o *member) bool {
			return o.Generation == m.target && o.ID > w.ID && (o.live() || o.failed != "")
		})
		switch {
		case slices.ContainsFunc(successors, (*member).serving) || m.finished[place{w.Slot, m.target}]:
			m.drain(w, now)
		case len(successors) > 0:
			underWay = true
		case next == nil:
			next = w
		}
	}
	switch {
	case next == nil || underWay || m.waiting || m.blocked != "":
	case m.awaited():
		m.drain(next, now)
	case !now.Before(m.retryAt):
		m.start(next.Slot, now)
	}
}

// fill starts a worker of the target in an empty slot, unless the service backs off. A hanging worker, killed but not
// yet gone, still counts as present, because the next step depends on its exit. A retiring worker also counts, if the
// strategy stops old workers first.
func (m *machine) fill(slot int, now time.Time) {
	if m.finished[place{slot, m.target}] || m.waiting || now.Before(m.retryAt) {
		return
	}
	there := m.inSlot(slot, func(w *member) bool {
		return w.Generation == m.target && (w.live() || w.failed != "" || w.retires && m.awaited())
	})
	if len(there) == 0 {
		m.start(slot, now)
	}
}

func (m *machine) inSlot(slot int, match func(*member) bool) []*member {
	var found []*member
	for _, w := range m.members {
		if w.Slot == slot && match(w) {
			found = append(found, w)
		}
	}
	return found
}

// slotServed reports whether a worker of the target serves in the slot, or has exited there with code 0.
func (m *machine) slotServed(slot int) bool { return m.serves(slot, m.target) }

func (m *machine) serves(slot, generation int) bool {
	return m.finished[place{slot, generation}] ||
		len(m.inSlot(slot, func(w *member) bool { return w.Generation == generation && w.serving() })) > 0
}

// complete reports whether the target serves in every slot.
func (m *machine) complete() bool { return m.servesAll(m.target) }

// whole reports whether generation gen, not the target, still serves in every slot.
func (m *machine) whole(gen int) bool { return gen != 0 && gen != m.target && m.servesAll(gen) }

func (m *machine) servesAll(generation int) bool {
	for _, slot := range m.open() {
		if !m.serves(slot, generation) {
			return false
		}
	}
	return true
}

// limitDraining kills the oldest generation when too many drain.
func (m *machine) limitDraining() {
	var generations []int
	for _, w := range m.members {
		if w.state == Draining && !slices.Contains(generations, w.Generation) {
			generations = append(generations, w.Generation)
		}
	}
	slices.Sort(generations)
	for len(generations) > maxDraining {
		for _, w := range m.members {
			// Other workers of this generation may still serve.
			if w.Generation == generations[0] && w.state == Draining && w.halted.IsZero() {
				m.kill(w)
			}
		}
		generations = generations[1:]
	}
}

// report emits each fact once, as soon as true: the target serves, the replacement is complete, a generation is gone,
// the last worker is gone.
func (m *machine) report(now time.Time) {
	if m.target != 0 && m.current != m.target && m.complete() && !m.stopping {
		m.current = m.target
		m.do(emit{Serving{Generation: m.target, After: now.Sub(m.began)}})
	}
	if m.target != 0 && m.current == m.target && m.settled != m.current && m.complete() && !m.stopping &&
		!slices.ContainsFunc(m.members, func(w *member) bool { return w.Generation != m.target && !w.replaced() }) {
		m.settled = m.current
		m.do(emit{Replaced{Generation: m.current, After: now.Sub(m.began), Runs: m.onlyRuns()}})
	}
	if m.target != 0 && !m.scaled && m.target == m.current && m.complete() && !m.stopping {
		open := m.open()
		if !slices.ContainsFunc(m.members, func(w *member) bool { return !slices.Contains(open, w.Slot) && !w.replaced() }) {
			m.scaled = true
			m.do(emit{Scaled{Workers: len(open)}})
		}
	}
	m.foretell(now)
	for _, gen := range slices.Sorted(maps.Keys(m.plans)) {
		if gen != m.target && gen != m.current &&
			!slices.ContainsFunc(m.members, func(w *member) bool { return w.Generation == gen }) {
			delete(m.plans, gen)
			maps.DeleteFunc(m.finished, func(p place, _ bool) bool { return p.generation == gen })
			m.do(emit{GenerationGone{Generation: gen}})
		}
	}
	if m.stopping && !m.stopped && len(m.members) == 0 {
		m.stopped = true
		m.do(emit{Stopped{}})
	}
}

// longRolling is the shortest remaining time of a rolling replacement for which a Forecast is emitted. Felt right, not
// measured.
const longRolling = 5 * time.Second

// foretell estimates the time for the remaining slots once the first slots are replaced.
func (m *machine) foretell(now time.Time) {
	if m.stopping || m.target == m.settled || m.foretold == m.target || m.inForce() != Rolling {
		return
	}
	done, all := 0, len(m.open())
	for _, slot := range m.open() {
		if m.slotServed(slot) && len(m.inSlot(slot, func(w *member) bool { return w.Generation != m.target })) == 0 {
			done++
		}
	}
	if done == 0 || done == all || !m.anyServing(m.target) {
		return
	}
	if rest := now.Sub(m.began) / time.Duration(done) * time.Duration(all-done); rest >= longRolling {
		m.foretold = m.target
		m.do(emit{Forecast{Generation: m.target, Done: done, Of: all, Rest: rest}})
	}
}
