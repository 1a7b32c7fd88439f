package cli

import (
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/runner"
	"hotreload/supervisor"
)

func TestTimed(t *testing.T) {
	const ms = time.Millisecond
	save := runner.Reloaded{
		Replacement: runner.Replacement{Generation: 2, Build: 50 * ms, Steps: gobuild.Steps{Compile: 30 * ms, Link: 15 * ms}},
		Start:       20 * ms, Total: 75 * ms,
	}
	start, request := save, save
	start.Total, request.Build = 0, 0
	for _, c := range []struct {
		name  string
		event runner.Reloaded
		ready int // generation
		want  string
	}{
		{"a save", save, 2, "timed: notice 5.0 ms, plan 5.0 ms, compile 30.0 ms, make 15.0 ms, start 12.0 ms, " +
			"hand over 8.0 ms"},
		{"no worker tells when it is ready", save, 1, "timed: notice 5.0 ms, plan 5.0 ms, compile 30.0 ms, " +
			"make 15.0 ms, start 0.0 ms, hand over 20.0 ms"},
		{"the start", start, 2, ""},
		{"nothing was built", request, 2, ""},
	} {
		var watch timer
		watch.heard(supervisor.BecameReady{Worker: supervisor.Worker{Generation: c.ready}, After: 12 * ms})
		watch.heard(supervisor.BecameReady{Worker: supervisor.Worker{Generation: c.ready}, After: 19 * ms})
		if have := watch.timed(c.event); have != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.name, have, c.want)
		}
	}
}
