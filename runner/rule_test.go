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

// TestGenerators: what is run before which build.
func TestGenerators(t *testing.T) {
	live := Live
	rules := []Rule{{Match: []string{"a"}, Run: "a"}, {Match: []string{"b"}, Class: &live}, {Match: []string{"c"}, Run: "c"}}
	ruled := func(orders []order) (which []int) {
		for _, o := range orders {
			which = append(which, o.rule)
		}
		return which
	}
	now := time.Unix(1e9, 0)
	tick := func() time.Time { now = now.Add(time.Second); return now }
	g := newGenerators(rules)
	first := g.begin(now)
	if have := ruled(first); !slices.Equal(have, []int{0, 2}) {
		t.Errorf("at the start %v is run, want all", have)
	}
	if g.changed(-1, tick()) || g.changed(1, now) {
		t.Error("what is written while generators run begins a build anew")
	}
	g.done(first, tick())
	if !g.changed(-1, tick()) {
		t.Error("other files begin no build")
	}
	if have := ruled(g.begin(now)); have != nil {
		t.Errorf("%v is run for nothing", have)
	}
	g.done(nil, now)

	if !g.changed(0, tick()) {
		t.Error("a rule's file begins no build")
	}
	orders := g.begin(tick())
	if have := ruled(orders); !slices.Equal(have, []int{0}) {
		t.Errorf("%v is run, want 0", have)
	}
	g.end(tick()) // it has failed: the next build runs it again
	if have := ruled(g.begin(tick())); !slices.Equal(have, []int{0}) {
		t.Errorf("after a failure %v is run, want 0", have)
	}
	// A save while it runs: the build begins anew, and the rule is still due when the first run succeeds after all.
	if !g.changed(0, tick()) {
		t.Error("a save while it runs is lost")
	}
	g.done(orders, tick())
	if have := ruled(g.begin(tick())); !slices.Equal(have, []int{0}) {
		t.Errorf("after a save while it ran %v is run, want 0", have)
	}
	// It writes its own input, and that is heard of only when it has ended: that comes to an end.
	began := 0
	for range 10 {
		wrote := tick()
		g.done(g.begin(wrote), tick())
		if !g.changed(0, wrote) {
			break // nothing is due, so nothing will write
		}
		began++
	}
	if began > 2 {
		t.Errorf("a generator that writes its own input is begun anew %d times", began)
	}
	g.done(g.begin(tick()), tick())
	if !g.changed(0, tick()) {
		t.Error("afterwards a save is not heard of")
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
