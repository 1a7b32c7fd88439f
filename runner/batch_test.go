package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/supervisor"
	"hotreload/watch"
)

// What is in effect as it is, is told at once and once; everything else waits for the tree to be quiet.
func TestWhenAChangeIsTold(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"live": "x", "empty": "", "start": "x", "gone": "x"} {
		if err := os.WriteFile(at(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	open, quiet := false, true
	type step struct {
		settled bool
		op      watch.Op
		names   []string
		want    string
	}
	read := func(name string, late bool) func(*loop) {
		return func(l *loop) {
			l.opened.note(supervisor.FileOpened{Path: at(name), How: supervisor.ToRead, Late: late, Worker: supervisor.Worker{Generation: 1}})
		}
	}
	for _, c := range []struct {
		name   string
		steps  []step
		before func(*loop) // the last step
	}{
		{"live", []step{{open, watch.Written, []string{"live"}, "live:live"}, {quiet, watch.Written, []string{"live"}, ""}}, nil},
		{"in pieces", []step{{open, watch.Written, []string{"live"}, "live:live"}, {open, watch.Written, []string{"live"}, ""}, {quiet, watch.Written, []string{"live"}, ""}}, nil},
		{"two saves", []step{{open, watch.Written, []string{"live"}, "live:live"}, {quiet, watch.Written, []string{"live"}, ""}, {open, watch.Written, []string{"live"}, "live:live"}}, nil},
		{"another one besides", []step{{open, watch.Written, []string{"live"}, "live:live"}, {open, watch.Written, []string{"live", "gone"}, "gone:live"}, {quiet, watch.Written, []string{"gone", "live"}, ""}}, nil},
		{"quiet from the first", []step{{quiet, watch.Written, []string{"live"}, "live:live"}}, nil},
		{"empty: it is about to be written", []step{{open, watch.Written, []string{"empty"}, ""}, {quiet, watch.Written, []string{"empty"}, "empty:live"}}, nil},
		{"it may come back", []step{{open, watch.Removed, []string{"gone"}, ""}, {quiet, watch.Removed, []string{"gone"}, "gone:live"}}, nil},
		{"written, and then removed", []step{{open, watch.Written, []string{"gone"}, "gone:live"}, {quiet, watch.Removed, []string{"gone"}, "gone:live"}}, nil},
		{"it may be an editor's", []step{{open, watch.Created, []string{"live"}, ""}, {quiet, watch.Created, []string{"live"}, "live:live"}}, nil},
		{"others wait", []step{{open, watch.Written, []string{"live", "start"}, "live:live"}, {quiet, watch.Written, []string{"live", "start"}, "start:restart"}}, nil},
		{"read at the start, it turns out", []step{{open, watch.Written, []string{"live"}, "live:live"}, {quiet, watch.Written, []string{"live"}, "live:restart"}}, read("live", false)},
		{"of no effect", []step{{open, watch.Written, []string{"other"}, ""}, {quiet, watch.Written, []string{"other"}, "other:none"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Halted, so that nothing is started.
			l := &loop{Runner: &Runner{}, graph: gobuild.NoGraph(), opened: newOpened(), early: map[string]Effect{}, state: state{halted: true}}
			read("start", false)(l)
			for _, name := range []string{"live", "empty", "gone"} {
				read(name, true)(l)
			}
			for i, s := range c.steps {
				if c.before != nil && i == len(c.steps)-1 {
					c.before(l)
				}
				var b watch.Batch
				for _, name := range s.names {
					b.Changes = append(b.Changes, watch.Change{Path: at(name), Op: s.op})
				}
				b.Fresh, b.Settled, b.Began = b.Changes, s.settled, time.Now()
				l.batch(b)
				var have string
				for _, event := range l.news {
					for _, effect := range event.(Changed).Effects {
						have += fmt.Sprint(filepath.Base(effect.Path), ":", effect.Class)
					}
				}
				if have != s.want {
					t.Errorf("step %d: have %q, want %q", i, have, s.want)
				}
				l.news = nil
			}
		})
	}
}

// What led to nothing is not part of what comes next: not of its files, and not of the time that it took.
func TestWhatLedToNothingIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live")
	l := &loop{Runner: &Runner{}, graph: gobuild.NoGraph(), opened: newOpened(), early: map[string]Effect{}}
	l.opened.note(supervisor.FileOpened{Path: path, How: supervisor.ToRead, Late: true, Worker: supervisor.Worker{Generation: 1}})
	changes := []watch.Change{{Path: path, Op: watch.Written}}
	l.batch(watch.Batch{Changes: changes, Fresh: changes, Settled: true, Began: time.Now()})
	if len(l.effects) > 0 || !l.began.IsZero() {
		t.Errorf("effects %v since %v are left", l.effects, l.began)
	}
	l.state.halted = true // what is held back is not forgotten
	l.opened.note(supervisor.FileOpened{Path: path, How: supervisor.ToRead, Worker: supervisor.Worker{Generation: 1}})
	l.batch(watch.Batch{Changes: changes, Fresh: changes, Settled: true, Began: time.Now()})
	if want := []Effect{{changes[0], Restart, "read by the workers at their start"}}; !slices.Equal(l.effects, want) || l.began.IsZero() {
		t.Errorf("effects %v since %v, want %v", l.effects, l.began, want)
	}
}

// A file that is new in a folder that was read replaces nobody before the workers have told whether they wrote it.
func TestReplacementsWaitForReports(t *testing.T) {
	dir := t.TempDir()
	made := func(name string) watch.Batch {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
		changes := []watch.Change{{Path: path, Op: watch.Created}}
		return watch.Batch{Changes: changes, Fresh: changes, Settled: true, Began: time.Now()}
	}
	// Halted, so that nothing is started. A supervisor that does not run never answers: the test does.
	l := &loop{Runner: &Runner{supervisor: &supervisor.Supervisor{}}, graph: gobuild.NoGraph(), opened: newOpened(), early: map[string]Effect{}, state: state{halted: true}}
	first := supervisor.Worker{Generation: 1}
	l.opened.note(supervisor.FileOpened{Path: dir, How: supervisor.ToRead, Worker: first, At: time.Now().Add(-time.Hour)})
	said := func() (all []string) {
		for _, event := range l.news {
			for _, effect := range event.(Changed).Effects {
				all = append(all, filepath.Base(effect.Path)+" "+effect.Class.String())
			}
		}
		return all
	}
	l.heard(made("upload"))
	l.heard(made("page")) // waits for the one before
	if have := said(); len(have) > 0 || l.rested() {
		t.Fatalf("before the workers have told: %v, rested: %v", have, l.rested())
	}
	l.opened.note(supervisor.FileOpened{Path: filepath.Join(dir, "upload"), How: supervisor.ToWrite, Late: true, Worker: first})
	l.service(supervisor.FilesTold{})
	if have, want := said(), []string{"upload none"}; !slices.Equal(have, want) {
		t.Fatalf("said %v, want %v", have, want)
	}
	l.service(supervisor.FilesTold{})
	if have, want := said(), []string{"upload none", "page restart"}; !slices.Equal(have, want) || len(l.batches) > 0 {
		t.Fatalf("said %v, want %v", have, want)
	}
}
