package cli

import (
	"fmt"
	"strings"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// timer knows what a reload has done so far.
type timer struct {
	generation int
	ready      time.Duration // of its first worker, since the start of the worker; 0: none is ready
}

func (t *timer) heard(e supervisor.BecameReady) {
	if t.generation != e.Generation {
		*t = timer{e.Generation, e.After}
	}
}

// timed tells how long the parts of a reload after a save took, one after the other; "" if there was no save. bench
// makes a table of it.
func (t *timer) timed(e runner.Reloaded) string {
	if e.Total == 0 || e.Build == 0 {
		return ""
	}
	ready := time.Duration(0)
	if t.generation == e.Generation {
		ready = min(t.ready, e.Start)
	}
	var parts []string
	for _, part := range []struct {
		does string
		took time.Duration
	}{
		{"notice", e.Total - e.Build - e.Start}, {"plan", e.Build - e.Steps.Compile - e.Steps.Link},
		{"compile", e.Steps.Compile}, {"make", e.Steps.Link}, {"start", ready}, {"hand over", e.Start - ready},
	} {
		parts = append(parts, fmt.Sprintf("%s %.1f ms", part.does, float64(part.took.Microseconds())/1000))
	}
	return "timed: " + strings.Join(parts, ", ")
}
