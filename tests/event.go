package tests

import (
	"slices"
	"time"

	"hotreload/problems"
)

// Event is news of a Tester: a value that does not change after it was sent.
type Event interface{ event() }

type (
	// Started: tests run for these files; none: everything is tested.
	Started struct {
		Files    []string
		Packages int
	}

	// Failed: a test has failed. Sent at once, each time that the test fails.
	Failed struct{ Failure }

	// Tested: the tests of a package have ended.
	Tested struct {
		Package string
		Passed  bool
		Tests   int // top-level ones
	}

	// Ended: everything that the saves reach was tested.
	Ended struct{ Report }

	// Interrupted: a newer save has ended the tests.
	Interrupted struct{}

	// Unreached: no test is reached by these files.
	Unreached struct{ Files []string }

	// Broken: go test did not run, or the packages cannot be listed.
	Broken struct {
		Err   error
		First bool // the packages have never been known
	}

	// Unwatched: a path cannot be watched as it should.
	Unwatched struct {
		Path string
		Err  error
	}

	// ProblemsNow: the present problems that tests have found; there may be none. Sent whenever they change.
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

// Report is the result of a run that was not interrupted.
type Report struct {
	Files                   []string      // that were saved; none: everything was tested
	Packages, Bad           int           // that were tested, and that failed of them
	Passed, Failed, Skipped int           // top-level tests
	Elsewhere               int           // packages that failed before, and that the saves do not reach
	Total                   time.Duration // since the first save; since the start, if everything was tested
}

// OK reports whether nothing is known to fail.
func (r Report) OK() bool { return r.Bad+r.Elsewhere == 0 }

// results is what is known about each package. The Tester owns it.
type results map[string]outcome

// take takes the outcome of a step: of some tests of the package, or of all.
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

// failing returns the packages that failed, with the top-level tests that did.
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

// problems lists what the tests have found, by package, each problem once.
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
