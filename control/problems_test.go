package control

import (
	"reflect"
	"testing"

	"hotreload/problems"
	"hotreload/runner"
)

func TestProblemsOfServices(t *testing.T) {
	shared, own := problems.Problem{File: "/lib.go", Line: 3, Message: "x"}, problems.Problem{Message: "exit code 3"}
	for _, c := range []struct {
		name   string
		states []runner.Status
		want   []Problem
	}{
		{"none", []runner.Status{{Name: "web"}}, []Problem{}},
		{"of the only service", []runner.Status{{Problems: []problems.Problem{own}}}, []Problem{{Problem: own}}},
		{"shared ones once", []runner.Status{
			{Name: "web", Problems: []problems.Problem{shared, shared}},
			{Name: "api", Problems: []problems.Problem{own, shared}},
		}, []Problem{{[]string{"web", "api"}, shared}, {[]string{"api"}, own}}},
	} {
		if have := problemsOf(c.states); !reflect.DeepEqual(have, c.want) {
			t.Errorf("%s: have %+v, want %+v", c.name, have, c.want)
		}
	}
}
