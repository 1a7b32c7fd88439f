//go:build unix

package e2e

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"hotreload/internal/testmodules"
)

// A log, an SQLite file and a bbolt file, open from the start and written under load, cause no replacement.
func TestDatabasesReplaceNobody(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/databases")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", filepath.Join(dir, "..", "program"), ".")
	build.Dir = dir // this takes minutes the first time, because SQLite is large
	out, err := build.CombinedOutput()
	testmodules.Require(t, err, string(out))
	s := start(t, dir, "-v", "--strategy", "stop-first", ".", "{addr}")
	load := func(word string) {
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for range 25 {
					s.serves(word)
				}
			})
		}
		clients.Wait()
	}
	s.waitFor(`generation 1 serves`)
	load("one")
	s.save("note_test.go", "package main\n") // once this change is classified, so are all earlier writes
	s.waitFor(`note_test.go created → none`)
	s.save("word.go", "package main\n\nconst word = \"two\"\n")
	s.waitFor(`generation 2 serves: word.go`)
	load("two")
	s.save("note_test.go", "package main\n\n// more\n")
	s.waitFor(`note_test.go written → none`)
	if n := s.count(`generation \d+ starts`); n != 2 {
		t.Errorf("%d generations were started, want 2", n)
	}
	if n := s.count(`(app.bolt|app.db|server.log) written → none: written by the workers`); n == 0 {
		t.Errorf("hotreload did not notice the writes, so the test proves nothing")
	}
}
