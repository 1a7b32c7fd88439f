package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A part of a round has the right size, and a round contains every folder once.
func TestSweep(t *testing.T) {
	for _, c := range []struct {
		name             string
		folders, entries int
		round            time.Duration
		parts            int // in a round
	}{
		{"few", 3, 10, time.Second, 3},
		{"one", 1, 1000, time.Second, 1},
		{"many", 1000, 9, time.Second, 10},
		{"often", 1000, 9, 100 * time.Millisecond, 10},
		{"seldom", 1000, 9, 20 * time.Second, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := pollSweep(c.round)
			var folders []*folder
			for i := range c.folders {
				f := newFolder(nil, "", fmt.Sprint(i))
				for j := range c.entries {
					f.entries[fmt.Sprint(j)] = stamp{}
				}
				folders = append(folders, f)
			}
			s.add(folders)
			for range 2 {
				seen := make(map[*folder]bool)
				parts := 0
				for before := s.rounds; s.rounds == before; parts++ {
					for _, g := range s.part(false, time.Time{}) {
						if seen[g.folder] || len(g.known) != c.entries {
							t.Fatalf("%s: twice, or not whole", g.path)
						}
						seen[g.folder] = true
					}
					s.done(nil, time.Time{})
				}
				if len(seen) != c.folders || parts != c.parts {
					t.Errorf("%d folders in %d parts, want %d in %d", len(seen), parts, c.folders, c.parts)
				}
			}
			if c.folders == 1 {
				return
			}
			all := s.part(true, time.Time{})
			s.done(all[1:], time.Time{}) // the time was over
			if s.rounds != 2 {
				t.Error("a round is over before its end")
			}
			if rest := s.part(true, time.Time{}); len(rest) != len(all)-1 {
				t.Errorf("%d are left, want %d", len(rest), len(all)-1)
			}
		})
	}
}

// If folders are added or removed during a round, no other folder is left out.
func TestSweepChanges(t *testing.T) {
	s := sweep{round: 10, step: 1}
	var folders []*folder
	for i := range 12 {
		folders = append(folders, newFolder(nil, "", string(rune('a'+i))))
	}
	s.add(folders[:10])
	var seen string
	look := func(parts int) {
		for range parts {
			for _, g := range s.part(false, time.Time{}) {
				seen += g.path
			}
			s.done(nil, time.Time{})
		}
	}
	look(4)
	s.drop(func(f *folder) bool { return f == folders[1] || f == folders[7] })
	s.add(folders[10:])
	look(6)
	if s.rounds != 0 {
		t.Error("a round is over before its end")
	}
	look(1)
	if seen != "abcdefgijkl" || s.rounds != 1 {
		t.Errorf("seen: %s, in %d rounds", seen, s.rounds)
	}
}

func TestSlept(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name            string
		wall, monotonic time.Duration
		want            bool
	}{
		{"a beat", 5 * time.Second, 5 * time.Second, false},
		{"a busy machine", 11 * time.Second, 11 * time.Second, false},
		{"the clock is corrected", 5500 * time.Millisecond, 5 * time.Second, false},
		{"the clock is corrected backwards", 4500 * time.Millisecond, 5 * time.Second, false},
		{"suspended", time.Hour, 5 * time.Second, true},
		{"suspended for a moment", 8 * time.Second, 5 * time.Second, true},
		{"stopped", time.Hour, time.Hour, true},
		{"the clock is set back", -time.Hour, 5 * time.Second, true},
	} {
		if have := slept(instant{began, time.Minute},
			instant{began.Add(c.wall), time.Minute + c.monotonic}); have != c.want {
			t.Errorf("%s: have %v", c.name, have)
		}
	}
}

// old makes files that were not touched for a long time.
func (s *stage) old(n int) {
	s.Helper()
	if _, err := s.w.Watch(s.Context(), Set{}); err != nil { // these are already known
		s.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	for i := range n {
		name := fmt.Sprintf("d%02d/f%d", i/10, i%10)
		if err := os.MkdirAll(filepath.Join(s.root, filepath.Dir(name)), 0o755); err != nil {
			s.Fatal(err)
		}
		s.silently(name, "one")
		if err := os.Chtimes(filepath.Join(s.root, name), long, long); err != nil {
			s.Fatal(err)
		}
	}
}

// next receives a batch, possibly from the patrol.
func (s *stage) next() Batch {
	s.Helper()
	select {
	case b := <-s.w.Batches():
		return b
	case <-time.After(2 * patrolRound):
		s.Fatal("no batch came")
	}
	return Batch{}
}

// within receives batches until one is settled. It checks the changes, and the time of the first batch.
func (s *stage) within(most time.Duration, changes string) Batch {
	s.Helper()
	start := time.Now()
	b := s.next()
	if took := time.Since(start); took > most {
		s.Errorf("seen after %v, want at most %v", took, most)
	}
	for !b.Settled {
		b = s.next()
	}
	if have := s.words(b); have != changes {
		s.Errorf("have %q, want %q", have, changes)
	}
	return b
}

func TestPollingIsSoonEnough(t *testing.T) {
	onStage(t, Config{Poll: DefaultPoll}, func(s *stage) {
		s.old(200)
		s.watch()
		time.Sleep(time.Minute) // nothing is recent any more
		s.silently("d07/f7", "two")
		s.within(DefaultPoll+stepMost, "~ d07/f7")
		for i := range 5 { // a recent file
			time.Sleep(time.Duration(i) * 333 * ms)
			s.silently("d07/f7", fmt.Sprint("three", i))
			s.within(stepMost, "~ d07/f7")
		}
		time.Sleep(3 * time.Second)
		s.silently("d07/new", "one") // beside the watched folder
		s.within(stepMost, "+ d07/new")
		s.silently("new", "one")
		s.within(DefaultPoll+stepMost, "+ new")
		s.nothing()
	})
}

func TestPollingTellsOfOneSaveInOneBatch(t *testing.T) {
	onStage(t, Config{Poll: DefaultPoll}, func(s *stage) {
		s.old(200)
		s.watch()
		time.Sleep(time.Second)
		for i := range 20 {
			s.silently(fmt.Sprintf("d%02d/f3", i), "two")
		}
		if b := next(s.T, s.w); b.Settled {
			s.Error("settled at once")
		}
		if b := settled(s.T, s.w); len(b.Changes) != 20 {
			s.Errorf("have %d changes, want 20: %v", len(b.Changes), b.Changes)
		}
		s.nothing()
	})
}

func TestPollingWaitsForTheEndOfASlowSave(t *testing.T) {
	onStage(t, Config{Poll: DefaultPoll}, func(s *stage) {
		s.old(100)
		s.watch()
		text := "two"
		s.silently("d04/f0", text)
		settled(s.T, s.w)
		for range 15 {
			text += "more"
			s.silently("d04/f0", text)
			time.Sleep(40 * ms)
		}
		if b := next(s.T, s.w); b.Settled {
			s.Error("it was settled while the file grew")
		}
		if have := s.words(settled(s.T, s.w)); have != "~ d04/f0" {
			s.Errorf("have %q", have)
		}
		s.nothing()
	})
}

// What one part does not reach is checked in the next one, and nothing is reported twice.
func TestPollingByIntervalOfTheUser(t *testing.T) {
	onStage(t, Config{Poll: 10 * time.Second}, func(s *stage) {
		s.old(200)
		s.watch()
		time.Sleep(time.Minute)
		s.silently("d13/f1", "two")
		s.within(10*time.Second+stepMost, "~ d13/f1")
		s.nothing()
	})
}

func (s *stage) patrols() {
	s.owner(func() { s.w.polling.heard.round = patrolRound })
}

func TestPatrolFindsWhatNoEventTold(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.patrols()
		s.old(30)
		s.watch()
		time.Sleep(time.Minute)
		s.silently("d01/f1", "two")
		b := s.within(patrolRound+patrolStep, "~ d01/f1")
		if len(b.Problems) > 0 {
			s.Errorf("one file proves nothing: %v", b.Problems)
		}
	})
}

func TestEventsThatDoNotComeAreNotTrusted(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.patrols()
		s.old(30)
		s.watch()
		time.Sleep(time.Minute)
		names := []string{"d00/f1", "d01/f1", "d02/f1"}
		for _, name := range names {
			s.silently(name, "two")
		}
		time.Sleep(lateMost)
		var problems []Problem
		for told := 0; told < 3 || len(problems) == 0; {
			if b := s.next(); b.Settled {
				told += len(b.Changes)
				problems = append(problems, b.Problems...)
			}
		}
		var polled *PolledError
		if len(problems) != 1 || !errors.As(problems[0], &polled) || polled.Reason != Missed || polled.Folders < 4 {
			s.Errorf("problems: %v", problems)
		}
		// From now on the folder is polled.
		time.Sleep(time.Minute)
		s.silently("d02/f7", "two")
		s.within(DefaultPoll+stepMost, "~ d02/f7")
		if problems := s.watch(); len(problems) != 1 {
			s.Errorf("the next Watch forgets it: %v", problems)
		}
	})
}

// An event on its way does not count as missed.
func TestThePatrolIsFairToEvents(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.patrols()
		s.old(30)
		s.watch()
		for i := range 20 {
			s.save("d00/f0", fmt.Sprint(i))
			s.save("d01/f0", fmt.Sprint(i))
			s.save("d02/f0", fmt.Sprint(i))
			if b := settled(s.T, s.w); len(b.Changes) != 3 || len(b.Problems) > 0 {
				s.Errorf("have %+v", b)
			}
			time.Sleep(time.Duration(i) * 701 * ms)
		}
		s.nothing()
	})
}

func TestASilentKernelIsFoundOut(t *testing.T) {
	now := time.Now()
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		k := &silentKernel{events: make(chan fsnotify.Event), errors: make(chan error)}
		s := &stage{t, k, makeWatcher(Config{}, k, k.events, k.errors), root}
		s.w.ears.probe.wanted = true
		s.w.start()
		s.watch()
		start := time.Now()
		b := settled(t, s.w)
		var polled *PolledError
		if len(b.Problems) != 1 || !errors.As(b.Problems[0], &polled) || polled.Reason != Silent {
			t.Errorf("problems: %v", b.Problems)
		}
		if took := time.Since(start); took > probeMost+time.Second {
			t.Errorf("told after %v", took)
		}
		s.owner(func() {
			if len(k.added) == 0 || filepath.Dir(k.added[0]) != filepath.Clean(os.TempDir()) {
				t.Errorf("the probe was not among the temporary files: %q", k.added)
			} else if _, err := os.Stat(k.added[0]); err == nil {
				t.Errorf("%s is left behind", k.added[0])
			}
		})
		s.silently("a", "one")
		s.within(DefaultPoll+stepMost, "+ a")

		// The event was only slow: when it arrives, the disk is trusted again.
		s.save("a", "two")
		s.within(stepMost, "~ a")
		time.Sleep(time.Second)
		if way, watched, err := s.w.How(t.Context(), filepath.Join(root, "a")); err != nil || !watched ||
			way.Polled() != How(root).Polled() {
			t.Errorf("have %+v, %v, %v", way, watched, err)
		}
		if err := s.w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEverythingIsLookedAtAfterASleep(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.old(30)
		s.watch()
		s.silently("d01/f1", "two")
		s.owner(func() {
			now := s.w.polling.clock.read()
			now.wall = now.wall.Add(8 * time.Hour)
			s.w.polling.beat(now)
		})
		if b := s.within(0, "~ d01/f1"); b.Overflow {
			s.Error("there was no overflow")
		}
		s.event("d01/f1", fsnotify.Write) // late, and not a second change
		s.nothing()
	})
}

// A folder that cannot be watched or read is tried again, and reported once.
func TestRefusedFoldersArePolled(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.owner(func() { s.refuse["d01"] = &os.PathError{Op: "add", Path: "d01", Err: os.ErrPermission} })
		s.old(30)
		problems := s.watch()
		if len(problems) != 1 || !errors.Is(problems[0], os.ErrPermission) {
			s.Errorf("problems: %v", problems)
		}
		time.Sleep(time.Minute)
		s.silently("d01/f1", "two")
		if b := s.within(DefaultPoll+stepMost, "~ d01/f1"); len(b.Problems) > 0 {
			s.Errorf("problems: %v", b.Problems)
		}
		s.silently("d02/f1", "two")
		s.nothing()
	})
}

// A foreign disk is polled, and its events count as well.
func TestForeignDisk(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.old(30)
		info, err := os.Stat(s.root)
		if err != nil {
			s.Fatal(err)
		}
		foreign := func() {
			s.w.polling.disks.known[diskKeyOf(s.root, identityOf(info))] = &disk{Disk: Disk{"nfs4", "/home"},
				foreign: true, missed: map[string]struct{}{"": {}}}
		}
		s.owner(foreign)
		problems := s.watch()
		var polled *PolledError
		if len(problems) != 1 || !errors.As(problems[0], &polled) || polled.Reason != Foreign ||
			polled.Folders < 4 || polled.Disk.Type != "nfs4" {
			s.Errorf("problems: %v", problems)
		}
		s.owner(func() {
			if !slices.Contains(s.added, filepath.Join(s.root, "d01")) {
				s.Errorf("it is not heard: %q", s.added)
			}
		})
		time.Sleep(time.Minute)
		s.silently("d01/f1", "two")
		s.within(DefaultPoll+stepMost, "~ d01/f1")
		s.save("d02/f2", "two")
		s.within(5*ms, "~ d02/f2")
		s.nothing()
	})
}

// On a disk where README and readme are the same, both spellings are found. The list of names tells which one exists.
func TestOtherSpelling(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.silently("README", "one")
		s.watch()
		s.owner(func() {
			f := s.w.tree.known(s.root)
			f.entries = map[string]stamp{"readme": {kind: file}}
			s.w.tree.begin(time.Now(), time.Now())
			if s.w.tree.misspelt(f, "README") || len(f.entries) != 0 {
				s.Errorf("it was renamed to README, and that is known: %v", f.entries)
			}
			f.entries = map[string]stamp{"README": {kind: file}}
			if !s.w.tree.misspelt(f, "readme") || len(f.entries) != 1 {
				s.Errorf("it is README: %v", f.entries)
			}
		})
	})
}

// The kernel passes the probe, also if the folder for temporary files is watched itself.
func TestTheKernelPassesTheProbe(t *testing.T) {
	root := t.TempDir()
	t.Setenv("TMPDIR", root)
	for range 20 {
		w := open(t, Config{})
		mustWatch(t, w, Set{Files: []string{filepath.Join(root, "f")}})
		for passed, failed := false, false; !passed; {
			if err := w.ask(testContext(t), func() {
				passed, failed = w.ears.probe.done,
					w.ears.probe.failed
			}); err != nil || failed {
				t.Fatalf("no event came (%v)", err)
			}
		}
		if left, err := filepath.Glob(filepath.Join(root, "*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
	}
}

// A disk that does not answer is reported once, and affects no other disk.
func TestADiskDoesNotAnswer(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.patrols()
		s.owner(func() {
			s.w.polling.errand.out, s.w.polling.errand.since = true, time.Now()
			s.w.polling.scout.at.Store(&s.root)
		})
		b := s.within(answerMost+patrolStep, "")
		if len(b.Problems) != 1 || b.Problems[0].Path != s.root || !errors.Is(b.Problems[0], errNoAnswer) {
			s.Errorf("problems: %v", b.Problems)
		}
		s.nothing()
		s.save("a", "one")
		s.within(5*ms, "+ a")
		s.owner(func() { s.w.polling.back(finding{of: &s.w.polling.heard}, time.Now()) })
		s.nothing()
	})
}

// If each file in a watched folder costs a descriptor, at most half of the descriptors are used.
func TestDescriptorsAreLeft(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.old(100)
		s.owner(func() { s.w.ears.descriptorsMost = 60 })
		problems := s.watch()
		var limit *LimitError
		if len(problems) != 1 || !errors.As(problems[0], &limit) || limit.Name != openFiles {
			s.Errorf("problems: %v", problems)
		}
		taken := func() (n int) {
			s.owner(func() { n = s.w.ears.descriptors })
			return n
		}
		if n := taken(); n < 40 || n > 60 {
			s.Errorf("%d descriptors are taken", n)
		}
		time.Sleep(time.Minute)
		for i := range 10 {
			s.silently(fmt.Sprintf("d%02d/f1", i), "two")
		}
		b := s.next()
		for !b.Settled {
			b = s.next()
		}
		if len(b.Changes) != 6 { // 11 for the root, and for each of four folders
			s.Errorf("have %v", b.Changes)
		}
		if _, err := s.w.Watch(s.Context(), Set{}); err != nil || taken() != 0 {
			s.Errorf("%d descriptors are taken for nothing, %v", taken(), err)
		}
	})
}
