package tests

import (
	"slices"
	"time"

	"hotreload/problems"
)

// Event is news of a Tester. A sent event never changes.
type Event interface{ event() }

type (
	// Started: tests run for these files; no files: all tests run.
	Started struct {
		Files    []string
		Packages int
	}

	// Failed: a test has failed. Sent at once, for every failure.
	Failed struct{ Failure }

	// Tested: the tests of a package have ended.
	Tested struct {
		Package string
		Passed  bool
		Tests   int // top-level tests
	}

	// Ended: all packages affected by the saves were tested.
	Ended struct{ Report }

	// Interrupted: a newer save has ended the tests.
	Interrupted struct{}

	// Unreached: these files affect no test.
	Unreached struct{ Files []string }

	// Broken: go test did not run, or go list failed.
	Broken struct {
		Err   error
		First bool // the packages have never been known
	}

	// Unwatched: hotreload cannot watch a path properly.
	Unwatched struct {
		Path string
		Err  error
	}

	// ProblemsNow: all present problems found by tests, possibly none. Sent after each change of the list.
	ProblemsNow struct{ All []problems.Problem }
)

func (Started) event()     {}
func (Failed) event()      {}
func (Tested) event()      {}
func (Ended) event()       {}
func (Interrupted) event() {}
func (Unreached) event()   {}
func (Broken) event()      {}
func (Unwatched) event()   {}
func (ProblemsNow) event() {}

// Report is the result of an uninterrupted run.
type Report struct {
	Files                   []string      // the saved files; none: all tests ran
	Packages, Bad           int           // numbers of tested and of failed packages
	Passed, Failed, Skipped int           // top-level tests
	Elsewhere               int           // packages that failed before and that the saves do not affect
	Total                   time.Duration // from the first save to the end; from the start, if all tests ran
}

// OK reports whether no failure is known.
func (r Report) OK() bool { return r.Bad+r.Elsewhere == 0 }

// results has the last outcome of each package. The Tester owns the map.
type results map[string]outcome

// take stores the outcome of a step: of the tests in only, or of all tests if only is nil.
func (r results) take(o outcome, only []string) {
	if only == nil {
		r[o.pkg] = o
		return
	}
	before := r[o.pkg]
	before.pkg = o.pkg
	before.failures = slices.DeleteFunc(slices.Clone(before.failures), func(f Failure) bool {
		return f.Test == "" || slices.Contains(only, top(f.Test))
	})
	before.failures = append(before.failures, o.failures...)
	before.bad = o.bad || len(before.failures) > 0
	r[o.pkg] = before
}

// failing returns the failed packages, each with its failed top-level tests.
func (r results) failing() map[string][]string {
	all := map[string][]string{}
	for pkg, o := range r {
		if !o.bad {
			continue
		}
		all[pkg] = []string{}
		for _, f := range o.failures {
			if name := top(f.Test); name != "" && !slices.Contains(all[pkg], name) {
				all[pkg] = append(all[pkg], name)
			}
		}
	}
	return all
}

// problems lists the problems found by tests, by package, without repetitions.
func (r results) problems() []problems.Problem {
	found := []problems.Problem{}
	for _, pkg := range sortedKeys(r) {
		for _, f := range r[pkg].failures {
			for _, p := range f.Problems {
				if !slices.Contains(found, p) {
					found = append(found, p)
				}
			}
		}
	}
	return found
}
