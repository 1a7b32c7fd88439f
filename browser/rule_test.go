package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/runner"
	"hotreload/supervisor"
	"hotreload/watch"
)

func file(path string, class runner.Class) runner.Effect {
	return runner.Effect{Change: watch.Change{Path: path, Op: watch.Written}, Class: class}
}

func ruled(path string, class runner.Class) runner.Effect {
	e := file(path, class)
	e.Runs = true
	return e
}

func changed(effects ...runner.Effect) runner.Event { return runner.Changed{Effects: effects} }

func reloaded(generation int, effects ...runner.Effect) runner.Event {
	return runner.Reloaded{Replacement: runner.Replacement{Generation: generation, Effects: effects}}
}

func replacement(generation int) runner.Event { return runner.Replacement{Generation: generation} }

func buildFailed(serving int) runner.Event {
	return runner.BuildFailed{Serving: serving, Err: &gobuild.BuildError{Text: "# m"},
		Problems: []problems.Problem{{File: "/m/a.go", Line: 3, Column: 2, Message: "undefined: x"}}}
}

func failed(generation, serving int) runner.Event {
	return runner.Service{Event: supervisor.Failed{Generation: generation, Serving: serving, Reason: "it hung"}}
}

func died(slot int) runner.Event {
	w := supervisor.Worker{Slot: slot}
	return runner.Service{Event: supervisor.Exited{Worker: w, Exit: supervisor.Exit{Tail: "panic: x"}}}
}

func ready(slot int) runner.Event {
	return runner.Service{Event: supervisor.BecameReady{Worker: supervisor.Worker{Slot: slot}}}
}

func ofService(event supervisor.Event) runner.Event { return runner.Service{Event: event} }

func failing(messages ...string) runner.Event {
	var all []problems.Problem
	for _, message := range messages {
		all = append(all, problems.Problem{File: "/m/a_test.go", Message: message, Tool: "go test"})
	}
	return runner.ProblemsNow{All: all, Tests: all}
}

// play is what comes of events, one after the other.
func play(s service, events ...runner.Event) (service, []Message) {
	var all []Message
	for i, event := range events {
		var told []Message
		none := func(string, int) []Line { return nil }
		at := time.Unix(int64(1000+i), 0)
		s, told = after(s, heard{service: s.name, at: at, event: event, problem: problemOf(event, "/m", none),
			tests: testsOf(event, "/m")})
		all = append(all, told...)
	}
	return s, all
}

// said is a message in one line.
func said(m Message) string {
	text := m.Kind
	if m.Generation > 0 {
		text += fmt.Sprint(" generation ", m.Generation)
	}
	if m.Number > 0 {
		text += fmt.Sprint(" number ", m.Number)
	}
	if m.Phase != "" {
		text += " " + m.Phase
	}
	if m.Problem != nil {
		text += fmt.Sprintf(" %s serving %d", m.Problem.Kind, m.Problem.Serving)
	}
	if m.Tests != nil {
		text += " " + m.Tests.Label
	}
	if len(m.Paths) > 0 {
		text += " " + strings.Join(m.Paths, " ")
	}
	return text
}

// TestAfter has a case for each row of the table in the package's documentation, and for what lies between the rows.
func TestAfter(t *testing.T) {
	serves := []runner.Event{replacement(1), reloaded(1)}
	for _, c := range []struct {
		name   string
		before []runner.Event // pages were told nothing about checked names
		events []runner.Event
		want   []string
	}{
		{"live css", serves, []runner.Event{changed(file("/m/s/a.css", runner.Live))}, []string{"css number 1 /m/s/a.css"}},
		{"two of live css, and what nobody sees", serves,
			[]runner.Event{changed(file("/m/a.css", runner.Live), file("/m/b.CSS", runner.Live), file("/m/x.go", runner.None),
				file("/m/a.css.map", runner.Live))},
			[]string{"css number 1 /m/a.css /m/b.CSS"}},
		{"a live image", serves, []runner.Event{changed(file("/m/a.PNG", runner.Live))}, []string{"asset number 1 /m/a.PNG"}},
		{"a live font beside css", serves,
			[]runner.Event{changed(file("/m/a.woff2", runner.Live), file("/m/a.css", runner.Live))},
			[]string{"css number 1 /m/a.css", "asset number 2 /m/a.woff2"}},
		{"a live template", serves, []runner.Event{changed(file("/m/page.html", runner.Live))},
			[]string{"reload number 1 /m/page.html"}},
		{"a live script beside css", serves,
			[]runner.Event{changed(file("/m/a.css", runner.Live), file("/m/a.js", runner.Live))},
			[]string{"reload number 1 /m/a.js /m/a.css"}},
		{"live, and a rule runs first", serves,
			[]runner.Event{changed(ruled("/m/a.css", runner.Live)),
				runner.Ran{Effects: []runner.Effect{ruled("/m/a.css", runner.Live)}}},
			[]string{"css number 1 /m/a.css"}},
		{"what needs a new worker is told when it serves", serves,
			[]runner.Event{changed(file("/m/config.json", runner.Restart)), replacement(2), reloaded(2, file("/m/config.json",
				runner.Restart))},
			[]string{"phase replacing", "phase idle", "reload generation 2 /m/config.json"}},
		{"embedded css alone", serves,
			[]runner.Event{changed(file("/m/a.css", runner.Rebuild)), runner.BuildStarted{}, runner.BuildEnded{Way: "linked"},
				replacement(2), reloaded(2, file("/m/a.css", runner.Rebuild))},
			[]string{"building", "phase replacing", "phase idle", "css generation 2 /m/a.css"}},
		{"an embedded image alone", serves, []runner.Event{replacement(2), reloaded(2, file("/m/a.svg", runner.Rebuild))},
			[]string{"phase replacing", "phase idle", "asset generation 2 /m/a.svg"}},
		{"embedded css beside Go", serves,
			[]runner.Event{replacement(2), reloaded(2, file("/m/a.css", runner.Rebuild), file("/m/a.go", runner.Rebuild))},
			[]string{"phase replacing", "phase idle", "reload generation 2 /m/a.go /m/a.css"}},
		{"on request", serves, []runner.Event{replacement(2), reloaded(2)},
			[]string{"phase replacing", "phase idle", "reload generation 2"}},
		{"the first generation", nil, []runner.Event{runner.BuildStarted{}, replacement(1), reloaded(1)},
			[]string{"building", "phase replacing", "phase idle", "reload generation 1"}},
		{"a build is cancelled", serves, []runner.Event{runner.BuildStarted{}, runner.BuildEnded{}},
			[]string{"building", "phase idle"}},
		{"the build fails", serves, []runner.Event{runner.BuildStarted{}, runner.BuildEnded{}, buildFailed(1)},
			[]string{"building", "phase idle", "problem build serving 1"}},
		{"the first build fails", nil, []runner.Event{runner.BuildStarted{}, runner.BuildEnded{}, buildFailed(0)},
			[]string{"building", "phase starting", "problem build serving 0"}},
		{"a generator fails", serves,
			[]runner.Event{runner.BuildFailed{Serving: 1, Err: &runner.GeneratorError{Run: "templ"}}},
			[]string{"problem generator serving 1"}},
		{"the repair serves", append(serves, buildFailed(1)),
			[]runner.Event{runner.BuildStarted{}, replacement(2), reloaded(2, file("/m/a.go", runner.Rebuild))},
			[]string{"building", "phase replacing", "fixed", "phase idle", "reload generation 2 /m/a.go"}},
		{"the repair is what serves already", append(serves, buildFailed(1)),
			[]runner.Event{runner.BuildStarted{}, runner.BuildEnded{Way: "linked"}, runner.Unchanged{}},
			[]string{"building", "phase idle", "fixed"}},
		{"a generation does not start", serves, []runner.Event{replacement(2), failed(2, 1)},
			[]string{"phase replacing", "phase idle", "problem start serving 1"}},
		{"and the old one is back", append(serves, replacement(2), failed(2, 1)), []runner.Event{reloaded(1)},
			[]string{"reload generation 1"}},
		{"and the rest of it dies", append(serves, replacement(2), failed(2, 1)), []runner.Event{died(1)}, nil},
		{"a worker dies", serves, []runner.Event{died(0)}, []string{"problem crash serving 0"}},
		{"and another worker is ready", append(serves, died(0)), []runner.Event{ready(1)}, nil},
		{"and it is ready again", append(serves, died(0)), []runner.Event{ready(0)}, []string{"fixed"}},
		{"a worker is ready while the build is broken", append(serves, buildFailed(1)), []runner.Event{ready(0)}, nil},
		{"a worker dies while the build is broken", append(serves, buildFailed(1)), []runner.Event{died(0)}, nil},
		{"a worker leaves as it was asked to", serves, []runner.Event{ofService(supervisor.Exited{Expected: true})}, nil},
		{"paused", serves, []runner.Event{ofService(supervisor.Blocked{}), ofService(supervisor.Unblocked{})},
			[]string{"phase paused", "phase idle"}},
		{"stopped", serves, []runner.Event{runner.SlotsStopped{Slots: 1, Of: 1}, runner.SlotsStopped{Slots: 0, Of: 1}},
			[]string{"phase stopped", "phase idle"}},
		{"hotreload ends", serves, []runner.Event{runner.Leaving{}}, []string{"phase ended"}},
		{"a generation that is kept", serves, []runner.Event{runner.BuildStarted{}, runner.LeftRunning{}},
			[]string{"building", "phase idle"}},
		{"a test fails", serves, []runner.Event{failing("TestA: no")}, []string{"tests 1 test fails"}},
		{"the same test fails", append(serves, failing("TestA: no")), []runner.Event{failing("TestA: no")}, nil},
		{"tests pass", append(serves, failing("TestA: no")), []runner.Event{runner.ProblemsNow{}}, []string{"tests"}},
		{"a problem of the code beside", serves, []runner.Event{runner.ProblemsNow{All: []problems.Problem{{}}}}, nil},
		{"news for nobody", serves, []runner.Event{runner.Watching{}, runner.Noticed{Err: errors.New("x")}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := play(service{name: "web", phase: phaseStarting}, c.before...)
			_, told := play(s, c.events...)
			var have []string
			for _, m := range told {
				have = append(have, said(m))
				if m.Service != "web" {
					t.Errorf("%s is of service %q", m.Kind, m.Service)
				}
			}
			if strings.Join(have, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestLabelOfTests(t *testing.T) {
	test := func(pkg, message string) problems.Problem {
		return problems.Problem{Package: pkg, Message: message, Tool: "go test"}
	}
	broken := func(pkg string) problems.Problem {
		return problems.Problem{Package: pkg, Message: "undefined: x", Tool: problems.Go}
	}
	for want, all := range map[string][]problems.Problem{
		"1 test fails":                              {test("a", "TestX: one"), test("a", "TestX: two")},
		"3 tests fail":                              {test("a", "TestX: z"), test("b", "TestX: z"), test("a", "TestX/y: z")},
		"1 package cannot be tested":                {broken("a"), broken("a")},
		"1 test fails, 2 packages cannot be tested": {broken("a"), broken("b"), test("c", "TestX: one")},
	} {
		if have := labelOf(all); have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
	var many []problems.Problem
	for i := range mostFailing + 3 {
		many = append(many, test("a", fmt.Sprint("Test", i, ": no")))
	}
	if s := testsOf(runner.ProblemsNow{Tests: many}, "/m"); s.More != 3 || len(s.Diagnostics) != mostFailing {
		t.Errorf("have %d messages and %d more", len(s.Diagnostics), s.More)
	}
}

// What pages can take over without a reload is remembered as long as nothing else changes.
func TestSoft(t *testing.T) {
	s, _ := play(service{}, reloaded(1), reloaded(2, file("/a.go", runner.Rebuild)),
		reloaded(3, file("/a.css", runner.Rebuild)),
		reloaded(4, file("/b.css", runner.Rebuild), file("/a.svg", runner.Rebuild)))
	text, _ := json.Marshal(s.soft)
	if want := `{"from":2,"css":["/a.css","/b.css"],"assets":["/a.svg"]}`; string(text) != want {
		t.Errorf("have %s, want %s", text, want)
	}
	if s, _ = play(s, reloaded(5)); s.soft != nil {
		t.Errorf("after another change: have %+v", s.soft)
	}
}

// States that were given away are not changed by later events.
func TestStatesAreValues(t *testing.T) {
	s, _ := play(service{}, reloaded(1), reloaded(2, file("/a.css", runner.Rebuild)), changed(file("/a.css", runner.Live)))
	given := s.state("run", Options{}, time.Time{})
	before, _ := json.Marshal(given)
	for range 2 * mostRecent {
		s, _ = play(s, changed(file("/b.css", runner.Live)), reloaded(3, file("/c.css", runner.Rebuild)), buildFailed(3))
	}
	if now, _ := json.Marshal(given); string(now) != string(before) {
		t.Errorf("have %s, want %s", now, before)
	}
	if len(s.recent) != mostRecent || s.recent[mostRecent-1].Number != s.number || s.number != 1+2*mostRecent {
		t.Errorf("%d changes are remembered, the last is %d of %d", len(s.recent), s.recent[len(s.recent)-1].Number, s.number)
	}
}

// A page knows which of the last changes are missing: those after its own request.
func TestLate(t *testing.T) {
	s, _ := play(service{}, reloaded(1), changed(file("/a.css", runner.Live)), changed(file("/b.css", runner.Live)))
	state := s.state("run", Options{}, time.Unix(1001, 5))
	if state.Recent[0].Late || !state.Recent[1].Late {
		t.Errorf("have %+v", state.Recent)
	}
	for _, r := range s.state("run", Options{}, time.Time{}).Recent {
		if r.Late {
			t.Errorf("nothing is known of the page, and %+v is late", r)
		}
	}
}

func TestProblem(t *testing.T) {
	lines := func(path string, line int) []Line { return []Line{{Number: line, Text: path}} }
	p := problemOf(buildFailed(3), "/m", lines)
	if len(p.Diagnostics) != 1 || p.Diagnostics[0].Name != "a.go" || p.Diagnostics[0].Source[0].Text != "/m/a.go" ||
		p.Serving != 3 {
		t.Errorf("have %+v", p)
	}
	generator := &runner.GeneratorError{Run: "templ generate", Why: "exit code 1", Output: "a.templ: no"}
	p = problemOf(runner.BuildFailed{Err: generator}, "/m", lines)
	if p.Kind != problemGenerator || p.Tool != "templ generate" || p.Text != "exit code 1\n\na.templ: no" {
		t.Errorf("have %+v", p)
	}
	for want, p := range map[string]*Problem{
		"a.go:3:2: no (and 1 more)": {Diagnostics: []Diagnostic{{Name: "a.go", Line: 3, Col: 2, Text: "no\nat all"}, {}}},
		"a.go:3: no: x":             {Diagnostics: []Diagnostic{{Name: "a.go", Line: 3, Text: "no: x"}}},
		"no: x":                     {Diagnostics: []Diagnostic{{Text: "no: x"}}},
		"templ: exit code 1":        {Tool: "templ", Text: "exit code 1\n\nx"},
	} {
		if have := p.line(); have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
	p = problemOf(died(2), "/m", lines)
	if p.Kind != problemCrash || p.slot != 2 || !strings.HasSuffix(p.Text, "panic: x") {
		t.Errorf("have %+v", p)
	}
}
