package runner

import (
	"context"
	"errors"
	"sync"
	"time"
)

// generators keeps account of which rules have to be run before the next build, and runs them, each once for all
// services that want it.
//
// A file that changes makes its rule due, and a rule is due until it has succeeded after the change. What else changes
// while generators run is what they write, or will be read by the build that follows: either way it is no reason to
// begin anew. A generator that writes what it reads is run again twice, and then that is taken for its output too.
type generators struct {
	rules []Rule

	mu      sync.Mutex // guards all below
	due     map[int]int
	changes int
	seen    map[string]time.Time // rule's file -> when its newest change that was counted was made
	runs    map[int]*generating  // rule -> its newest run
	again   map[int]int          // rule -> how often in a row its files have changed while it ran
}

// generating is one run of a rule.
type generating struct {
	span
	done chan struct{} // closed when it has ended
	err  error         // valid then
}

// span is a stretch of time; one that has not ended has no end.
type span struct{ began, ended time.Time }

// has reports whether a file system's time may lie in the span: its clock is a little behind.
func (s span) has(t time.Time) bool {
	return !s.began.IsZero() && !t.Before(s.began.Add(-behind)) && (s.ended.IsZero() || !t.After(s.ended))
}

func newGenerators(rules []Rule) *generators {
	g := &generators{rules: rules, due: map[int]int{}, seen: map[string]time.Time{}, runs: map[int]*generating{}, again: map[int]int{}}
	g.all()
	return g
}

// all makes every rule due: nobody knows what changed before we were started.
func (g *generators) all() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, r := range g.rules {
		if r.Run != "" {
			g.changes++
			g.due[i] = g.changes
		}
	}
}

// isOne reports whether a rule is one that runs something.
func (g *generators) isOne(rule int) bool { return rule >= 0 && g.rules[rule].Run != "" }

// changed notes that a file of a rule was touched, and reports whether that is a reason to begin a build. The same change
// may be noted by each service.
func (g *generators) changed(rule int, path string, touched time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if before, known := g.seen[path]; known && before.Equal(touched) {
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
	g.seen[path] = touched
	g.changes++
	g.due[rule] = g.changes
	return true
}

// next is what is to be done before a build can begin: run a rule, for its changes up to this one, or wait for the run
// of somebody else. rule is -1 if there is nothing.
func (g *generators) next(now time.Time) (rule, change int, run *generating, ours bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.rules {
		change, due := g.due[i]
		if run := g.runs[i]; run != nil && run.ended.IsZero() {
			return i, change, run, false
		}
		if due {
			run := &generating{span: span{began: now}, done: make(chan struct{})}
			g.runs[i] = run
			return i, change, run, true
		}
	}
	return -1, 0, nil, false
}

// end notes how a run has ended.
func (g *generators) end(rule, change int, run *generating, err error, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	run.ended, run.err = now, err
	if err == nil && g.due[rule] == change {
		delete(g.due, rule)
	}
	close(run.done)
}

// idle reports whether nothing is due and nothing runs.
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

// bringUpToDate runs what is due. It returns the first error; if ctx ends, ctx's.
func (g *generators) bringUpToDate(ctx context.Context, env []string) error {
	for {
		rule, change, run, ours := g.next(time.Now())
		switch {
		case rule < 0:
			return nil
		case ours:
			g.end(rule, change, run, g.rules[rule].generate(ctx, env), time.Now())
		default:
			select {
			case <-run.done:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if run.err != nil && !errors.Is(run.err, context.Canceled) { // else who ran it wants it no more, and we do
			return run.err
		}
	}
}
