package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watchesOfThisProcess counts the watches in the kernel's way.
func watchesOfThisProcess(t *testing.T) (n int) {
	files, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		n += inotifyWatches(f)
	}
	return n
}

// A large tree beside the watched folders costs nothing: 20,000 folders with 200,000 files, if HOTRELOAD_SOAK is set.
// The test is not parallel, because watches of other tests would be counted, too.
func TestALargeTreeBesideCostsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	folders := 200
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		folders = 20_000
	}
	s := &script{t: t, root: newRoot(t), changes: make(map[string]Change)}
	set := Set{Files: []string{filepath.Join(s.root, "go.mod"), markOf(s.root)}}
	s.run("write go.mod x")
	for i := range 40 {
		name := fmt.Sprintf("internal/p%02d", i)
		s.run("mkdir " + name + "\nwrite " + name + "/a.go one")
		set.Dirs = append(set.Dirs, filepath.Join(s.root, name))
	}
	cost := func(set Set) (watches int) {
		start := time.Now()
		s.w = open(t, Config{Quiet: 40 * time.Millisecond, Ignored: matching("node_modules")})
		mustWatch(t, s.w, set)
		took := time.Since(start)
		s.run("write internal/p07/a.go two\nwrite node_modules/m/d00/f0 two")
		s.lines = nil
		s.collect() // the probe is over by now
		compare(t, s.lines, []string{"~ internal/p07/a.go"})
		s.run("write internal/p07/a.go one")
		s.collect()
		watches = watchesOfThisProcess(t)
		t.Logf("%d watches, watched after %v", watches, took)
		if err := s.w.Close(); err != nil {
			t.Error(err)
		}
		return watches
	}
	tree := Set{Trees: []string{s.root}, Files: set.Files}
	s.run("mkdir node_modules/m/d00\nmkdir vendored")
	alone, treeAlone := cost(set), cost(tree)

	for i := range folders {
		s.run(fmt.Sprintf("bulk node_modules/m%d 10 x", i))
	}
	if have := cost(set); have != alone || have > 40+6 {
		t.Errorf("%d watches beside the large tree, %d without: there are 40 folders", have, alone)
	}
	if have := cost(tree); have != treeAlone {
		t.Errorf("%d watches for a tree with a large folder that is ignored, %d without it", have, treeAlone)
	}
}
