package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestGenerators: the commands before each build.
func TestGenerators(t *testing.T) {
	live := Live
	rules := []Rule{{Root: "/", Match: []string{"a*"}, Run: "a"}, {Root: "/", Match: []string{"b*"},
		Class: &live}, {Root: "/", Match: []string{"c*"}, Run: "c"}}
	now := time.Unix(1e9, 0)
	tick := func() time.Time { now = now.Add(time.Second); return now }
	g := newGenerators(rules)
	file := func() string { return fmt.Sprint("/a", now.Unix()) } // another one each time
	failed := errors.New("failed")
	runAll := func(err error) (which []int) {
		for {
			j, ok := g.next(tick())
			if !ok {
				return which
			}
			if !j.ours {
				t.Fatal("it waits for a run that has ended")
			}
			which = append(which, j.rule)
			g.end(j, err, tick())
			if err != nil {
				return which
			}
		}
	}
	if have := runAll(nil); !slices.Equal(have, []int{0, 2}) || !g.idle() {
		t.Errorf("at the start %v is run, want all", have)
	}
	if have := runAll(nil); have != nil {
		t.Errorf("%v is run for nothing", have)
	}

	if !noteChange(g, file(), tick()) || g.idle() {
		t.Error("a rule's file begins no build")
	}
	if have := runAll(failed); !slices.Equal(have, []int{0}) {
		t.Errorf("%v is run, want 0", have)
	}
	// After a failure, the next build runs the command again. After a save while the command runs, the rule is still
	// due when the run succeeds.
	j, _ := g.next(tick())
	if j.rule != 0 || !j.ours {
		t.Errorf("after a failure %d is run, want 0", j.rule)
	}
	if !noteChange(g, file(), tick()) {
		t.Error("a save while it runs is lost")
	}
	if again, _ := g.next(tick()); again.rule != 0 || again.ours || again.generating != j.generating {
		t.Error("two run the same rule at the same time")
	}
	g.end(j, nil, tick())
	if have := runAll(nil); !slices.Equal(have, []int{0}) {
		t.Errorf("after a save while it ran %v is run, want 0", have)
	}

	// Two services note the same change.
	saved := tick()
	first, second := noteChange(g, "/c", saved), noteChange(g, "/c", saved)
	if have := runAll(nil); !first || !second || !slices.Equal(have, []int{2}) {
		t.Errorf("for two services %v is run; %v, %v", have, first, second)
	}
	if !noteChange(g, "/c", saved) || !g.idle() {
		t.Error("a service that notes it late builds, and runs nothing")
	}

	// The command writes its own input, and the change is heard after the end of the run: the repetition ends.
	if noteChange(g, file(), tick()); len(runAll(nil)) != 1 {
		t.Error("a save is not heard of")
	}
	began := 0
	for range 10 {
		if !noteChange(g, file(), g.runs[0].began.Add(time.Millisecond)) {
			break
		}
		began++
		tick()
		runAll(nil)
	}
	if began > 2 {
		t.Errorf("a generator that writes its own input is begun anew %d times", began)
	}
	if !noteChange(g, file(), tick()) {
		t.Error("afterwards a save is not heard of")
	}
}

// TestGeneratorsOfSeveral: services with the same due rule share the run, and a service that gives up leaves the run to
// the others.
func TestGeneratorsOfSeveral(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is one of sh")
	}
	dir := t.TempDir()
	g := newGenerators([]Rule{{Root: dir, Run: "echo run >> log; while ! test -e go; do sleep 0.01; done",
		Timeout: time.Minute}})
	begun := func(n int) {
		for {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			if strings.Count(string(text), "run") >= n {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	ctx, giveUp := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := g.bringUpToDate(ctx, os.Environ(), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("the one that gave up: %v", err)
		}
	})
	begun(1)
	for range 3 {
		all.Go(func() {
			if err := g.bringUpToDate(t.Context(), os.Environ(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	giveUp()
	begun(2)
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if text, _ := os.ReadFile(filepath.Join(dir, "log")); string(text) != "run\nrun\n" {
		t.Errorf("it ran %d times, want twice: once for the one that gave up, once for the others",
			strings.Count(string(text), "run"))
	}
}

// TestGeneratorsOwe: the files and the order of the rules' runs.
func TestGeneratorsOwe(t *testing.T) {
	now := time.Unix(1e9, 0)
	tick := func() time.Time { now = now.Add(time.Second); return now }
	rules := []Rule{
		{Root: "/", Match: []string{"*.css"}, Run: "first {files}", When: AtChange},
		{Root: "/", Match: []string{"*.css", "*.js"}, Run: "second"},
		{Run: "install", When: AtStart},
		{Root: "/", Match: []string{"*.css"}, Run: "at the start", When: AtStart},
	}
	g := newGenerators(rules)
	next := func(err error) string {
		j, ok := g.next(tick())
		if !ok {
			return ""
		}
		g.end(j, err, tick())
		return fmt.Sprint(j.rule, j.all, j.files)
	}
	expect := func(when string, err error, want ...string) {
		t.Helper()
		for _, want := range append(want, "") {
			if have := next(err); have != want {
				t.Errorf("%s: have %q, want %q", when, have, want)
			}
		}
	}
	expect("at the start", nil, "1 true []", "2 true []", "3 true []")
	for _, path := range []string{"/b.css", "/a.js", "/a.css"} {
		noteChange(g, path, tick())
	}
	expect("after a change", nil, "0 false [/a.css /b.css]", "1 false [/a.css /a.js /b.css]")
	if noteChange(g, "/a.go", tick()) || !g.idle() {
		t.Error("what no rule is for makes one due")
	}

	// After a failed run, its files are still due; after success, only the files changed since the start of the run.
	noteChange(g, "/a.css", tick())
	if have := next(errors.New("failed")); have != "0 false [/a.css]" {
		t.Errorf("have %q", have)
	}
	noteChange(g, "/b.css", tick())
	j, _ := g.next(tick())
	noteChange(g, "/c.css", tick())
	g.end(j, nil, tick())
	expect("afterwards", nil, "0 false [/c.css]", "1 false [/a.css /b.css /c.css]")

	// Other settings: new rules are due, old rules keep their debts.
	noteChange(g, "/a.css", tick())
	before := g
	g = newGenerators(append([]Rule{{Root: "/", Match: []string{"*.x"}, Run: "new"}}, rules...))
	g.succeed(before)
	expect("after other settings", nil, "0 true []", "1 false [/a.css]", "2 false [/a.css]")
}

// noteChange notes a change as the loop does, with the commands of the classified change.
func noteChange(g *generators, path string, touched time.Time) bool {
	return g.changed(commandsFor(g.rules, path), path, touched)
}
