package gobuild

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/door"
)

func TestDeadRunsAreRemovedAndLivingKept(t *testing.T) {
	root := t.TempDir()
	living, err := NewBuilder(root)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := newRunFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dead.dir, "bin/x/server"), "binary")
	dead.lock.Close() // as the end of a process does, however it ends
	write(t, filepath.Join(root, runPrefix+"1-nolock/bin/x"), "binary")
	write(t, filepath.Join(root, runPrefix+"2-orphan.lock"), "")
	write(t, filepath.Join(root, "the user's"), "x")

	next, err := NewBuilder(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Base(living.run.dir), filepath.Base(living.run.dir) + ".lock",
		filepath.Base(next.run.dir), filepath.Base(next.run.dir) + ".lock", "the user's"}
	equal(t, "cache folder", names(t, root), under("", want))
	if err := errors.Join(living.Close(), next.Close()); err != nil {
		t.Error(err)
	}
	equal(t, "after Close", names(t, root), []string{"the user's"})
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return under("", names)
}

// Many starts at once: no run takes the folder of another run that is just starting.
func TestRunsThatStartTogether(t *testing.T) {
	root := t.TempDir()
	const runs = 20
	builders := make(chan *Builder, runs)
	for range runs {
		go func() {
			b, err := NewBuilder(root)
			if err != nil {
				t.Error(err)
			}
			builders <- b
		}()
	}
	for range runs {
		if b := <-builders; b != nil {
			defer b.Close()
			if _, err := os.Stat(b.run.dir); err != nil {
				t.Error(err)
			}
			if !stillThere(b.run.lock) {
				t.Error("the lock is gone")
			}
		}
	}
}

func TestUnwritableCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "not a folder")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP", tmp)
	b, err := NewBuilder(filepath.Join(file, "hotreload"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !strings.HasPrefix(b.run.dir, tmp) {
		t.Errorf("it uses %s", b.run.dir)
	}
	if notice := b.Notice(); !errors.Is(notice, NoCache) || !strings.Contains(notice.Error(), "hint: ") {
		t.Errorf("have %v", notice)
	}

	t.Setenv("TMPDIR", file)
	t.Setenv("TMP", file)
	if _, err := NewBuilder(filepath.Join(file, "hotreload")); !errors.Is(err, NoCache) {
		t.Errorf("have %v", err)
	}
}

func TestTemporaryFolderOfOthersIsNotUsed(t *testing.T) {
	info, err := os.Stat(t.TempDir())
	if err != nil || !door.Private(info) {
		t.Errorf("our own folder is not private: %v", err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if info, _ = os.Stat(dir); door.Private(info) && filepath.Separator == '/' {
		t.Error("a folder that all can write to is not private")
	}
}

// The lock must not outlive us in a child.
func TestChildrenDoNotHoldTheLock(t *testing.T) {
	root := t.TempDir()
	run, err := newRunFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("the command sleep is not installed: ", err)
	}
	cmd := exec.Command(sleep, "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	run.lock.Close()
	removeDead(root)
	equal(t, "left", names(t, root), nil)
}

func TestContentID(t *testing.T) {
	dir := t.TempDir()
	id := func(content string) string {
		t.Helper()
		path := filepath.Join(dir, "x")
		write(t, path, content)
		id, err := contentID(path)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	const a, b, c = "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "-_cccccccccccccccccc"
	built := "\x7fELF\x00Go\x00\x00" + a + "/" + a + "/" + a + "/" + c + "\x00text"
	other := "\x7fELF\x00Go\x00\x00" + b + "/" + b + "/" + b + "/" + c + "\x00text"
	if id(built) != id(other) {
		t.Error("what went in is not what came out")
	}
	if len(id(built)) != 30 || id(built) == id(strings.Replace(built, c, b, 1)) {
		t.Error("the content hash counts")
	}
	if len(id("x")) != 64 || id("x") == id("y") || id("") == "" {
		t.Error("without a build ID it is the hash of the file")
	}
	long := strings.Repeat("x", idWithin)
	if id(long+"1") == id(long+"2") {
		t.Error("all of the file counts")
	}
}
