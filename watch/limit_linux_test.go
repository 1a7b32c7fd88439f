package watch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// inNamespace reports whether the test runs in a separate user namespace, where limits affect no other process.
var inNamespace = os.Getenv("HOTRELOAD_TEST_NAMESPACE") != ""

// elsewhere runs the test in a namespace, and reports whether it has.
func elsewhere(t *testing.T) bool {
	if inNamespace {
		return false
	}
	t.Parallel()
	command := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v",
		"-test.timeout=60s")
	command.Env = append(os.Environ(), "HOTRELOAD_TEST_NAMESPACE=1")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("no user namespaces here: %v", err)
	case err != nil || !strings.Contains(string(out), "--- PASS"):
		t.Errorf("%v\n%s", err, out)
	}
	return true
}

func setLimit(t *testing.T, name string, value int) {
	t.Helper()
	// Not fs.inotify, whose limits apply to all users.
	if err := os.WriteFile("/proc/sys/user/"+name, fmt.Append(nil, value), 0); err != nil {
		t.Fatal(err)
	}
}

// manyFolders makes folders and watches them as trees.
func manyFolders(t *testing.T) (s *script, want string) {
	s = &script{t: t, root: newRoot(t), changes: make(map[string]Change)}
	for i := range 20 {
		s.run(fmt.Sprintf("mkdir d%02d\nwrite d%02d/f one", i, i))
	}
	return s, "20 folders"
}

// watchLimited watches, and checks that there is one Problem for the limit.
func (s *script) watchLimited(limit string) *PolledError {
	s.t.Helper()
	problems, err := s.w.Watch(testContext(s.t), Set{Trees: []string{s.root}})
	if err != nil {
		s.t.Fatal(err)
	}
	var polled *PolledError
	var reached *LimitError
	if len(problems) != 1 || !errors.As(problems[0], &polled) || !errors.As(problems[0], &reached) {
		s.t.Fatalf("problems: %v", problems)
	}
	s.t.Log(problems[0])
	if polled.Reason != Limited || reached.Name != limit || reached.Value <= 0 || reached.Used <= 0 ||
		reached.Used > reached.Value || reached.Raise == "" {
		s.t.Errorf("have %+v, %+v", polled, reached)
	}
	return polled
}

// seesAll changes a file in each folder, adds one, and waits until everything was reported once.
func (s *script) seesAll() {
	s.t.Helper()
	told := make(map[string]int)
	for i := range 20 {
		for _, name := range []string{"f", "new"} { // in one step, because a file seen empty is seen twice
			path := filepath.Join(s.root, fmt.Sprintf("d%02d", i), name)
			if err := first(os.WriteFile(s.root+".aside", []byte("two"), 0o644),
				os.Rename(s.root+".aside", path)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for len(told) < 40 {
		b := settled(s.t, s.w)
		for _, p := range b.Problems {
			s.t.Error(p)
		}
		for _, c := range b.Changes {
			told[c.Path]++
		}
	}
	receiveDuring(s.w, func() { waitForRounds(s.t, s.w, 2) }, func(b Batch) {
		for _, c := range b.Changes {
			told[c.Path]++
		}
	})
	for path, n := range told {
		if n != 1 {
			s.t.Errorf("%s was told %d times", path, n)
		}
	}
}

// openQuick starts a watcher with a short interval of polling.
func openQuick(t *testing.T) *Watcher {
	w := open(t, Config{Quiet: 100 * time.Millisecond})
	if err := w.ask(t.Context(), func() { w.polling.polled = pollSweep(40 * time.Millisecond) }); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestLimitOfWatches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	if elsewhere(t) {
		return
	}
	setLimit(t, "max_inotify_watches", 8)
	s, _ := manyFolders(t)
	s.w = openQuick(t)
	polled := s.watchLimited("user.max_inotify_watches")
	if polled.Folders < 13 || polled.Folders > 14 { // the probe may hold one for a moment
		t.Errorf("%d folders are polled, want 13 of 21", polled.Folders)
	}
	s.seesAll()

	// The limit is raised: the next Watch hears everything.
	setLimit(t, "max_inotify_watches", 100)
	if problems, err := s.w.Watch(testContext(t), Set{Trees: []string{s.root}}); err != nil || len(problems) > 0 {
		t.Errorf("problems: %v, %v", problems, err)
	}
}

// A limit that is reached later is reported in a batch, once.
func TestLimitOfWatchesLater(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	if elsewhere(t) {
		return
	}
	setLimit(t, "max_inotify_watches", 8)
	s := &script{t: t, root: newRoot(t), changes: make(map[string]Change)}
	s.w = openQuick(t)
	s.run("set tree .\nbulk src 300 one")
	var problems []Problem
	told := make(map[string]bool)
	for len(told) < 331 || len(problems) == 0 {
		b := settled(t, s.w)
		problems = append(problems, b.Problems...)
		for _, c := range b.Changes {
			told[c.Path] = true
		}
	}
	receiveDuring(s.w, func() { waitForRounds(t, s.w, 3) },
		func(b Batch) { problems = append(problems, b.Problems...) })
	if limit := (*LimitError)(nil); len(problems) != 1 || !errors.As(problems[0], &limit) {
		t.Errorf("problems: %v", problems)
	}
}

func TestLimitOfInstances(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	if elsewhere(t) {
		return
	}
	setLimit(t, "max_inotify_instances", 1)
	other, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s, _ := manyFolders(t)
	s.w = openQuick(t)
	if polled := s.watchLimited("user.max_inotify_instances"); polled.Folders != 21 {
		t.Errorf("%d folders are polled, want 21", polled.Folders)
	}
	s.seesAll()
}

// useUp takes all descriptors. The returned function gives them back.
func useUp(t *testing.T) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	next := f.Fd()
	f.Close()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) }
}

func TestLimitOfOpenFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	if elsewhere(t) {
		return
	}
	s, _ := manyFolders(t)
	restore := useUp(t)
	s.w = openQuick(t)
	problems, err := s.w.Watch(testContext(t), Set{Trees: []string{s.root}})
	restore()
	if err != nil {
		t.Fatal(err)
	}
	var limit *LimitError
	if len(problems) != 1 || !errors.As(problems[0], &limit) || limit.Name != openFiles {
		t.Fatalf("problems: %v", problems)
	}
	t.Log(problems[0])
	// Not even the names could be read. They are read as soon as possible; existing files then count as new.
	for told := make(map[string]bool); len(told) < 40; {
		for _, c := range settled(t, s.w).Changes {
			told[c.Path] = true
		}
	}
	s.seesAll()
}

// A change is noticed although no file can be opened.
func TestOpenFilesAreUsedUpLater(t *testing.T) {
	if elsewhere(t) {
		return
	}
	s, _ := manyFolders(t)
	s.w = openQuick(t)
	mustWatch(t, s.w, Set{Trees: []string{s.root}})
	f, err := os.OpenFile(filepath.Join(s.root, "d05", "f"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	restore := useUp(t)
	defer restore()
	fmt.Fprintln(f, "more")
	if changes := settled(t, s.w).Changes; len(changes) != 1 || changes[0].Op != Written {
		t.Errorf("have %v", changes)
	}
}
