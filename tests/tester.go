package tests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/watch"
)

// Config does not change after New.
type Config struct {
	// Program names the packages: Args has their patterns, Flags the build flags; go runs in Dir.
	Program gobuild.Program
	Flags   Flags

	Poll time.Duration // see watch.Config
	// Ignore returns a function that reports ignored paths, for watched folders and trees. nil: no path is ignored.
	Ignore func(folders, trees []string) func(path string, folder bool) bool

	// Memory is the file in which a Tester finds what tests opened in the runs of earlier ones; "": none.
	Memory string

	AtStart bool // run all tests at the start
	Low     bool // with a low priority for processor time
	// Hold waits until no build and no start is going on, and reports whether the saved code serves. If not, its tests
	// wait for the next save or for Go; if only tests were saved, they run all the same. nil: tests run at once.
	Hold func(ctx context.Context) (serves bool)
}

// Tester runs the tests affected by saves. Its methods may be called from any goroutine; Close ends the Tester.
type Tester struct {
	config   Config
	events   chan Event
	requests chan func() // run by the owner
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed at the end of the owner's goroutine

	// The fields below belong to the owner, the goroutine of run.
	watcher *watch.Watcher
	since   time.Time // time of the start; later saves are tested
	graph   *graph    // nil before the packages are known
	results results
	opened  opened
	shapes  shapes
	told    []problems.Problem // the last ProblemsNow
	pending pending
	now     *attempt // the running attempt; nil: none
	tested  span     // the last run of tests
	came    chan any // from the attempt
	outbox  []Event
	waiting []chan<- Outcome
	last    Report
	news    bool  // tests have opened other files than before
	held    bool  // tests wait for Go, or for the next save
	fault   error // why go has run no test; nil after a run
}

// Outcome is the result of Await.
type Outcome struct {
	Report   Report // the last one
	Held     bool   // a saved file is not tested: its code does not serve, or go cannot test it (see Err)
	Err      error  // why go has run no test; nil after a run
	Problems []problems.Problem
}

// OK reports whether no failure is known.
func (o Outcome) OK() bool { return o.Report.OK() && !o.Held && o.Err == nil && len(o.Problems) == 0 }

// pending has the saved files whose tests have not run to the end.
type pending struct {
	fresh, earlier map[string]watch.Change
	all            bool
	anew           bool // list the packages again
	began          time.Time
	settled        bool // the last batch is complete
	again          map[string]int
	ours           map[string]bool         // of the present batch: possibly written by tests
	later          map[string]watch.Change // the changes of ours, in case they count
}

func (p *pending) empty() bool { return !p.all && !p.anew && len(p.fresh)+len(p.earlier) == 0 }

// New starts a Tester. The caller must read Events.
func New(config Config) (*Tester, error) {
	watcher, err := watch.New(watch.Config{Poll: config.Poll})
	if err != nil {
		return nil, err
	}
	t := &Tester{
		config: config, events: make(chan Event), requests: make(chan func()), stop: make(chan struct{}),
		since: time.Now().Add(-slack),
		done:  make(chan struct{}), watcher: watcher, results: results{}, came: make(chan any),
		opened: remembered(config.Memory), shapes: shapes{},
		pending: pending{all: config.AtStart, anew: true, settled: true, began: time.Now(),
			fresh: map[string]watch.Change{}, earlier: map[string]watch.Change{}, again: map[string]int{},
			ours: map[string]bool{}, later: map[string]watch.Change{}},
	}
	go t.run() // ended and awaited by Close
	return t, nil
}

// Events returns the events, in order. Close closes the channel.
func (t *Tester) Events() <-chan Event { return t.events }

// All runs all tests.
func (t *Tester) All() {
	t.ask(func() { t.pending.all, t.pending.began = true, time.Now(); t.interrupt() })
}

// Go retries waiting tests: the answer of Hold may have changed.
func (t *Tester) Go() {
	t.ask(func() {
		t.held = false
		if t.now != nil {
			t.now.again = true // its answer of Hold may be outdated
		}
	})
}

// Close kills the running process, and waits for its end.
func (t *Tester) Close() {
	t.stopOnce.Do(func() { close(t.stop) })
	<-t.done
}

func (t *Tester) ask(f func()) {
	select {
	case t.requests <- f:
	case <-t.done:
	}
}

// ErrClosed means: the Tester has ended.
var ErrClosed = errors.New("the tests have ended")

// Await waits until all present saves have been tested, or cannot be tested now, and until the caller has read all
// events.
func (t *Tester) Await(ctx context.Context) (Outcome, error) {
	err := t.watcher.Sync(ctx)
	if err == nil {
		err = t.watcher.Received(ctx)
	}
	if err != nil && !errors.Is(err, watch.ErrClosed) {
		return Outcome{}, err
	}
	answer := make(chan Outcome, 1)
	t.ask(func() { t.waiting = append(t.waiting, answer) })
	select {
	case o := <-answer:
		return o, nil
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	case <-t.done:
		return Outcome{}, ErrClosed
	}
}

// run is the owner's goroutine.
func (t *Tester) run() {
	defer close(t.done)
	defer close(t.events)
	defer t.watcher.Close()
	batches := t.watcher.Batches()
	for {
		t.next()
		var out chan<- Event
		var event Event
		if len(t.outbox) > 0 {
			out, event = t.events, t.outbox[0]
		}
		select {
		case out <- event:
			t.outbox = t.outbox[1:]
		case batch, ok := <-batches:
			if !ok {
				batches = nil
				continue
			}
			t.heard(batch)
		case request := <-t.requests:
			request()
		case message := <-t.came:
			t.take(message)
		case <-t.stop:
			if t.now != nil {
				t.now.cancel()
				for ended := false; !ended; { // soon: the process is killed
					_, ended = (<-t.came).(attemptEnded)
				}
			}
			return
		}
	}
}

func (t *Tester) emit(e Event) { t.outbox = append(t.outbox, e) }

// next starts an attempt if there is something to test. Otherwise it answers the callers of Await.
func (t *Tester) next() {
	if t.now != nil || !t.pending.settled {
		return
	}
	if p := &t.pending; len(p.later) > 0 {
		if p.empty() {
			p.began = time.Now()
		}
		maps.Copy(p.earlier, p.later)
		clear(p.later)
	}
	if !t.pending.empty() && !t.held {
		ctx, cancel := context.WithCancel(context.Background())
		t.now = newAttempt(t, cancel)
		go t.now.run(ctx, t.came) // ends with attemptEnded, for which the owner waits
		return
	}
	if len(t.outbox) > 0 {
		return // a caller of Await gets an answer only after the events
	}
	for _, answer := range t.waiting {
		answer <- Outcome{Report: t.last, Held: t.held, Err: t.fault, Problems: t.results.problems()}
	}
	t.waiting = nil
}

// interrupt ends the running attempt; its files stay pending.
func (t *Tester) interrupt() {
	t.held = false
	if t.now != nil {
		t.now.cancel()
		t.now.late = true
	}
}

// heard processes a batch. Until a batch is settled, the next batch repeats its changes.
func (t *Tester) heard(batch watch.Batch) {
	p := &t.pending
	begins := p.settled
	if begins {
		maps.Copy(p.earlier, p.fresh) // the tests of fresh have not run to the end
		clear(p.ours)
	}
	clear(p.fresh)
	relevant := false
	for _, change := range batch.Changes {
		reached, anew := t.touch(change)
		new := slices.Contains(batch.Fresh, change)
		if new {
			p.ours[change.Path] = t.byTests(change, reached)
		}
		if p.ours[change.Path] || len(reached) == 0 && !anew {
			continue
		}
		p.fresh[change.Path], p.anew = change, p.anew || anew
		relevant = relevant || new
	}
	if relevant && begins {
		p.began = batch.Began
	}
	p.settled = batch.Settled
	if relevant {
		t.interrupt()
	}
}

// touch calls graph.touch; without a graph, the packages are not known yet. If the header of a source file has changed,
// its imports may have changed.
func (t *Tester) touch(change watch.Change) (reached []saved, anew bool) {
	if t.graph == nil {
		return nil, filepath.Ext(change.Path) == ".go" || filepath.Base(change.Path) == "go.mod"
	}
	reached, anew = t.graph.touch(change, t.opened)
	if !anew && change.Op == watch.Written && filepath.Ext(change.Path) == ".go" {
		if before, known := t.graph.headers[change.Path]; known {
			anew = before != gobuild.Header(change.Path)
		}
	}
	return reached, anew
}

// byTests reports whether running tests may have made a change: see the package's documentation.
func (t *Tester) byTests(change watch.Change, reached []saved) bool {
	p := &t.pending
	_, built := t.graph.fileOf(change.Path)
	if built || slices.ContainsFunc(reached, func(s saved) bool { return s.kind != data }) ||
		len(reached) == 0 && !change.Dir {
		return false
	}
	if !t.tested.has(change) {
		p.again[change.Path] = 0
		return false
	}
	p.again[change.Path]++
	if p.again[change.Path] <= mostAgain {
		p.later[change.Path] = change
	}
	return true
}

// span is the time of the last run of tests. The end is zero during a run.
type span struct{ began, ended time.Time }

// has reports whether a change may have happened in the span. A file system's clock is a little behind, and a removed
// file has no time.
func (s span) has(change watch.Change) bool {
	at := time.Now().Add(-2 * slack)
	if info, err := os.Lstat(change.Path); err == nil {
		at = info.ModTime()
	}
	return !s.began.IsZero() && at.After(s.began.Add(-slack)) && (s.ended.IsZero() || at.Before(s.ended.Add(slack)))
}

// slack is longer than clocks of file systems lag, and shorter than people need between two saves. Felt right.
const slack = 50 * time.Millisecond

// mostAgain is how often in a row tests run again for a file that changed during the run.
const mostAgain = 1

// take processes a message of the attempt.
func (t *Tester) take(message any) {
	switch m := message.(type) {
	case loaded:
		t.graph, t.pending.anew = m.graph, false
		t.watch()
		t.readShapes(m.graph, m.asked)
		if m.first {
			t.takeEarly(m)
		}
	case shapesRead:
		maps.Copy(t.shapes, m.shapes)
	case openedNow:
		if now := t.opened.with(m.pkg, m.paths, m.some); !maps.Equal(now[m.pkg], t.opened[m.pkg]) {
			t.opened, t.news = now, true
		}
	case begun:
		t.fault = nil
		t.now.testing, t.tested = true, span{began: time.Now()}
		t.emit(m.what)
	case tested:
		t.results.take(m.outcome, m.only)
		t.emit(Tested{m.pkg, !m.bad, m.passed + m.failed + m.skipped})
		t.tellProblems()
	case attemptEnded:
		t.ended(m)
	case Broken:
		t.fault = m.Err
		t.emit(m)
	case Event:
		t.emit(m)
	}
}

// ended processes the end of the attempt.
func (t *Tester) ended(m attemptEnded) {
	p := &t.pending
	ran, late, again := t.now.testing, t.now.late, t.now.again
	t.now.cancel()
	t.now = nil
	if ran {
		t.tested.ended = time.Now()
	}
	if t.news {
		t.news = false
		t.watch()
		t.opened.store(t.config.Memory)
	}
	switch {
	case m.held && !late:
		t.held = !again
		if t.graph == nil {
			t.watchForModule()
		}
	case m.whole && !late:
		t.forgetGone()
		for _, saves := range []map[string]watch.Change{p.earlier, p.fresh} {
			for path := range saves {
				if known, built := t.graph.fileOf(path); built && known.kind == source {
					t.shapes[path] = shapeOf(path)
				}
			}
		}
		p.all = false
		clear(p.earlier)
		clear(p.fresh)
		if ran {
			m.report.Elsewhere = 0
			for pkg, o := range t.results {
				if o.bad && !m.packages[pkg] {
					m.report.Elsewhere++
				}
			}
			t.last = m.report
			t.emit(Ended{m.report})
		}
		t.tellProblems()
	case ran:
		t.emit(Interrupted{})
	}
}

// forgetGone drops the results of packages outside the present list.
func (t *Tester) forgetGone() {
	for pkg := range t.results {
		if p := t.graph.packages[pkg]; p == nil || !p.Wanted || !p.HasTests() {
			delete(t.results, pkg)
		}
	}
}

func (t *Tester) tellProblems() {
	if now := t.results.problems(); !slices.Equal(now, t.told) {
		t.told = now
		t.emit(ProblemsNow{now})
	}
}

// watch starts watching the paths of the graph, and the files that tests have opened.
func (t *Tester) watch() {
	g := t.graph
	set := g.watched(t.opened)
	if t.config.Ignore != nil {
		ignored := t.config.Ignore(set.Dirs, set.Trees)
		_ = t.watcher.SetIgnored(context.Background(), func(path string, folder bool) bool {
			_, built := g.fileOf(path)
			return !built && ignored(path, folder)
		})
	}
	problems, err := t.watcher.Watch(context.Background(), set)
	if err != nil {
		t.emit(Broken{Err: fmt.Errorf("watch files: %w", err)})
	}
	for _, problem := range problems {
		if !errors.Is(problem.Err, os.ErrNotExist) {
			t.emit(Unwatched{problem.Path, problem.Err})
		}
	}
}

// takeEarly takes files that were saved before they were watched: written after the packages were listed; or since the
// start, if not everything is tested then.
func (t *Tester) takeEarly(m loaded) {
	since := t.since
	if t.config.AtStart {
		since = m.asked
	}
	for path := range m.graph.files {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(since) {
			t.pending.fresh[path] = watch.Change{Path: path, Op: watch.Written}
			t.pending.anew = t.pending.anew || info.ModTime().After(m.asked)
			t.interrupt()
		}
	}
}

// watchForModule watches the files that may make the packages known.
func (t *Tester) watchForModule() {
	set := watch.Set{Dirs: []string{t.config.Program.Dir}}
	for dir := t.config.Program.Dir; ; dir = filepath.Dir(dir) {
		set.Files = append(set.Files, filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.work"))
		if filepath.Dir(dir) == dir {
			break
		}
	}
	_, _ = t.watcher.Watch(context.Background(), set)
}
