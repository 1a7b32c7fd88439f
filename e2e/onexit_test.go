//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that exits with an error and has never served is not restarted before a change.
func TestWhatEndsWithAnErrorWaits(t *testing.T) {
	t.Parallel()
	runs := filepath.Join(t.TempDir(), "runs")
	program := func(word, last string) string {
		return `package main

import (
	"log"
	"os"
)

func main() {
	f, _ := os.OpenFile(` + "`" + runs + "`" + `, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	f.WriteString("` + word + `\n")
	log.Fatal("` + last + `")
}
`
	}
	count := func(word string) int {
		text, _ := os.ReadFile(runs)
		return strings.Count(string(text), word+"\n")
	}
	dir := newModule(t, map[string]string{"main.go": program("test", "3 of 7 have failed"),
		"version.go": "package main\n"})
	s := start(t, dir, ".")
	s.waitFor(`died before it was ready: exit code 1 after .*3 of 7 have failed; waiting for a change`)
	s.save("main.go", program("others", "dial tcp: connection refused"))
	s.waitFor(`died before it was ready: .*connection refused; next try in`)
	s.waitFor(`died before it was ready: .*; retried 3 times; waiting for a change`)
	s.save("note_test.go", "package main\n") // hotreload keeps running, and this file starts nothing
	s.save("main.go", program("again", "no"))
	s.waitFor(`died before it was ready: .*: .* no; waiting for a change`)
	for word, want := range map[string]int{"test": 1, "others": 4, "again": 1} {
		if have := count(word); have != want {
			t.Errorf("%s: %d runs, want %d", word, have, want)
		}
	}
}

func TestOnExitWait(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), "--on-exit", "wait", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	_, _ = s.get("/crash")
	s.waitFor(`died: exit code 3 after .*; waiting for a change`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
}

// While the next start is only waiting for its time, the screen says so.
func TestNextTryIsShown(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true}.start(t, newModule(t, map[string]string{"version.go": version("v1", "os.Exit(1)")}),
		"--on-exit", "restart", ".", "{addr}")
	s.waitFor(`next try in \d s, after \d+ in a row`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.waitFor(`generation 2 serves`)
}
