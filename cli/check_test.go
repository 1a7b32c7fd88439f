package cli

import (
	"strings"
	"testing"

	"hotreload/nagios"
	"hotreload/runner"
	"hotreload/supervisor"
)

func TestCheck(t *testing.T) {
	ready := []runner.Worker{{State: "ready"}, {Slot: 1, State: "stable"}}
	well := runner.Status{Name: "web", Wanted: 2, Serving: 3, Workers: ready,
		Counters: []supervisor.Counter{supervisor.Limited("ready", 2, 2), supervisor.Gauge("rss", 1000, "B"),
			supervisor.Total("restarts", 0)}}
	change := func(f func(*runner.Status)) runner.Status {
		s := well
		f(&s)
		return s
	}
	for _, c := range []struct {
		name    string
		states  []runner.Status
		m, w, c []string
		result  nagios.Result
		line    string
	}{
		{"well", []runner.Status{well}, nil, nil, nil, nagios.OK,
			`HOTRELOAD OK - web: 2 of 2 workers ready, generation 3 | web_ready=2;;;0;2 web_rss=1000B;;;0 web_restarts=0c;;;0`},
		{"one is missing", []runner.Status{change(func(s *runner.Status) { s.Workers = ready[:1] })}, nil, nil, nil,
			nagios.Warning, `HOTRELOAD WARNING - web: 1 of 2 workers ready |`},
		{"none is there", []runner.Status{change(func(s *runner.Status) { s.Workers = nil }), well}, nil, nil, nil,
			nagios.Critical, `HOTRELOAD CRITICAL - web: 0 of 2 workers ready, web: 2 of 2`},
		{"stale", []runner.Status{change(func(s *runner.Status) { s.Stale, s.Failure = true, "main.go:1: x|y\nmore" })}, nil,
			nil, nil, nagios.Warning, `HOTRELOAD WARNING - web: 2 of 2 workers ready, generation 3 is stale: main.go:1: x/y |`},
		{"stopped", []runner.Status{change(func(s *runner.Status) { s.Wanted, s.Workers = 0, nil })}, nil, nil, nil,
			nagios.Warning, `HOTRELOAD WARNING - web: stopped |`},
		{"a counter", []runner.Status{well}, []string{"rss"}, []string{"2000"}, []string{"3000"}, nagios.OK,
			`HOTRELOAD OK - web: rss is 1000B | web_rss=1000B;2000;3000;0`},
		{"a warning", []runner.Status{well}, []string{"rss"}, []string{"500"}, []string{"3000"}, nagios.Warning,
			`HOTRELOAD WARNING - web: rss is 1000B | web_rss=1000B;500;3000;0`},
		{"zero is a range", []runner.Status{well}, []string{"ready"}, []string{"0"}, []string{""}, nagios.Warning,
			`HOTRELOAD WARNING - web: ready is 2 | web_ready=2;0;;0;2`},
		{"the worse counts", []runner.Status{well}, []string{"rss", "ready"}, []string{"500", ""}, []string{"", "3:"},
			nagios.Critical, `HOTRELOAD CRITICAL - web: rss is 1000B, web: ready is 2 |`},
		{"no such counter", []runner.Status{well}, []string{"none"}, []string{"1"}, []string{"1"}, nagios.Unknown,
			`HOTRELOAD UNKNOWN - web: no counter none`},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := readWanted(c.m, c.w, c.c)
			if err != nil {
				t.Fatal(err)
			}
			if result, line := judged(c.states, all); result != c.result || !strings.HasPrefix(line, c.line) {
				t.Errorf("have %v %s\nwant %v %s", result, line, c.result, c.line)
			}
		})
	}
	for _, c := range [][3][]string{{{"a"}, nil, nil}, {{"a"}, {"1"}, nil}, {{"a"}, {"x"}, {"1"}}, {nil, {"1"}, {"1"}}} {
		if _, err := readWanted(c[0], c[1], c[2]); err == nil {
			t.Errorf("%q is taken", c)
		}
	}
}
