package control

import (
	"context"
	"errors"
	"testing"

	"hotreload/problems"
	"hotreload/tests"
)

// TestTestsAnswer: the answer of wait --tests, also from a hotreload without tests.
func TestTestsAnswer(t *testing.T) {
	wrong := []problems.Problem{{Message: "x"}}
	for _, c := range []struct {
		name    string
		outcome tests.Outcome
		want    Tests // without its numbers and problems
	}{
		{"nothing was saved", tests.Outcome{}, Tests{OK: true}},
		{"they pass", tests.Outcome{Report: tests.Report{Packages: 2, Passed: 3}}, Tests{OK: true}},
		{"one fails", tests.Outcome{Report: tests.Report{Packages: 2, Bad: 1, Failed: 1}, Problems: wrong}, Tests{}},
		{"one failed before", tests.Outcome{Report: tests.Report{Packages: 2, Elsewhere: 1}, Problems: wrong}, Tests{}},
		{"they wait", tests.Outcome{Held: true}, Tests{Waits: true}},
		{"go runs none", tests.Outcome{Held: true, Err: errors.New("no")}, Tests{Waits: true, Error: "no"}},
	} {
		s := &Server{options: Options{Tests: func(context.Context) (tests.Outcome, error) { return c.outcome, nil }}}
		have, err := s.tests(t.Context())
		if err != nil || have.OK != c.want.OK || have.Waits != c.want.Waits || have.Error != c.want.Error ||
			have.Problems == nil || len(have.Problems) != len(c.outcome.Problems) ||
			have.Packages != c.outcome.Report.Packages {
			t.Errorf("%s: have %+v, %v", c.name, have, err)
		}
	}
	if _, err := (&Server{}).tests(t.Context()); !errors.Is(err, ErrBad) {
		t.Errorf("without tests: have %v", err)
	}
	off := func(context.Context) (tests.Outcome, error) { return tests.Outcome{}, ErrNoTests }
	if _, err := (&Server{options: Options{Tests: off}}).tests(t.Context()); !errors.Is(err, ErrBad) {
		t.Errorf("while they are off: have %v", err)
	}
}
