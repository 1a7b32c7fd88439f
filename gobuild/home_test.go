//go:build unix

package gobuild

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A program's files beside its binary lie beside the next binary, too, also in the next run, and after a killed run.
// The binaries themselves are removed.
func TestHomeOutlivesBinaries(t *testing.T) {
	root, dir := t.TempDir(), tree(t, hello)
	p := program(dir)
	real := func(a *Artifact) string {
		t.Helper()
		path, err := filepath.EvalSymlinks(a.Path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, err := NewBuilder(root)
	if err != nil {
		t.Fatal(err)
	}
	a := build(t, first, p)
	home := filepath.Dir(real(a))
	if !first.Owns(filepath.Join(home, "counter")) || !first.Beside(filepath.Join(home, "counter")) ||
		first.Beside(filepath.Join(first.run.dir, "x")) {
		t.Error("what lies beside the binary is not known as that")
	}
	write(t, filepath.Join(home, "counter"), "1")
	write(t, filepath.Join(home, "data/x"), "x")
	write(t, filepath.Join(dir, "word/word.go"), "package word\n\nfunc Word() string { return \"bye\" }\n")
	b := build(t, first, p)
	equal(t, "home of the next binary", filepath.Dir(real(b)), home)
	first.Release(a)
	equal(t, "home", names(t, home), under("", []string{"counter", "data", filepath.Base(real(b))}))

	dead, err := newRunFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(home, "hello."+filepath.Base(dead.dir)+".0123456789ab")
	write(t, left, "binary")
	dead.lock.Close() // as the end of a process does, however it ends
	second, err := NewBuilder(root)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "home after a run that was killed", names(t, home),
		under("", []string{"counter", "data", filepath.Base(real(b))}))
	c := build(t, second, p)
	equal(t, "home in another run", filepath.Dir(real(c)), home)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	equal(t, "output of a binary of the other run", output(t, c), "bye none")
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	equal(t, "home in the end", names(t, home), under("", []string{"counter", "data"}))
	equal(t, "cache folder in the end", names(t, root), under("", []string{homesName}))
}

// Two programs have two homes, and one without data has none in the end.
func TestHomesAreOfOneProgram(t *testing.T) {
	root := t.TempDir()
	b, err := NewBuilder(root)
	if err != nil {
		t.Fatal(err)
	}
	homes := map[string]bool{}
	for range 2 {
		path, err := filepath.EvalSymlinks(build(t, b, program(tree(t, hello))).Path)
		if err != nil {
			t.Fatal(err)
		}
		homes[filepath.Dir(path)] = true
	}
	if len(homes) != 2 {
		t.Errorf("two programs have the homes %v", homes)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestHomeOfManyRuns: several runs of one program share one home. One run ends and removes the empty home, while
// another run puts its binary there.
func TestHomeOfManyRuns(t *testing.T) {
	root := t.TempDir()
	home := filepath.Join(root, homesName, "app-01234567")
	var all sync.WaitGroup
	for run := range 4 {
		all.Go(func() {
			name := fmt.Sprintf("app.run-%d.x", run)
			for range 500 {
				out := filepath.Join(root, name)
				if err := os.WriteFile(out, []byte("binary"), 0o700); err != nil {
					t.Error(err)
					return
				}
				path := filepath.Join(home, name)
				if err := settle(out, path, filepath.Join(root, fmt.Sprint("run-", run), "app")); err != nil {
					t.Error(err)
					return
				}
				leaveHome(path)
			}
		})
	}
	all.Wait()
}
