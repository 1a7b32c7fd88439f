package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// polls reports how many folders are polled, and whether the sweep goes on.
func (s *stage) polls() (folders int, goesOn bool) {
	s.owner(func() {
		for _, f := range s.w.poller.folders {
			if f.present && f.polled != nil {
				folders++
			}
		}
		goesOn = s.w.poller.ticker != nil
	})
	return folders, goesOn
}

// within receives batches until one is settled, and fails if that takes longer than limit.
func (s *stage) within(limit time.Duration, changes string) {
	s.Helper()
	began := time.Now()
	for {
		select {
		case b := <-s.w.Batches():
			if !b.Settled {
				continue
			}
			if took := time.Since(began); took > limit {
				s.Errorf("it took %v, at most %v was promised", took, limit)
			}
			lines := &script{t: s.T, root: s.root}
			var have []string
			for _, c := range b.Changes {
				have = append(have, lines.line(c))
			}
			if strings.Join(have, " ") != changes {
				s.Errorf("have %q, want %q", have, changes)
			}
			return
		case <-time.After(time.Minute):
			s.Fatal("no batch came")
		}
	}
}

// noticed is how long a change in a polled folder takes to be told as settled, at most: a sweep, the part in which it is
// looked at again, and the quiet window.
const noticed = DefaultPoll + 2*DefaultPoll/sweepTicks + DefaultQuiet

func TestPollingNoticesWhatNobodyTells(t *testing.T) {
	onStage(t, Config{Poll: DefaultPoll}, func(s *stage) {
		if len(s.added) > 0 {
			t.Errorf("the kernel was asked to watch %q", s.added)
		}
		s.silently("a", "one")
		s.within(noticed, "+ a")
		s.silently("a", "two")
		s.within(noticed, "~ a")
		if err := os.MkdirAll(filepath.Join(s.root, "new/deep"), 0o755); err != nil {
			t.Fatal(err)
		}
		s.silently("new/deep/b", "one")
		s.within(noticed, "+ new/ + new/deep/ + new/deep/b")
		if err := os.RemoveAll(filepath.Join(s.root, "new")); err != nil {
			t.Fatal(err)
		}
		s.within(noticed, "- new/ - new/deep/ - new/deep/b")
		if n, goesOn := s.polls(); n == 0 || !goesOn {
			t.Errorf("%d folders are polled, goes on %v", n, goesOn)
		}
	})
}

// What has just changed is looked at in each part of a sweep, however many folders there are.
func TestPollingLooksFirstWhereItWasBusy(t *testing.T) {
	onStage(t, Config{Poll: DefaultPoll}, func(s *stage) {
		for i := range 200 {
			if err := os.Mkdir(filepath.Join(s.root, fmt.Sprintf("d%03d", i)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		s.watch()
		for (<-s.w.Batches()).Settled == false {
		}
		s.silently("d150/f", "one")
		s.within(noticed, "+ d150/f")
		for i := range 5 {
			s.silently("d150/f", fmt.Sprint(i))
			s.within(2*DefaultPoll/sweepTicks+DefaultQuiet+DefaultPoll/sweepTicks, "~ d150/f")
		}
	})
}

// A file that is written in pieces, each between two looks, is one change.
func TestPollingWaitsForTheEndOfASave(t *testing.T) {
	onStage(t, Config{Poll: DefaultPoll}, func(s *stage) {
		s.silently("f", "")
		s.within(noticed, "+ f")
		for i := range 5 {
			s.silently("f", strings.Repeat("x", i+1))
			time.Sleep(DefaultPoll / sweepTicks)
		}
		s.within(noticed, "~ f")
	})
}

func TestWhatCannotBeHeardIsPolled(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		if _, goesOn := s.polls(); goesOn {
			t.Error("a sweep goes on, for nothing")
		}
		s.owner(func() { s.refuse["full"] = os.NewSyscallError("inotify_add_watch", syscall.ENOSPC) })
		if err := os.Mkdir(filepath.Join(s.root, "full"), 0o755); err != nil {
			t.Fatal(err)
		}
		s.event("full", fsnotify.Create)
		s.within(noticed, "+ full/")
		s.silently("full/f", "one")
		s.within(noticed, "+ full/f")
		how, err := s.w.How(s.Context(), filepath.Join(s.root, "full/f"))
		if limit := (*LimitError)(nil); err != nil || how.Heard || !errors.As(how.Polled, &limit) {
			t.Errorf("have %+v, %v", how, err)
		}
		if how, err = s.w.How(s.Context(), filepath.Join(s.root, "f")); err != nil || !how.Heard || how.Polled != nil {
			t.Errorf("have %+v, %v", how, err)
		}
		// There is room again: at the next Watch it is heard, and the sweep ends.
		s.owner(func() { delete(s.refuse, "full") })
		if problems := s.watch(); len(problems) > 0 {
			t.Errorf("problems %v", problems)
		}
		time.Sleep(2 * DefaultPoll)
		if n, goesOn := s.polls(); n != 0 || goesOn {
			t.Errorf("%d folders are polled, goes on %v", n, goesOn)
		}
	})
}

// On a file system that does not tell all, what it tells is heard at once, and the rest is found.
func TestSilentFileSystem(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.owner(func() {
			s.w.silent = func(path string) string {
				if strings.Contains(path, "share") {
					return "nfs"
				}
				return ""
			}
		})
		if err := os.Mkdir(filepath.Join(s.root, "share"), 0o755); err != nil {
			t.Fatal(err)
		}
		s.event("share", fsnotify.Create)
		s.within(noticed, "+ share/")
		problems := s.watch()
		if silent := (*SilentError)(nil); len(problems) != 1 || !errors.As(problems[0], &silent) || silent.System != "nfs" {
			t.Errorf("problems %v", problems)
		}
		s.save("share/mine", "one")
		s.within(DefaultQuiet+lullQuiet+ms, "+ share/mine")
		s.silently("share/theirs", "one")
		s.within(noticed, "+ share/theirs")
	})
}

// Without one watch of the kernel everything is polled.
func TestKernelWithoutWatches(t *testing.T) {
	full := &LimitError{Name: "fs.inotify.max_user_instances", Err: syscall.EMFILE}
	root := newRoot(t)
	w := newWatcher(Config{Poll: 0}, exhausted{full}, nil, nil)
	defer w.Close()
	problems, err := w.Watch(t.Context(), Set{Dirs: []string{root}})
	if err != nil {
		t.Fatal(err)
	}
	if limit := (*LimitError)(nil); len(problems) != 1 || !errors.As(problems[0], &limit) {
		t.Errorf("problems %v", problems)
	}
	if err := os.WriteFile(filepath.Join(root, "f"), []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b := settled(t, w); len(b.Changes) != 1 || b.Changes[0].Op != Created {
		t.Errorf("have %+v", b)
	}
}
