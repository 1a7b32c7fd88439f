package supervisor

import (
	"time"
)

// A worker ready by age (it ran for AliveFor) may still be about to listen, or may not be a server. Until more is
// known, hotreload calls the generation running, and not serving.

// onlyRuns reports whether age is the only sign of readiness of all serving workers of the current generation.
func (m *machine) onlyRuns() bool {
	runs := false
	for _, w := range m.members {
		if w.Generation == m.current && w.serving() {
			if !w.signs.aged {
				return false
			}
			runs = true
		}
	}
	return runs
}

// listens handles a sign that a worker serves, if the worker was ready only by its age.
func (m *machine) listens(w *member, how How, now time.Time) {
	if !w.signs.aged || how == ByAge {
		return
	}
	first := w.Generation == m.settled && m.onlyRuns()
	w.signs.aged, m.useful = false, true
	if first {
		m.do(emit{Listens{Worker: w.Worker, After: now.Sub(w.started)}})
	}
}
