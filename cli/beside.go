package cli

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"hotreload/control"
	"hotreload/problems"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
	"hotreload/tests"
)

// testsBeside runs the tests that saves reach, beside the services: --test, and the key t. The Tester knows everything
// about tests. testsBeside connects the Tester with the run: in goes whether the services serve, and out come the news,
// for the terminal, for hotreload events, and for the services' lists of problems.
//
// One goroutine, the owner, has what stands below asks. Another one prints, because a terminal may stand still.
type testsBeside struct {
	wanted  func(*settings.Resolved) bool
	read    func(*settings.Resolved) (tests.Config, error)
	start   func(tests.Config) (tester, error)
	run     testedRun
	journal *control.Journal
	asks    chan func() // run by the owner
	stop    chan struct{}
	once    sync.Once
	ended   chan struct{} // closed when the owner has ended

	settings *settings.Resolved
	config   tests.Config // of the Tester, without Hold
	tester   tester       // nil: tests are off
	leaving  bool         // hotreload ends
	unsaid   []func(*testReporter)
}

// tester is a *tests.Tester.
type tester interface {
	Events() <-chan tests.Event
	Go()
	Close()
	Await(context.Context) (tests.Outcome, error)
}

// testedRun is a *runner.Group.
type testedRun interface {
	Serves(context.Context) (bool, error)
	Testing(ctx context.Context, on bool)
	Tested(context.Context, []problems.Problem)
}

// newTestsBeside starts the owner. The owner ends with close.
func newTestsBeside(w *settings.Wishes, r *settings.Resolved, run *runner.Group, c *console,
	journal *control.Journal) *testsBeside {
	b := newBeside(run, journal)
	b.wanted = func(r *settings.Resolved) bool { return settings.Test.Of(r.Values) }
	b.read = func(r *settings.Resolved) (tests.Config, error) {
		t, err := w.Beside(r)
		if err != nil {
			return tests.Config{}, err
		}
		return testConfig(t)
	}
	b.start = func(config tests.Config) (tester, error) { return tests.New(config) }
	reporter := newTestReporter(c, w.Dir, nil)
	reporter.alone = false
	b.begin(reporter, r)
	return b
}

func newBeside(run testedRun, journal *control.Journal) *testsBeside {
	return &testsBeside{run: run, journal: journal, asks: make(chan func()), stop: make(chan struct{}),
		ended: make(chan struct{})}
}

// begin starts the owner, and the tests if the settings want them.
func (b *testsBeside) begin(reporter *testReporter, r *settings.Resolved) {
	b.settings = r
	say := make(chan func(*testReporter))
	go reporter.speak(say) // ends with the owner, or with the program while the terminal stands still
	go b.own(say)          // ends with close
	if b.wanted(r) {
		b.ask(b.on)
	}
}

// own is the owner's goroutine.
func (b *testsBeside) own(say chan<- func(*testReporter)) {
	defer close(b.ended)
	defer close(say)
	for {
		var events <-chan tests.Event
		if b.tester != nil {
			events = b.tester.Events()
		}
		var out chan<- func(*testReporter)
		var first func(*testReporter)
		if len(b.unsaid) > 0 {
			out, first = say, b.unsaid[0]
		}
		select {
		case ask := <-b.asks:
			ask()
		case event := <-events: // only off closes the channel
			b.heard(event)
		case out <- first:
			b.unsaid = b.unsaid[1:]
		case <-b.stop:
			b.off()
			return
		}
	}
}

// ask has the owner do something, and waits until it is done.
func (b *testsBeside) ask(f func()) {
	done := make(chan struct{})
	select {
	case b.asks <- func() { defer close(done); f() }:
		<-done
	case <-b.ended:
	}
}

// close ends the tests that run.
func (b *testsBeside) close() {
	b.once.Do(func() { close(b.stop) })
	<-b.ended
}

func (b *testsBeside) say(f func(*testReporter)) { b.unsaid = append(b.unsaid, f) }

// heard passes on what the Tester tells.
func (b *testsBeside) heard(event tests.Event) {
	b.journal.TellTests(event)
	if found, ok := event.(tests.ProblemsNow); ok {
		b.run.Tested(context.Background(), found.All)
	}
	b.say(func(r *testReporter) { r.report(event) })
}

// on starts the tests. Tests run for what is saved from now on.
func (b *testsBeside) on() {
	if b.tester != nil || b.leaving {
		return
	}
	config, err := b.read(b.settings)
	if err == nil {
		config.Low = true
		b.config = config
		config.Hold = func(ctx context.Context) bool {
			serves, err := b.run.Serves(ctx)
			return serves && err == nil
		}
		var t tester
		if t, err = b.start(config); err == nil {
			b.tester = t
		}
	}
	if err != nil {
		b.say(func(r *testReporter) { r.broken(err) })
		return
	}
	b.run.Testing(context.Background(), true)
}

// off ends the tests. What they have found is forgotten.
func (b *testsBeside) off() {
	if b.tester == nil {
		return
	}
	b.tester.Close()
	b.tester = nil
	b.run.Testing(context.Background(), false)
	b.run.Tested(context.Background(), nil)
	b.say(func(r *testReporter) { r.end() })
}

// toggle is the key t.
func (b *testsBeside) toggle() {
	b.ask(func() {
		if b.tester != nil {
			b.off()
			b.say(func(r *testReporter) { r.line("tests on save are off") })
			return
		}
		if b.on(); b.tester != nil {
			b.say(func(r *testReporter) { r.line("tests on save are on: each save runs the tests that it reaches") })
		}
	})
}

// reread takes over changed settings.
func (b *testsBeside) reread(now *settings.Resolved) {
	b.ask(func() {
		before, wanted, running := b.wanted(b.settings), b.wanted(now), b.tester != nil
		b.settings = now
		differ := false
		if running {
			config, err := b.read(now)
			config.Low = true
			differ = err == nil && !reflect.DeepEqual(sameKind(config), sameKind(b.config))
		}
		off, on := switched(before, wanted, running, differ)
		if off {
			b.off()
		}
		if on {
			b.on()
		}
	})
}

// switched is the rule for changed settings: whether tests are switched off, and then on. before and wanted are the old
// and the new value of test. The key t may have switched tests on or off meanwhile, and settings that stay the same do
// not change that. differ means: these settings make other tests.
func switched(before, wanted, running, differ bool) (off, on bool) {
	if before != wanted {
		return !wanted, wanted
	}
	return running && differ, running && differ
}

// sameKind returns what can be compared of a configuration.
func sameKind(c tests.Config) tests.Config {
	c.Ignore, c.Hold = nil, nil
	return c
}

// hear passes events on. Tests that wait for a service may run when the service serves, and end when hotreload does.
func (b *testsBeside) hear(events <-chan runner.Event) <-chan runner.Event {
	passed := make(chan runner.Event)
	go func() { // ends with events, if the passed events are read
		defer close(passed)
		for event := range events {
			switch goesOn, leaves := heardBeside(event); {
			case goesOn:
				b.ask(b.goOn)
			case leaves:
				b.ask(func() { b.leaving = true; b.off() })
			}
			passed <- event
		}
	}()
	return passed
}

// heardBeside is the rule for events: after which of them tests that wait try again, and after which none run any more.
func heardBeside(event runner.Event) (goesOn, leaves bool) {
	switch e := event.(type) {
	case runner.Reloaded, runner.Unchanged, runner.Ran:
		return true, false
	case runner.Service:
		_, ready := e.Event.(supervisor.BecameReady)
		return ready, false
	case runner.Leaving:
		return false, true
	}
	return false, false
}

func (b *testsBeside) goOn() {
	if b.tester != nil {
		b.tester.Go()
	}
}

// await waits until what was saved is tested.
func (b *testsBeside) await(ctx context.Context) (tests.Outcome, error) {
	var t tester
	b.ask(func() { t = b.tester })
	if t == nil {
		return tests.Outcome{}, control.ErrNoTests
	}
	outcome, err := t.Await(ctx)
	if errors.Is(err, tests.ErrClosed) {
		err = control.ErrNoTests
	}
	b.ask(func() {}) // the services have the problems, too
	return outcome, err
}

// speak prints what the owner wants to be said, until say is closed.
func (r *testReporter) speak(say <-chan func(*testReporter)) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		var ticks <-chan time.Time
		if r.began.IsZero() {
			ticker.Stop() // hotreload at rest uses no processor time
		} else {
			ticks = ticker.C
		}
		select {
		case f, ok := <-say:
			if !ok {
				return
			}
			before := r.began
			if f(r); before.IsZero() && !r.began.IsZero() {
				ticker.Reset(tick)
			}
		case <-ticks:
			r.progress()
		}
	}
}
