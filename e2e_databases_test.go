//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A log, an SQLite and a bbolt file that are open from the start on and written to under load replace nobody.
func TestDatabasesReplaceNobody(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/databases")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", filepath.Join(dir, "..", "program"), ".")
	build.Dir = dir // which takes minutes the first time: SQLite is large
	if out, err := build.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "dial tcp") || strings.Contains(string(out), "module lookup disabled") {
			t.Skipf("the modules cannot be fetched:\n%s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
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
	s.save("note_test.go", "package main\n") // what was written before it has been judged when this is
	s.waitFor(`note_test.go created → none`)
	s.save("word.go", "package main\n\nconst word = \"two\"\n")
	s.waitFor(`generation 2 serves: word.go`)
	load("two")
	s.save("note_test.go", "package main\n\n// more\n")
	s.waitFor(`note_test.go written → none`)
	if n := s.count(`generation \d+ starts`); n != 2 {
		t.Errorf("%d generations were started, want 2", n)
	}
	if n := s.count(`(app.bolt|app.db|server.log) written → none: the workers`); n == 0 {
		t.Errorf("nothing was heard of what is written, so this proves nothing")
	}
}
