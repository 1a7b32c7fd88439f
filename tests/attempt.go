package tests

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/watch"
)

// attempt runs the pending tests, from listing the packages to the last step. Its goroutine shares nothing with the
// owner: the fields are copies, and results are sent.
type attempt struct {
	config         Config
	graph          *graph
	fresh, earlier []watch.Change
	all, anew      bool
	failing        map[string][]string
	opened         opened
	shapes         shapes
	began          time.Time

	cancel  context.CancelFunc // called by the owner
	testing bool               // the owner's: go test is running
	late    bool               // the owner's: a newer save has come
	again   bool               // the owner's: Go was called
}

// Messages from an attempt to the owner, beside events.
type (
	loaded struct {
		graph *graph
		asked time.Time
		first bool // until now, the packages were not known
	}
	begun  struct{ what Started }
	tested struct {
		outcome
		only []string
	}
	openedNow struct {
		pkg   string
		paths []string
		some  bool // only some tests of the package ran
	}
	attemptEnded struct {
		held     bool // tests wait: for the service, or because go cannot run them
		whole    bool // all packages were tested
		report   Report
		packages map[string]bool // the tested packages
	}
)

func newAttempt(t *Tester, cancel context.CancelFunc) *attempt {
	p := &t.pending
	return &attempt{
		config: t.config, graph: t.graph, fresh: slices.Collect(maps.Values(p.fresh)),
		earlier: slices.Collect(maps.Values(p.earlier)), all: p.all, anew: p.anew, failing: t.results.failing(),
		opened: t.opened, shapes: maps.Clone(t.shapes), began: p.began, cancel: cancel,
	}
}

// run sends its results on came, and attemptEnded as the last message.
func (a *attempt) run(ctx context.Context, came chan<- any) {
	end := attemptEnded{packages: map[string]bool{}}
	defer func() { came <- end }()
	if a.config.Hold != nil {
		serves := a.config.Hold(ctx)
		if ctx.Err() != nil {
			return
		}
		if end.held = !serves && !a.onlyTests(); end.held {
			return
		}
	}
	before := a.graph
	if a.anew {
		m, err := load(ctx, a.config.Program)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			came <- Broken{Err: err, First: before == nil}
			end.held = true
			return
		default:
			m.first = before == nil
			a.graph = m.graph
			came <- m
		}
	}
	w := a.wish(before)
	steps := order(a.graph, w)
	end.report = Report{Files: filesOf(w)}
	if len(steps) == 0 {
		end.whole = ctx.Err() == nil
		if len(end.report.Files) > 0 && end.whole {
			came <- Unreached{end.report.Files}
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	for _, s := range steps {
		for _, pkg := range s.packages {
			end.packages[pkg] = true
		}
	}
	came <- begun{Started{Files: end.report.Files, Packages: len(end.packages)}}
	outcomes := map[string]outcome{}
	for _, s := range steps {
		if ran := a.step(ctx, s, outcomes, came); ctx.Err() != nil {
			return
		} else if !ran {
			end.held = true
			return
		}
	}
	end.whole = true
	end.report.count(outcomes)
	end.report.Total = time.Since(a.began)
}

// count adds up the outcomes of packages.
func (r *Report) count(outcomes map[string]outcome) {
	r.Packages = len(outcomes)
	for _, o := range outcomes {
		r.Passed, r.Failed, r.Skipped = r.Passed+o.passed, r.Failed+o.failed, r.Skipped+o.skipped
		if o.bad {
			r.Bad++
		}
	}
}

// wish returns the input of order for the present graph. A new package counts as saved.
func (a *attempt) wish(before *graph) wish {
	w := wish{all: a.all, failing: a.failing, whole: a.config.Flags.has(choosing...),
		inFile: func(path string) []string { return sortedKeys(testsIn(path)) }}
	touched := func(changes []watch.Change) (list []saved) {
		for _, change := range changes {
			reached, _ := a.graph.touch(change, a.opened)
			for i := range reached {
				reached[i].same = reached[i].kind == source && a.shapes.bodiesOnly(change)
			}
			list = append(list, reached...)
		}
		return list
	}
	w.fresh, w.earlier = touched(a.fresh), touched(a.earlier)
	if before == nil {
		return w
	}
	for path, p := range a.graph.packages {
		if before.packages[path] == nil && len(p.Sources)+len(p.Tests) > 0 {
			w.fresh = append(w.fresh, saved{path: slices.Concat(p.Sources, p.Tests)[0], kind: source, pkg: path})
		}
	}
	return w
}

// filesOf lists the saved files, the last ones first.
func filesOf(w wish) (files []string) {
	for _, s := range slices.Concat(w.fresh, w.earlier) {
		if !slices.Contains(files, s.path) {
			files = append(files, s.path)
		}
	}
	return files
}

// onlyTests reports whether every saved file is a file of tests.
func (a *attempt) onlyTests() bool {
	other := func(c watch.Change) bool { return !strings.HasSuffix(c.Path, "_test.go") }
	return len(a.fresh)+len(a.earlier) > 0 && !slices.ContainsFunc(a.fresh, other) &&
		!slices.ContainsFunc(a.earlier, other)
}

// step runs one step. The result is false if the step was interrupted, or go test did not run.
func (a *attempt) step(ctx context.Context, s step, outcomes map[string]outcome, came chan<- any) bool {
	cmd, err := a.config.Program.GoCommand(a.config.Flags.args(s, a.config.Low)...)
	if err != nil {
		came <- Broken{Err: err}
		return false
	}
	reader, heard := newReader(a.graph.places(a.config.Program.Dir)), false
	space := &workspace{keep: a.config.Flags.has("work")}
	defer space.remove()
	learn := func(pkg string) {
		if paths, known := a.openedIn(space.log(pkg), pkg); known {
			came <- openedNow{pkg, paths, s.only != nil}
		}
	}
	took := func(o outcome) {
		heard = true
		learn(o.pkg)
		if s.only == nil {
			outcomes[o.pkg] = o
		}
		came <- tested{o, s.only}
	}
	hear := func(e event) {
		if ctx.Err() != nil {
			return // last words of a killed process
		}
		if e.Action == "build-output" && e.ImportPath == "" && space.told(e.Output) {
			return
		}
		failed, ended := reader.hear(e)
		if failed != nil {
			came <- Failed{*failed}
		}
		if ended != nil {
			took(*ended)
		}
	}
	err = goTest(ctx, cmd, a.config.Low, hear, func(text string) {
		for line := range strings.Lines(text) {
			if !space.told(line) {
				reader.stray.WriteString(line)
			}
		}
	})
	if ctx.Err() != nil {
		return false
	}
	for _, pkg := range space.unread(s.packages) { // before Go 1.24
		learn(pkg)
	}
	for _, o := range reader.finish() {
		for _, f := range o.failures {
			if len(f.Problems) > 0 {
				came <- Failed{f}
			}
		}
		took(o)
	}
	if text := tidy(reader.stray.String()); !heard && (err != nil || text != "") {
		came <- Broken{Err: &GoError{err, text}}
		return false
	}
	return true
}

// openedIn returns the paths in a log of a package's tests that matter: in the modules, and not what reaches the
// package anyway.
func (a *attempt) openedIn(log, pkg string) (paths []string, known bool) {
	p := a.graph.packages[pkg]
	if p == nil {
		return nil, false
	}
	wanted := func(path string) bool {
		owner, testdata := a.graph.owner(path)
		mine := a.graph.files[path]
		git := strings.Contains(path, string(filepath.Separator)+".git"+string(filepath.Separator))
		return a.graph.rootOf(path) != "" && !git && filepath.Base(path) != ".git" &&
			!(testdata && owner == pkg) && mine.pkg != pkg && mine.kind != module
	}
	return inLog(log, p.Dir, wanted, isFolder)
}

// GoError means: `go test` has run no test.
type GoError struct {
	Err  error // may be nil
	Text string
}

func (e *GoError) Error() string {
	switch {
	case e.Text != "":
		return e.Text
	case e.Err != nil:
		return e.Err.Error()
	}
	return "go test has tested nothing"
}

func (e *GoError) Unwrap() error { return e.Err }

// load lists the packages.
func load(ctx context.Context, p gobuild.Program) (loaded, error) {
	asked := time.Now()
	listed, err := gobuild.LoadTests(ctx, p)
	if err != nil {
		return loaded{}, err
	}
	g := newGraph(listed)
	g.takeHeaders(asked)
	return loaded{graph: g, asked: asked}, nil
}
