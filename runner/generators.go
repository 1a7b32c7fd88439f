package runner

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"
)

// generators knows which rules' commands have to run, whatever comes after them, and runs them in their order, each
// once for all services that want it.
//
// A changed file makes its rule due. A rule is due until its command has succeeded after the change. Other files with
// changes while generators run are output of the generators, or read by the following build: either way, nothing has to
// start again. A generator with its own output as input runs again twice; afterwards the input counts as output, too.
type generators struct {
	rules []Rule

	mu      sync.Mutex // guards all below
	due     map[int]debt
	changes int
	seen    map[noticed]time.Time // time of the newest counted change
	runs    map[int]*generating   // rule -> its newest run
	again   map[int]int           // rule -> number of changes in a row while it ran
}

// debt has the reasons to run a rule's command.
type debt struct {
	change int            // number of the newest change
	all    bool           // every matching file: the changes are unknown
	files  map[string]int // file -> number of its newest change
}

// noticed is a file, as one of a rule.
type noticed struct {
	rule int
	path string
}

// generating is one run of a rule.
type generating struct {
	span
	done chan struct{} // closed when the run has ended
	err  error         // valid then
}

// job is a run of a rule's command: to be started, or started by another service.
type job struct {
	*generating
	rule, change int
	ours         bool     // the caller has to start the run, for everything up to this change
	all          bool     // for every matching file
	files        []string // or for these, sorted
}

// span is a period of time. The end is zero while the period lasts.
type span struct{ began, ended time.Time }

// has reports whether a file system's time may be in the span. The file system's clock is a little behind.
func (s span) has(t time.Time) bool {
	return !s.began.IsZero() && !t.Before(s.began.Add(-behind)) && (s.ended.IsZero() || !t.After(s.ended))
}

// newGenerators makes all rules with a run at the start due, because earlier changes are unknown.
func newGenerators(rules []Rule) *generators {
	g := &generators{
		rules: rules, due: map[int]debt{}, seen: map[noticed]time.Time{}, runs: map[int]*generating{},
		again: map[int]int{},
	}
	g.all(func(r Rule) bool { return r.When != AtChange })
	return g
}

// all makes rules due, for every matching file.
func (g *generators) all(which func(Rule) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, r := range g.rules {
		if r.Run != "" && which(r) {
			g.changes++
			g.due[i] = debt{change: g.changes, all: true}
		}
	}
}

// succeed takes over the debts of the generators before. A rule that existed before gets no new debt.
func (g *generators) succeed(before *generators) {
	before.mu.Lock()
	defer before.mu.Unlock()
	g.changes += before.changes
	for i, r := range g.rules {
		j := slices.IndexFunc(before.rules, func(other Rule) bool { return reflect.DeepEqual(r, other) })
		if j < 0 {
			continue
		}
		delete(g.due, i)
		if owed, due := before.due[j]; due {
			owed.files = maps.Clone(owed.files)
			g.due[i] = owed
		}
	}
}

// changed notes a changed file for these rules, and reports whether a command has to run. Each service may note the
// same change.
func (g *generators) changed(rules []int, path string, touched time.Time) (begins bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, rule := range rules {
		begins = g.owe(rule, path, touched) || begins
	}
	return begins
}

func (g *generators) owe(rule int, path string, touched time.Time) bool {
	if before, known := g.seen[noticed{rule, path}]; known && before.Equal(touched) {
		return true
	}
	run := g.runs[rule]
	switch {
	case run == nil || !run.has(touched):
		g.again[rule] = 0
	case g.again[rule] == 2:
		return false
	default:
		g.again[rule]++
	}
	g.seen[noticed{rule, path}] = touched
	g.changes++
	owed := g.due[rule]
	owed.change = g.changes
	if owed.files == nil {
		owed.files = map[string]int{}
	}
	owed.files[path] = g.changes
	g.due[rule] = owed
	return true
}

// next returns the next thing to do before a build can begin: run a rule's command, or wait for another service's run.
// ok is false if there is nothing to do.
func (g *generators) next(now time.Time) (j job, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.rules {
		owed, due := g.due[i]
		if run := g.runs[i]; run != nil && run.ended.IsZero() {
			return job{generating: run, rule: i}, true
		}
		if due {
			run := &generating{span: span{began: now}, done: make(chan struct{})}
			g.runs[i] = run
			return job{generating: run, rule: i, change: owed.change, ours: true, all: owed.all,
				files: slices.Sorted(maps.Keys(owed.files))}, true
		}
	}
	return job{}, false
}

// end notes how a run has ended. Changes since the beginning of the run are still due.
func (g *generators) end(j job, err error, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	j.ended, j.err = now, err
	if err == nil {
		owed := g.due[j.rule]
		owed.all = false
		maps.DeleteFunc(owed.files, func(_ string, change int) bool { return change <= j.change })
		g.due[j.rule] = owed
		if owed.change == j.change {
			delete(g.due, j.rule)
		}
	}
	close(j.done)
}

// idle reports whether no rule is due and no command runs.
func (g *generators) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, run := range g.runs {
		if run.ended.IsZero() {
			return false
		}
	}
	return len(g.due) == 0
}

// bringUpToDate runs the due commands, without ignored files when all matching files are wanted. bringUpToDate returns
// the first error; if ctx ends, ctx's error.
func (g *generators) bringUpToDate(ctx context.Context, env []string, ignored func(path string, dir bool) bool) error {
	for {
		j, ok := g.next(time.Now())
		switch {
		case !ok:
			return nil
		case j.ours:
			rule, files := g.rules[j.rule], j.files
			if namesFiles(rule.Run) {
				if j.all {
					files = rule.files(ignored)
				}
				files = present(files)
			}
			g.end(j, rule.generate(ctx, env, files), time.Now())
		default:
			select {
			case <-j.done:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if j.err != nil && !errors.Is(j.err, context.Canceled) { // a cancelled run is started again
			return j.err
		}
	}
}
