package browser

import (
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/runner"
)

// The parts of a build are shown apart where they are known.
func TestHistoryHasStepsOfBuilds(t *testing.T) {
	var h history
	tell := func(e runner.Event) { h.heard(heard{at: time.Now(), event: e}) }
	serves := func(build, compile, link time.Duration) Entry {
		tell(runner.Reloaded{Replacement: runner.Replacement{
			Generation: 1, Build: build, Steps: gobuild.Steps{Compile: compile, Link: link},
		}})
		return h.list()[0]
	}
	tell(runner.BuildEnded{Way: "compiled 1 of 3 packages and linked"})
	if e := serves(90*time.Millisecond, 30*time.Millisecond, 50*time.Millisecond); e.Build != 90 || e.Compile != 30 ||
		e.Link != 50 || e.Way != "compiled 1 of 3 packages and linked" {
		t.Errorf("fast: have %+v", e)
	}
	if e := serves(0, 0, 0); e.Build != 0 || e.Compile != 0 || e.Link != 0 || e.Way != "" {
		t.Errorf("the same program: have %+v", e)
	}
}
