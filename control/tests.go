package control

import (
	"context"
	"errors"
	"time"

	"hotreload/problems"
	"hotreload/tests"
)

// Tests is the result of tests on save.
type Tests struct {
	OK       bool `json:"ok"`       // nothing is known to fail
	Packages int  `json:"packages"` // tested last
	Passed   int  `json:"passed"`   // tests of them
	Failed   int  `json:"failed"`
	Skipped  int  `json:"skipped"`

	Waits    bool               `json:"waits"` // something saved is not tested: it does not serve, or Error
	Error    string             `json:"error"` // why go has tested nothing; "" if it has
	Problems []problems.Problem `json:"diagnostics"`
}

// ErrNoTests means that tests do not run on save.
var ErrNoTests = errors.New("tests on save are off")

// tests waits until the tests of what was saved have ended.
func (s *Server) tests(ctx context.Context) (*Tests, error) {
	if s.options.Tests == nil {
		return nil, bad(ErrNoTests)
	}
	o, err := s.options.Tests(ctx)
	if errors.Is(err, ErrNoTests) {
		return nil, bad(err)
	}
	if err != nil {
		return nil, err
	}
	t := &Tests{OK: o.OK(), Packages: o.Report.Packages, Passed: o.Report.Passed, Failed: o.Report.Failed,
		Skipped: o.Report.Skipped, Waits: o.Held, Problems: append([]problems.Problem{}, o.Problems...)}
	if o.Err != nil {
		t.Error = o.Err.Error()
	}
	return t, nil
}

// TellTests takes an event of tests on save.
func (j *Journal) TellTests(event tests.Event) {
	n, ok := testNews(event)
	if !ok {
		return
	}
	n.Time = time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pass(n)
}

// testNews converts an event; ok is false for an event that is told otherwise, or of no use to programs.
func testNews(event tests.Event) (n News, ok bool) {
	switch e := event.(type) {
	case tests.Started:
		return News{Event: "tests_started", Packages: e.Packages}, true
	case tests.Failed:
		return News{Event: "test_failed", Package: e.Package, Test: e.Test, Diagnostics: e.Problems}, true
	case tests.Ended:
		n := News{Event: "tests_ended", Packages: e.Packages, Passed: e.Passed, Failed: e.Report.Failed, Text: "pass",
			Took: milliseconds(e.Total)}
		if !e.OK() {
			n.Text = "fail"
		}
		return n, true
	case tests.Interrupted:
		return News{Event: "tests_interrupted"}, true
	case tests.Broken:
		return News{Event: "tests_broken", Text: e.Err.Error()}, true
	}
	return News{}, false
}
