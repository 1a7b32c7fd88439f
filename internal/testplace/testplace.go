// Package testplace gives tests folders with recurring names, for builds.
//
// go's cache knows a package by the path of its folder. t.TempDir always has a new name, so go compiles the agent and
// all packages of a test's module once more there: half the time of a session with a small program. So tests make their
// modules in places: numbered folders, used by one test after the other.
//
// A place belongs to one test until the test ends, and is empty at the beginning. Several runs of tests may share the
// places: a lock protects each place. If a test needs a run of the compiler, the test must compile something new.
//
// On systems other than Linux and macOS, places are folders of t.TempDir.
package testplace

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// taken has the places in use.
var (
	mu    sync.Mutex // guards what is below
	taken = map[testing.TB]*place{}
)

type place struct {
	root    string
	folders int // number of folders requested by the test
}

// Folder returns an empty folder for the test alone, removed after the test. The parent folder belongs to the test,
// too.
func Folder(t testing.TB) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	p := taken[t]
	if p == nil {
		p = &place{root: take(t)}
		taken[t] = p
		t.Cleanup(func() {
			mu.Lock()
			defer mu.Unlock()
			delete(taken, t)
		})
	}
	p.folders++
	dir := filepath.Join(p.root, fmt.Sprintf("%03d", p.folders))
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}
