package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/watch"
)

func TestRuleMatches(t *testing.T) {
	root := filepath.FromSlash("/m")
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"**/*.templ", "/m/a.templ", true},
		{"**/*.templ", "/m/x/y/a.templ", true},
		{"*.templ", "/m/x/a.templ", false},
		{"x/y.txt", "/m/x/y.txt", true},
		{"assets/**", "/m/assets/a/b", true},
		{"**", "/other/a", false},
		{"**", "/m/..a", true},
		{"**/*.{sql,yaml}", "/m/q/a.sql", true},
	} {
		r := Rule{Root: root, Match: []string{"nothing", c.pattern}}
		if have := r.matches(filepath.FromSlash(c.path)); have != c.want {
			t.Errorf("%s, %s: have %v", c.pattern, c.path, have)
		}
	}
	rules := []Rule{{Root: root, Match: []string{"**"}}, {Root: root, Match: []string{"*.go"}}}
	for path, want := range map[string]int{"/m/a.go": 1, "/m/x": 0, "/x": -1} {
		if have := ruleFor(rules, filepath.FromSlash(path)); have != want {
			t.Errorf("%s: rule %d, want %d", path, have, want)
		}
	}
}

func TestRuleIsWatched(t *testing.T) {
	var set watch.Set
	Rule{Root: filepath.FromSlash("/m"), Match: []string{"**/*.templ", "css/*.css", "x/y.txt", "a/{b,c}/d"}}.watched(&set)
	want := watch.Set{Trees: []string{"/m", "/m/a"}, Dirs: []string{"/m/css"}, Files: []string{"/m/x/y.txt"}}
	for _, list := range [][]string{want.Trees, want.Dirs, want.Files} {
		for i := range list {
			list[i] = filepath.FromSlash(list[i])
		}
	}
	if !reflect.DeepEqual(set, want) {
		t.Errorf("have %+v, want %+v", set, want)
	}
}

func TestGenerate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of sh")
	}
	dir := t.TempDir()
	rule := func(run string) Rule { return Rule{Root: dir, Run: run, Timeout: time.Minute} }
	if err := rule(`echo "$X" > out`).generate(t.Context(), []string{"X=y", "PATH=" + os.Getenv("PATH")}); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "out")); string(text) != "y\n" {
		t.Errorf("have %q, %v", text, err)
	}
	var failed *GeneratorError
	if err := rule("echo out; echo err >&2; exit 3").generate(t.Context(), os.Environ()); !errors.As(err, &failed) ||
		err.Error() != "echo out; echo err >&2; exit 3: exit code 3\nout\nerr" {
		t.Errorf("have %v", err)
	}
	hangs := rule("echo begun; sleep 600 & sleep 600")
	hangs.Timeout = 200 * time.Millisecond
	if err := hangs.generate(t.Context(), os.Environ()); !errors.As(err, &failed) || !strings.Contains(err.Error(), "no end after 200ms: killed\nbegun") {
		t.Errorf("have %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := rule("sleep 600").generate(ctx, os.Environ()); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b := file("a", "ONE=a\nTWO='a b' # comment\nexport THREE=\"x\\ny\"\nHOME=no\n"), file("b", "ONE=b\n")
	env, err := environment([]string{"HOME=yes"}, []string{a, b, filepath.Join(dir, "missing")})
	slices.Sort(env)
	if want := []string{"HOME=yes", "ONE=b", "THREE=x\ny", "TWO=a b"}; err != nil || !slices.Equal(env, want) {
		t.Errorf("have %q, %v; want %q", env, err, want)
	}
	if _, err := environment(nil, []string{file("broken", "no equals sign\n")}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("have %v", err)
	}
}
