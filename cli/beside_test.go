package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
	"hotreload/tests"
)

func TestSwitched(t *testing.T) {
	for _, c := range []struct {
		name                            string
		before, wanted, running, differ bool
		want                            string
	}{
		{"nothing has changed", true, true, true, false, ""},
		{"other flags", true, true, true, true, "off on"},
		{"other flags, and the key has switched tests off", true, true, false, true, ""},
		{"other flags, and the key has switched tests on", false, false, true, true, "off on"},
		{"nothing has changed, and the key has switched tests on", false, false, true, false, ""},
		{"now wanted", false, true, false, false, "on"},
		{"now wanted, and they run", false, true, true, false, "on"}, // on does nothing then
		{"not wanted any more", true, false, true, false, "off"},
		{"not wanted any more, with other flags", true, false, true, true, "off"},
	} {
		off, on := switched(c.before, c.wanted, c.running, c.differ)
		have := strings.TrimSpace(map[bool]string{true: "off"}[off] + map[bool]string{true: " on"}[on])
		if have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}

func TestHeardBeside(t *testing.T) {
	for _, c := range []struct {
		event runner.Event
		want  string
	}{
		{runner.Reloaded{}, "go on"}, {runner.Unchanged{}, "go on"}, {runner.Ran{}, "go on"},
		{runner.Service{Event: supervisor.BecameReady{}}, "go on"}, {runner.Service{Event: supervisor.Exited{}}, ""},
		{runner.BuildFailed{}, ""}, {runner.Changed{}, ""}, {runner.Leaving{}, "leave"},
	} {
		goesOn, leaves := heardBeside(c.event)
		if have := map[bool]string{true: "go on"}[goesOn] + map[bool]string{true: "leave"}[leaves]; have != c.want {
			t.Errorf("%T: have %q, want %q", c.event, have, c.want)
		}
	}
}

// besideWorld is a run and its tests, both imitated. It notes what they are asked for.
type besideWorld struct {
	t *testing.T
	*testsBeside
	out      string // what is printed
	faulty   bool   // no tester starts
	settings map[*settings.Resolved]besideSettings

	mu     sync.Mutex // guards all below
	asked  []string
	tester *fakeTester // the last one
}

type besideSettings struct {
	wanted bool
	flags  []string
	err    error
}

type fakeTester struct {
	*besideWorld
	config tests.Config
	events chan tests.Event
	await  error
}

func (w *besideWorld) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, fmt.Sprintf(format, args...))
}

func (w *besideWorld) Serves(context.Context) (bool, error) { return false, errors.New("it has ended") }
func (w *besideWorld) Testing(_ context.Context, on bool)   { w.note("testing %v", on) }
func (w *besideWorld) Tested(_ context.Context, all []problems.Problem) {
	w.note("%d problems", len(all))
}

func (f *fakeTester) Events() <-chan tests.Event { return f.events }
func (f *fakeTester) Go()                        { f.note("go") }
func (f *fakeTester) Close()                     { f.note("close") }
func (f *fakeTester) Await(context.Context) (tests.Outcome, error) {
	return tests.Outcome{Report: tests.Report{Passed: 7}}, f.await
}

// newBesideWorld begins with settings that want tests, or not.
func newBesideWorld(t *testing.T, wanted bool) *besideWorld {
	t.Helper()
	w := &besideWorld{t: t, out: filepath.Join(t.TempDir(), "out"), settings: map[*settings.Resolved]besideSettings{}}
	out, err := os.Create(w.out)
	if err != nil {
		t.Fatal(err)
	}
	console := newConsole(out, out, false)
	w.testsBeside = newBeside(w, control.NewJournal())
	w.testsBeside.wanted = func(r *settings.Resolved) bool { return w.settings[r].wanted }
	w.testsBeside.read = func(r *settings.Resolved) (tests.Config, error) {
		return tests.Config{Program: gobuild.Program{Flags: w.settings[r].flags}}, w.settings[r].err
	}
	w.testsBeside.start = func(config tests.Config) (tester, error) {
		if w.faulty {
			return nil, errors.New("no watcher")
		}
		w.note("start %s low %v", strings.Join(config.Program.Flags, " "), config.Low)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tester = &fakeTester{besideWorld: w, config: config, events: make(chan tests.Event)}
		return w.tester, nil
	}
	reporter := newTestReporter(console, t.TempDir(), nil)
	reporter.alone = false
	w.begin(reporter, w.given(besideSettings{wanted: wanted, flags: []string{"-race"}}))
	t.Cleanup(func() {
		w.close()
		console.close()
		out.Close()
	})
	return w
}

// given makes settings.
func (w *besideWorld) given(s besideSettings) *settings.Resolved {
	r := &settings.Resolved{}
	w.settings[r] = s
	return r
}

// has compares what was asked for since the last call.
func (w *besideWorld) has(what string, want ...string) {
	w.t.Helper()
	w.ask(func() {}) // what was asked before is done
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.asked, want) {
		w.t.Errorf("%s: have %q, want %q", what, w.asked, want)
	}
	w.asked = nil
}

// prints waits until a text is printed.
func (w *besideWorld) prints(text string) {
	w.t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		printed, err := os.ReadFile(w.out)
		if err != nil || time.Since(began) > time.Minute {
			w.t.Fatalf("not printed: %q; have %q, %v", text, printed, err)
		}
		if strings.Contains(string(printed), text) {
			return
		}
	}
}

// TestBeside: when tests run beside services, and what the services are told.
func TestBeside(t *testing.T) {
	started, stopped := []string{"start -race low true", "testing true"}, []string{"close", "testing false", "0 problems"}
	w := newBesideWorld(t, true)
	w.has("at the start", started...)
	if w.tester.config.Hold(t.Context()) {
		t.Error("tests run although the run has ended")
	}
	w.tester.events <- tests.ProblemsNow{All: make([]problems.Problem, 3)}
	w.has("problems are found", "3 problems")
	w.tester.events <- tests.Ended{Report: tests.Report{Passed: 4, Packages: 1, Files: []string{"x.go"}}}
	w.prints("tests pass")

	w.toggle()
	w.has("the key", stopped...)
	w.prints("tests on save are off")
	if _, err := w.await(t.Context()); !errors.Is(err, control.ErrNoTests) {
		t.Errorf("wait while tests are off: have %v", err)
	}
	w.reread(w.given(besideSettings{wanted: true, flags: []string{"-race"}}))
	w.has("the settings are read again, and test is what it was")
	w.toggle()
	w.has("the key again", started...)
	w.prints("tests on save are on")
	outcome, err := w.await(t.Context())
	if err != nil || outcome.Report.Passed != 7 {
		t.Errorf("wait: have %+v, %v", outcome, err)
	}
	w.tester.await = tests.ErrClosed
	if _, err := w.await(t.Context()); !errors.Is(err, control.ErrNoTests) {
		t.Errorf("wait while tests are switched off: have %v", err)
	}

	w.reread(w.given(besideSettings{wanted: true, flags: []string{"-tags=x"}}))
	w.has("other flags", append(slices.Clone(stopped), "start -tags=x low true", "testing true")...)
	w.reread(w.given(besideSettings{wanted: true, err: errors.New("a bad flag")}))
	w.has("settings that cannot be read")
	w.reread(w.given(besideSettings{}))
	w.has("not wanted any more", stopped...)
	w.reread(w.given(besideSettings{wanted: true, err: errors.New("a bad flag")}))
	w.has("wanted, but wrong")
	w.prints("a bad flag")
	w.faulty = true
	w.toggle()
	w.has("still wrong")

	w.faulty = false
	w.reread(w.given(besideSettings{}))
	w.reread(w.given(besideSettings{wanted: true, flags: []string{"-race"}}))
	w.has("wanted again", started...)
}

// TestBesideHears: tests that wait try again when services serve. None runs any more when hotreload ends.
func TestBesideHears(t *testing.T) {
	w := newBesideWorld(t, true)
	events := make(chan runner.Event)
	passed := w.hear(events)
	tell := func(event runner.Event) {
		t.Helper()
		events <- event
		if have := <-passed; !reflect.DeepEqual(have, event) {
			t.Errorf("have %v passed on, want %v", have, event)
		}
	}
	w.has("at the start", "start -race low true", "testing true")
	tell(runner.BuildStarted{})
	w.has("a build")
	tell(runner.Service{Event: supervisor.BecameReady{}})
	w.has("a worker is ready", "go")
	w.toggle()
	w.has("the key", "close", "testing false", "0 problems")
	tell(runner.Service{Event: supervisor.BecameReady{}})
	w.has("a worker is ready while tests are off")
	w.toggle()
	w.has("the key again", "start -race low true", "testing true")
	events <- runner.Leaving{}
	<-passed
	w.has("hotreload ends", "close", "testing false", "0 problems")
	w.toggle()
	w.has("the key while hotreload ends")
	close(events)
	if _, open := <-passed; open {
		t.Error("the events do not end")
	}
}

// TestBesideUnwanted: without --test, nothing is read or started until the key is pressed.
func TestBesideUnwanted(t *testing.T) {
	w := newBesideWorld(t, false)
	w.testsBeside.read = func(*settings.Resolved) (tests.Config, error) {
		t.Error("the settings of tests are read")
		return tests.Config{}, nil
	}
	w.has("at the start")
	w.reread(w.given(besideSettings{}))
	w.has("the settings are read again")
	w.close()
	w.toggle() // after the end
	w.has("at the end")
}
