// Package testplace gives tests folders whose names come again, for what go builds.
//
// go's cache knows a package by the path of its folder. In a folder of t.TempDir, whose name is always new, go compiles
// the agent and all packages of a test's module once more: half of what a session with a small program costs. So tests
// make their modules in places: numbered folders that one test has after the other.
//
// A place is one test's until the test ends, and is empty when a test gets it. Other runs of tests can go on beside: a
// place is locked. A test in which a compiler has to run must compile what was never compiled before.
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

// taken are the places that tests have.
var (
	mu    sync.Mutex // guards what is below
	taken = map[testing.TB]*place{}
)

type place struct {
	root    string
	folders int // that the test has asked for
}

// Folder returns an empty folder of the test's own, which goes with the test. The folder above is the test's, too.
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
