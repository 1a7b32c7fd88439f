package runner

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/supervisor"
)

func TestStanding(t *testing.T) {
	build, crash := problems.Problem{Message: "build"}, problems.Problem{Message: "crash", File: "/a.go", Line: 1}
	var s standing
	is := func(what string, stale bool, want ...problems.Problem) {
		t.Helper()
		have, _ := s.now(stale)
		same := have != nil && len(have) == len(want)
		for i := 0; same && i < len(want); i++ {
			same = have[i] == want[i]
		}
		if !same {
			t.Errorf("%s: have %+v, want %+v", what, have, want)
		}
	}
	exits := func(generation int, state supervisor.State, found ...problems.Problem) {
		s.hear(supervisor.Exited{Worker: supervisor.Worker{Generation: generation}, State: state}, found, 2, 1)
	}
	is("at the start", false)
	s.failed = []problems.Problem{build}
	is("a failed build", true, build)
	is("that was repaired", false)
	exits(1, supervisor.Stable, crash)
	exits(1, supervisor.Stable, crash)
	is("the same crash twice", false, crash)
	is("and the next save does not build", true, build, crash)
	s.hear(supervisor.Serving{Generation: 1}, nil, 1, 1)
	is("it serves again", false, crash)
	exits(2, supervisor.Starting)
	is("the newest exits before it is ready", true, problems.Problem{Message: "exit code 0", Tool: "hotreload"}, crash)
	exits(2, supervisor.Starting, build)
	is("or panics", true, build, crash)
	s.hear(supervisor.Failed{}, []problems.Problem{crash}, 2, 1)
	is("one problem for two reasons", true, crash)
	s.hear(supervisor.Serving{Generation: 2}, nil, 2, 1)
	is("another generation serves", false)
	s.found = []problems.Problem{build}
	is("in the settings", false, build)
	s.tests = []problems.Problem{crash, build}
	is("of tests, too", false, build, crash)
	if _, byTests := s.now(false); len(byTests) != 1 || byTests[0] != crash {
		t.Errorf("found by tests alone: have %+v", byTests)
	}
}

func TestProblemsOf(t *testing.T) {
	place := problems.Problem{File: "/a.go", Line: 3, Column: 4, Message: "x", Package: "p", Tool: problems.Go}
	for _, c := range []struct {
		name string
		err  error
		want problems.Problem
	}{
		{"of the compiler", &gobuild.BuildError{Diagnostics: []gobuild.Diagnostic{
			{File: "/a.go", Line: 3, Col: 4, Text: "x", Package: "p"}}}, place},
		{"without a place", &gobuild.BuildError{Text: "no luck\n"}, problems.Problem{Message: "build: no luck", Tool: "go"}},
		{"of a rule", &GeneratorError{Run: "templ generate", Problems: []problems.Problem{place}}, place},
		{"of a rule, without a place", &GeneratorError{Run: "A=1 /bin/templ generate", Why: "exit code 1", Output: "no\n"},
			problems.Problem{Message: "A=1 /bin/templ generate: exit code 1\nno", Tool: "templ"}},
		{"of the go command", &gobuild.Error{Text: "no cache"}, problems.Problem{Message: "no cache", Tool: "go"}},
		{"another", errors.New("no disk"), problems.Problem{Message: "no disk", Tool: "hotreload"}},
	} {
		if have := problemsOf(c.err); len(have) != 1 || have[0] != c.want {
			t.Errorf("%s: have %+v, want %+v", c.name, have, c.want)
		}
	}
}

func TestProblemsOfARule(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.sql"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	output := "a.sql:2:3: bad\nb.sql:2:3: not there\nbad: b.sql(7)\n"
	for _, c := range []struct {
		name     string
		patterns []string
		want     problems.Problem
	}{
		{"as usual", nil,
			problems.Problem{File: filepath.Join(dir, "a.sql"), Line: 2, Column: 3, Message: "bad", Tool: "sqlc"}},
		{"by a pattern", []string{`^(?P<message>.*): (?P<file>[^(]+)\((?P<line>\d+)\)$`},
			problems.Problem{File: filepath.Join(dir, "b.sql"), Line: 7, Message: "bad", Tool: "sqlc"}},
	} {
		rule := Rule{Root: dir, Run: "sqlc generate", Problems: c.patterns}
		if have := rule.problems(output); len(have) != 1 || have[0] != c.want {
			t.Errorf("%s: have %+v, want %+v", c.name, have, c.want)
		}
	}
}

func TestOwnFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.25\n", "main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	graph, err := gobuild.Load(t.Context(), gobuild.Program{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(dir, "main.go")
	for _, c := range []struct{ name, file, want string }{
		{"a source file", main, main},
		{"with -trimpath", "example.com/app/main.go", main},
		{"that a //line comment names", filepath.Join(dir, "page.templ"), filepath.Join(dir, "page.templ")},
		{"of another folder", filepath.Join(filepath.Dir(dir), "other", "x.go"), ""},
		{"of the agent", filepath.Join(dir, "internal", "hotreload_agent", "gate.go"), ""},
		{"of a library, with -trimpath", "example.com/lib@v1.0.0/lib.go", ""},
		{"of the runtime", "/usr/local/go/src/runtime/panic.go", ""},
	} {
		have, pkg, own := ownFile(graph, c.file)
		if own != (c.want != "") || own && have != c.want || c.want == main && pkg != "example.com/app" {
			t.Errorf("%s: have %q in %q (%v), want %q", c.name, have, pkg, own, c.want)
		}
	}
}
