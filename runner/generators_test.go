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

// TestGenerators: what is run before which build.
func TestGenerators(t *testing.T) {
	live := Live
	rules := []Rule{{Match: []string{"a"}, Run: "a"}, {Match: []string{"b"}, Class: &live}, {Match: []string{"c"}, Run: "c"}}
	now := time.Unix(1e9, 0)
	tick := func() time.Time { now = now.Add(time.Second); return now }
	g := newGenerators(rules)
	file := func() string { return fmt.Sprint(now.Unix()) } // another one each time
	failed := errors.New("failed")
	runAll := func(err error) (which []int) {
		for {
			rule, change, run, ours := g.next(tick())
			if rule < 0 {
				return which
			}
			if !ours {
				t.Fatal("it waits for a run that has ended")
			}
			which = append(which, rule)
			g.end(rule, change, run, err, tick())
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

	if !g.changed(0, file(), tick()) || g.idle() {
		t.Error("a rule's file begins no build")
	}
	if have := runAll(failed); !slices.Equal(have, []int{0}) {
		t.Errorf("%v is run, want 0", have)
	}
	// It has failed: the next build runs it again. A save while it runs: the rule is still due when that succeeds.
	rule, change, run, ours := g.next(tick())
	if rule != 0 || !ours {
		t.Errorf("after a failure %d is run, want 0", rule)
	}
	if !g.changed(0, file(), tick()) {
		t.Error("a save while it runs is lost")
	}
	if again, _, other, ours := g.next(tick()); again != 0 || ours || other != run {
		t.Error("two run the same rule at the same time")
	}
	g.end(rule, change, run, nil, tick())
	if have := runAll(nil); !slices.Equal(have, []int{0}) {
		t.Errorf("after a save while it ran %v is run, want 0", have)
	}

	// Two services note the same change.
	saved := tick()
	first, second := g.changed(2, "c", saved), g.changed(2, "c", saved)
	if have := runAll(nil); !first || !second || !slices.Equal(have, []int{2}) {
		t.Errorf("for two services %v is run; %v, %v", have, first, second)
	}
	if !g.changed(2, "c", saved) || !g.idle() {
		t.Error("a service that notes it late builds, and runs nothing")
	}

	// It writes its own input, and that is heard of only when it has ended: that comes to an end.
	if g.changed(0, file(), tick()); len(runAll(nil)) != 1 {
		t.Error("a save is not heard of")
	}
	began := 0
	for range 10 {
		if !g.changed(0, file(), g.runs[0].began.Add(time.Millisecond)) {
			break
		}
		began++
		tick()
		runAll(nil)
	}
	if began > 2 {
		t.Errorf("a generator that writes its own input is begun anew %d times", began)
	}
	if !g.changed(0, file(), tick()) {
		t.Error("afterwards a save is not heard of")
	}
}

// TestGeneratorsOfSeveral: services that need the same run share it, and one that gives up leaves it to the others.
func TestGeneratorsOfSeveral(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is one of sh")
	}
	dir := t.TempDir()
	g := newGenerators([]Rule{{Root: dir, Run: "echo run >> log; while ! test -e go; do sleep 0.01; done", Timeout: time.Minute}})
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
		if err := g.bringUpToDate(ctx, os.Environ()); !errors.Is(err, context.Canceled) {
			t.Errorf("the one that gave up: %v", err)
		}
	})
	begun(1)
	for range 3 {
		all.Go(func() {
			if err := g.bringUpToDate(t.Context(), os.Environ()); err != nil {
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
		t.Errorf("it ran %d times, want twice: once for the one that gave up, once for the others", strings.Count(string(text), "run"))
	}
}
