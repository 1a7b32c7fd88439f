package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// silentKernel hears nothing by itself: events are what the test says. So time can be virtual, and events can be lost.
type silentKernel struct {
	events chan fsnotify.Event
	errors chan error
	refuse map[string]error // by base name: the result of Add
	added  []string
}

func (k *silentKernel) Add(path string) error {
	k.added = append(k.added, path)
	return k.refuse[filepath.Base(path)]
}
func (k *silentKernel) Remove(string) error { return nil }
func (k *silentKernel) Close() error        { return nil }

// stage is a watcher in virtual time on a real folder, watched as a tree.
type stage struct {
	*testing.T
	*silentKernel
	w    *Watcher
	root string
}

const ms = time.Millisecond

func onStage(t *testing.T, config Config, play func(*stage)) {
	root := t.TempDir()
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now)) // a test begins in 2000, but files have the present time
		k := &silentKernel{events: make(chan fsnotify.Event), errors: make(chan error), refuse: make(map[string]error)}
		s := &stage{t, k, newWatcher(config, k, k.events, k.errors), root}
		s.owner(func() { s.w.polling.heard.round = 0 }) // no patrol: changes without an event stay unseen
		s.watch()
		play(s)
		if err := s.w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// owner runs f on the owner's goroutine, to which the kernel belongs.
func (s *stage) owner(f func()) {
	if err := s.w.ask(s.Context(), f); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) watch() []Problem {
	s.Helper()
	problems, err := s.w.Watch(s.Context(), Set{Trees: []string{s.root}})
	if err != nil {
		s.Fatal(err)
	}
	return problems
}

// save writes a file, with an event or (silently) without.
func (s *stage) save(name, content string) { s.silently(name, content); s.event(name, fsnotify.Write) }

func (s *stage) silently(name, content string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.root, name), []byte(content), 0o644); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) event(name string, op fsnotify.Op) {
	s.events <- fsnotify.Event{Name: filepath.Join(s.root, name), Op: op}
}

// receive receives a batch, and checks the changes ("+ a ~ b") and the delay.
func (s *stage) receive(after time.Duration, settled bool, changes string) Batch {
	s.Helper()
	start := time.Now()
	select {
	case b := <-s.w.Batches():
		checkForm(s.T, b)
		if have := time.Since(start); have != after {
			s.Errorf("came after %v, want %v", have, after)
		}
		if b.Settled != settled {
			s.Errorf("settled is %v", b.Settled)
		}
		if have := s.words(b); have != changes {
			s.Errorf("have %q, want %q", have, changes)
		}
		return b
	case <-time.After(time.Minute):
		s.Fatal("no batch came")
	}
	return Batch{}
}

// words formats a batch: "+ a ~ b".
func (s *stage) words(b Batch) string {
	lines := &script{t: s.T, root: s.root}
	var have []string
	for _, c := range b.Changes {
		have = append(have, lines.line(c))
	}
	return strings.Join(have, " ")
}

func (s *stage) nothing() {
	s.Helper()
	select {
	case b := <-s.w.Batches():
		s.Errorf("a batch came: %+v", b)
	case <-time.After(time.Minute):
	}
}

func TestFirstComesUnsettled(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		s.receive(5*ms, false, "+ a")
		s.save("b", "one")
		s.receive(5*ms, false, "+ a + b")
		s.receive(45*ms, true, "+ a + b")
		s.save("a", "two")
		s.receive(5*ms, false, "~ a")
		s.receive(45*ms, true, "~ a")
		s.nothing()
	})
}

// TestHalfASave: a file that was truncated and not yet written keeps the batch open for longer.
func TestHalfASave(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		s.save("b", "one")
		s.receive(5*ms, false, "+ a + b")
		s.receive(45*ms, true, "+ a + b")
		s.save("a", "")
		s.receive(5*ms, false, "~ a")
		time.Sleep(200 * ms) // the writer is slow
		s.save("a", "two")
		s.receive(5*ms, false, "~ a")
		s.receive(45*ms, true, "~ a")
		s.save("a", "") // meant
		s.receive(5*ms, false, "~ a")
		s.receive(295*ms, true, "~ a")
		s.save("b", "two") // an empty file of an earlier batch delays nothing
		s.receive(5*ms, false, "~ b")
		s.receive(45*ms, true, "~ b")
	})
}

func TestAnEventIsNoChange(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.silently("a", "one")
		s.watch()
		s.event("a", fsnotify.Create)
		s.receive(5*ms, false, "+ a")
		s.receive(45*ms, true, "+ a")
		for range 100 {
			s.event("a", fsnotify.Write)
			s.event("b", fsnotify.Create)
			s.event("b", fsnotify.Remove)
			time.Sleep(3 * ms)
		}
		s.nothing()
	})
}

func TestAttributesAreNoEvent(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.silently("a", "one")
		s.event("a", fsnotify.Chmod)
		s.nothing()
		s.event("a", fsnotify.Chmod|fsnotify.Write)
		s.receive(5*ms, false, "+ a")
	})
}

func TestEventsWithoutEndDoNotHoldUpTheLook(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		for range 10 {
			time.Sleep(2 * ms)
			s.event("log", fsnotify.Write)
		}
		s.receive(0, false, "+ a")
	})
}

func TestMaxWait(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		start := time.Now()
		ended := make(chan struct{})
		stop := make(chan struct{})
		go func() { // ended and awaited below
			defer close(ended)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(10 * ms):
					s.save("a", fmt.Sprint(i))
				}
			}
		}()
		for i := 1; i <= 3; i++ {
			settled(s.T, s.w)
			if have, want := time.Since(start), time.Duration(i)*time.Second; have < want || have > want+
				time.Duration(i)*50*ms {
				s.Errorf("batch %d is settled after %v", i, have)
			}
		}
		close(stop)
		<-ended
	})
}

func TestNothingIsLostWhileTheConsumerIsBusy(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		began := time.Now()
		s.save("a", "one")
		s.receive(5*ms, false, "+ a")
		for _, name := range []string{"b", "c", "d"} { // each is settled before the next
			s.save(name, "one")
			time.Sleep(time.Second)
		}
		s.save("a", "two")
		time.Sleep(time.Second)
		b := s.receive(0, true, "+ a + b + c + d")
		if b.Began != began || b.Last != began.Add(5*ms+3*time.Second) {
			s.Errorf("began after %v, last after %v", b.Began.Sub(began), b.Last.Sub(began))
		}
		s.nothing()
	})
}

func TestSettledAndMoreComesBeforeItIsReceived(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		time.Sleep(time.Second)
		s.save("b", "one")
		time.Sleep(10 * ms)
		s.receive(0, false, "+ a + b")
		s.receive(40*ms, true, "+ a + b")
	})
}

func TestUndone(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		s.receive(5*ms, false, "+ a")
		if err := os.Remove(filepath.Join(s.root, "a")); err != nil {
			s.Fatal(err)
		}
		s.event("a", fsnotify.Remove)
		s.receive(5*ms, false, "")
		s.receive(45*ms, true, "")

		s.save("a", "one")
		time.Sleep(10 * ms)
		if err := os.Remove(filepath.Join(s.root, "a")); err != nil {
			s.Fatal(err)
		}
		s.event("a", fsnotify.Remove)
		time.Sleep(10 * ms)
		s.nothing()
	})
}

func TestOverflow(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.errors <- fsnotify.ErrEventOverflow // no difference, so no report
		s.nothing()
		s.save("a", "one")
		if b := s.receive(5*ms, false, "+ a"); b.Overflow {
			s.Error("an overflow that is over")
		}
		s.receive(45*ms, true, "+ a")

		if err := os.MkdirAll(filepath.Join(s.root, "d", "e"), 0o755); err != nil {
			s.Fatal(err)
		}
		s.silently("d/e/f", "one")
		s.silently("a", "two")
		s.errors <- fsnotify.ErrEventOverflow
		s.receive(5*ms, false, "~ a + d/ + d/e/ + d/e/f")
		if b := s.receive(45*ms, true, "~ a + d/ + d/e/ + d/e/f"); !b.Overflow {
			s.Error("the overflow is not told")
		}
		s.owner(func() { s.added = nil })
		s.errors <- fsnotify.ErrEventOverflow // watches forgotten by the kernel are added again
		s.nothing()
		s.owner(func() {
			if want := filepath.Join(s.root, "d", "e"); !slices.Contains(s.added, want) {
				s.Errorf("%s is not heard again, only %q", want, s.added)
			}
		})
	})
}

func TestSyncSeesWhatTheKernelDidNotTell(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.silently("a", "one")
		if err := s.w.Sync(s.Context()); err != nil {
			s.Fatal(err)
		}
		s.receive(0, false, "+ a")
		s.receive(50*ms, true, "+ a")
		if err := s.w.Sync(s.Context()); err != nil {
			s.Fatal(err)
		}
		s.nothing()
	})
}

func TestIgnoredNowLeavesTheBatch(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		s.save("b", "one")
		s.receive(5*ms, false, "+ a + b")
		if err := s.w.SetIgnored(s.Context(), matching("b")); err != nil {
			s.Fatal(err)
		}
		s.receive(0, false, "+ a")
		s.receive(50*ms, true, "+ a")
	})
}

func TestSourceFails(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.silently("a", "one")
		s.errors <- syscall.EIO
		b := s.receive(5*ms, false, "+ a")
		if len(b.Problems) != 1 || !errors.Is(b.Problems[0], syscall.EIO) {
			s.Errorf("problems: %v", b.Problems)
		}
	})
}

func TestProblems(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		if _, err := s.w.Watch(s.Context(), Set{}); err != nil {
			s.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(s.root, "full", "below"), 0o755); err != nil {
			s.Fatal(err)
		}
		s.silently("plain", "")
		s.owner(func() {
			s.refuse["full"] = os.NewSyscallError("inotify_add_watch", syscall.ENOSPC)
			s.refuse["secret"] = &fs.PathError{Op: "add", Path: "secret", Err: fs.ErrPermission}
		})
		path := func(name string) string { return filepath.Join(s.root, name) }

		problems, err := s.w.Watch(s.Context(), Set{
			Trees: []string{s.root},
			Dirs:  []string{path("missing/deep"), path("plain")},
			Files: []string{path("missing/file")},
		})
		if err != nil {
			s.Fatal(err)
		}
		var have []string
		for _, p := range problems {
			have = append(have, fmt.Sprint(strings.TrimPrefix(p.Path, s.root+"/"), " ",
				errors.Is(p, fs.ErrNotExist), errors.Is(p, syscall.ENOTDIR), errors.Is(p, syscall.ENOSPC)))
		}
		compare(s.T, have, []string{"full false false true", "missing/deep true false false", "plain false true false"})
		if limit := (*LimitError)(nil); !errors.As(problems[0], &limit) {
			s.Errorf("not a limit: %v", problems[0])
		}

		// The rest is watched; even what is not heard is known.
		s.silently("full/below/f", "one")
		s.event("full/below/f", fsnotify.Create)
		s.receive(5*ms, false, "+ full/below/f")
		s.receive(45*ms, true, "+ full/below/f")
		s.silently("full/f", "one")
		if err := s.w.Sync(s.Context()); err != nil {
			s.Fatal(err)
		}
		s.receive(0, false, "+ full/f")
		s.receive(50*ms, true, "+ full/f")

		// A new one is told with the batch, once.
		if err := os.Mkdir(path("secret"), 0o755); err != nil {
			s.Fatal(err)
		}
		s.event("secret", fsnotify.Create)
		s.receive(5*ms, false, "+ secret/")
		b := s.receive(45*ms, true, "+ secret/")
		if len(b.Problems) != 1 || b.Problems[0].Path != path("secret") || !errors.Is(b.Problems[0], fs.ErrPermission) {
			s.Errorf("problems: %v", b.Problems)
		}
		s.save("a", "one")
		if b := s.receive(5*ms, false, "+ a"); len(b.Problems) != 0 {
			s.Errorf("problems: %v", b.Problems)
		}
		s.receive(45*ms, true, "+ a")

		// Each Watch tries again.
		s.owner(func() { clear(s.refuse) })
		if problems := s.watch(); len(problems) != 0 {
			s.Errorf("problems: %v", problems)
		}
	})
}

func TestManyNamesInOneFolder(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		for i := range 3 * namesMost {
			s.event(fmt.Sprint("no", i), fsnotify.Create)
		}
		s.silently("a", "one") // no event: the folder is looked at as a whole
		s.receive(5*ms, false, "+ a")
	})
}

func TestClosed(t *testing.T) {
	onStage(t, Config{}, func(s *stage) {
		s.save("a", "one")
		s.w.Close()
		if _, err := s.w.Watch(s.Context(), Set{}); err != ErrClosed {
			s.Error(err)
		}
		if err := s.w.Sync(s.Context()); err != ErrClosed {
			s.Error(err)
		}
		if _, ok := <-s.w.Batches(); ok {
			s.Error("the batches go on")
		}
	})
}
