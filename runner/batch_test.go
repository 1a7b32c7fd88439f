package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/supervisor"
	"hotreload/watch"
)

// Live changes are reported at once, and once; everything else waits for a quiet tree.
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
			l.known.opened.opened(supervisor.FileOpened{Path: at(name), How: supervisor.ToRead, Late: late,
				Worker: supervisor.Worker{Generation: 1}})
		}
	}
	for _, c := range []struct {
		name   string
		steps  []step
		before func(*loop) // the last step
	}{
		{"live", []step{{open, watch.Written, []string{"live"}, "live:live"}, {quiet, watch.Written, []string{"live"}, ""}},
			nil},
		{"in pieces", []step{{open, watch.Written, []string{"live"}, "live:live"},
			{open, watch.Written, []string{"live"}, ""}, {quiet, watch.Written, []string{"live"}, ""}}, nil},
		{"written again after it was told", []step{{open, watch.Written, []string{"live"}, "live:live"},
			{quiet, watch.Written, []string{"live"}, "live:live"}}, func(*loop) {
			if err := os.WriteFile(at("live"), []byte("more"), 0o666); err != nil {
				t.Error(err)
			}
		}},
		{"two saves", []step{{open, watch.Written, []string{"live"}, "live:live"},
			{quiet, watch.Written, []string{"live"}, ""}, {open, watch.Written, []string{"live"}, "live:live"}}, nil},
		{"another one besides", []step{{open, watch.Written, []string{"live"}, "live:live"},
			{open, watch.Written, []string{"live", "gone"}, "gone:live"}, {quiet, watch.Written, []string{"gone", "live"}, ""}},
			nil},
		{"quiet from the first", []step{{quiet, watch.Written, []string{"live"}, "live:live"}}, nil},
		{"empty: it is about to be written", []step{{open, watch.Written, []string{"empty"}, ""},
			{quiet, watch.Written, []string{"empty"}, "empty:live"}}, nil},
		{"it may come back", []step{{open, watch.Removed, []string{"gone"}, ""},
			{quiet, watch.Removed, []string{"gone"}, "gone:live"}}, nil},
		{"written, and then removed", []step{{open, watch.Written, []string{"gone"}, "gone:live"},
			{quiet, watch.Removed, []string{"gone"}, "gone:live"}}, nil},
		{"it may be an editor's", []step{{open, watch.Created, []string{"live"}, ""},
			{quiet, watch.Created, []string{"live"}, "live:live"}}, nil},
		{"others wait", []step{{open, watch.Written, []string{"live", "start"}, "live:live"},
			{quiet, watch.Written, []string{"live", "start"}, "start:restart"}}, nil},
		{"read at the start, it turns out", []step{{open, watch.Written, []string{"live"}, "live:live"},
			{quiet, watch.Written, []string{"live"}, "live:restart"}}, read("live", false)},
		{"of no effect", []step{{open, watch.Written, []string{"other"}, ""},
			{quiet, watch.Written, []string{"other"}, "other:none"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			// All slots are stopped, so nothing is started.
			l := &loop{Runner: &Runner{}, known: testKnowledge(gobuild.NoGraph()), causes: causes{early: map[string]toldEarly{}},
				state: state{stopped: true}}
			read("start", false)(l)
			for _, name := range []string{"live", "empty", "gone"} {
				read(name, true)(l)
				l.known.opened.opened(supervisor.FileOpened{Path: at(name), How: supervisor.Again, Late: true,
					Worker: supervisor.Worker{Generation: 1}, At: time.Now()})
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
				l.take(l.known.judge(seen{Batch: b}))
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

// Changes without an outcome are no part of the next outcome: neither of its files nor of its time.
func TestWhatLedToNothingIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live")
	l := &loop{Runner: &Runner{}, known: testKnowledge(gobuild.NoGraph()), causes: causes{early: map[string]toldEarly{}}}
	l.known.opened.opened(supervisor.FileOpened{Path: path, How: supervisor.ToRead, For: supervisor.ToServe, Late: true,
		Worker: supervisor.Worker{Generation: 1}})
	changes := []watch.Change{{Path: path, Op: watch.Written}}
	l.take(l.known.judge(seen{Batch: watch.Batch{Changes: changes, Fresh: changes, Settled: true, Began: time.Now()}}))
	if len(l.causes.effects) > 0 || !l.causes.began.IsZero() {
		t.Errorf("effects %v since %v are left", l.causes.effects, l.causes.began)
	}
	l.state.stopped = true // changes held back are not forgotten
	l.known.opened.opened(supervisor.FileOpened{Path: path, How: supervisor.ToRead,
		Worker: supervisor.Worker{Generation: 1}})
	l.take(l.known.judge(seen{Batch: watch.Batch{Changes: changes, Fresh: changes, Settled: true, Began: time.Now()}}))
	if want := []Effect{{Change: changes[0], Class: Restart,
		Reason: "read by the workers at their start"}}; !slices.Equal(l.causes.effects, want) || l.causes.began.IsZero() {
		t.Errorf("effects %v since %v, want %v", l.causes.effects, l.causes.began, want)
	}
}

// A new file, in a folder where workers have read files of its kind, replaces no worker before the workers' reports: a
// worker may have written the file.
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
	// All slots are stopped, so nothing is started. The supervisor does not run and never answers; the test answers.
	l := &loop{Runner: &Runner{supervisor: &supervisor.Supervisor{}}, known: testKnowledge(gobuild.NoGraph()),
		causes: causes{early: map[string]toldEarly{}}, state: state{stopped: true}}
	first := supervisor.Worker{Generation: 1}
	l.known.opened.opened(supervisor.FileOpened{Path: dir, How: supervisor.ToRead, Worker: first,
		At: time.Now().Add(-time.Hour)})
	said := func() (all []string) {
		for _, event := range l.news {
			for _, effect := range event.(Changed).Effects {
				all = append(all, filepath.Base(effect.Path)+" "+effect.Class.String())
			}
		}
		return all
	}
	made("old.html")
	l.known.opened.opened(supervisor.FileOpened{Path: filepath.Join(dir, "old.html"), How: supervisor.ToRead,
		Worker: first, At: time.Now().Add(-time.Hour)})
	l.heard(made("upload.html"))
	l.heard(made("page.html")) // waits for the one before
	if have := said(); len(have) > 0 || l.rested() {
		t.Fatalf("before the workers have told: %v, rested: %v", have, l.rested())
	}
	left := look(filepath.Join(dir, "upload.html"))
	l.service(supervisor.FileWritten{Worker: first, Inode: left.inode, Modified: left.modified})
	l.service(supervisor.FilesTold{Number: l.inbox.judgeAt})
	if have, want := said(), []string{"upload.html none"}; !slices.Equal(have, want) {
		t.Fatalf("said %v, want %v", have, want)
	}
	l.service(supervisor.FilesTold{Number: l.inbox.judgeAt - 1}) // to an earlier question
	if have, want := said(), []string{"upload.html none"}; !slices.Equal(have, want) {
		t.Fatalf("said %v, want %v", have, want)
	}
	l.service(supervisor.FilesTold{Number: l.inbox.judgeAt})
	if have, want := said(), []string{"upload.html none", "page.html restart"}; !slices.Equal(have, want) ||
		len(l.inbox.batches) > 0 {
		t.Fatalf("said %v, want %v", have, want)
	}
}

// TestOverlooked: a save between the opening of a file by a worker and the begin of the watch is a change, also if the
// kernel's clock for files, which ticks slowly, gives the save a time just before the opening.
func TestOverlooked(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		opened time.Duration // after the time of the file's last change
		want   bool
	}{
		{"saved after the opening", -time.Second, true},
		{"saved in the tick of the opening", tick / 2, true},
		{"saved before the opening", 2 * tick, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			k := knowledge{config: &Config{}, graph: &gobuild.Graph{}, opened: newEvidence()}
			k.opened.opened(supervisor.FileOpened{Path: path, How: supervisor.ToRead,
				Worker: supervisor.Worker{ID: 1, Generation: 1}, At: touchedAt(path).Add(c.opened)})
			changes := k.overlooked([]string{path}, time.Time{})
			if have := len(changes) == 1 && changes[0].Op == watch.Written; have != c.want {
				t.Errorf("have %v", changes)
			}
			if again := k.overlooked([]string{path}, time.Time{}); len(again) > 0 {
				t.Errorf("have %v again", again)
			}
		})
	}
}
