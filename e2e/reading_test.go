//go:build unix

package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// knows waits until a file that the program has read is watched.
func (s *session) knows(path string) {
	s.t.Helper()
	for end := time.Now().Add(patience); ; {
		out, _ := s.command("explain", path)
		first, _, _ := strings.Cut(out, "\n")
		if strings.Contains(first, " by the workers") && strings.HasSuffix(first, " · watched") || strings.Contains(first,
			"read ") && strings.HasSuffix(first, " · watched") {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s is not known: %s", path, out)
		}
		time.Sleep(10 * time.Millisecond) // between two requests
	}
}

// TestExplainHasTheEvidence: explain tells when, by whom, by which function and how often a file was read; without a
// path, it lists all known files.
func TestExplainHasTheEvidence(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := startControlled(t, dir, ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	matches := func(text, pattern string) bool { return regexp.MustCompile(pattern).MatchString(text) }
	for range 3 {
		if _, err := s.get("/motto"); err != nil {
			t.Fatal(err)
		}
	}
	out, code := s.command("explain", "motto.txt")
	if code != 0 || !matches(out,
		`(?m)^motto.txt → (live|restart): .*\n  read since · pid \d+ of generation 1 · at \d\d:\d\d:\d\d\.\d+`+
			`(, last at \S+)? · in main\..* · 3 times`) {
		t.Errorf("exit code %d, %s", code, out)
	}
	out, code = s.command("explain")
	if code != 0 || !matches(out,
		`(?s)^motto.txt → .*templates/page.html → restart: .*\n  read before ready · pid \d+ of generation 1 · `+
			`at \S+ · in main.main, by html/template`) {
		t.Errorf("all: exit code %d, %s", code, out)
	}
	if out, code := s.command("explain", "--json"); code != 0 || !matches(out, `"what": "read since"`) || !matches(out,
		`"count": 3`) {
		t.Errorf("JSON: exit code %d, %s", code, out)
	}
}

// keeper is a server that caches page.html at its start, and parses late.html at the first request.
const keeper = `package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
)

func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

var late = sync.OnceValue(func() string { return read("late.html") })

func main() {
	page := read("page.html")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, page) })
	http.HandleFunc("/late", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, late()) })
	http.HandleFunc("/fresh", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, read("fresh.html")) })
	fmt.Println(http.ListenAndServe(os.Args[1], nil))
}
`

// TestWaitTellsTheTruth: when hotreload wait returns 0, the last save has taken effect, whatever its class.
func TestWaitTellsTheTruth(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"main.go": keeper, "page.html": "0", "late.html": "0", "fresh.html": "0"})
	s := startControlled(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	paths := map[string]string{"page.html": "/", "late.html": "/late", "fresh.html": "/fresh"}
	for _, path := range paths {
		_, _ = s.get(path)
	}
	for i := range 30 {
		name := []string{"page.html", "late.html", "fresh.html"}[i%3]
		want := fmt.Sprint(i + 1)
		s.save(name, want)
		if out, code := s.command("wait"); code != 0 {
			t.Fatalf("wait: exit code %d, %s", code, out)
		}
		if have, err := s.get(paths[name]); err != nil || have != want {
			t.Fatalf("after wait, save %d of %s: %q (%v), want %q", i, name, have, err, want)
		}
	}
}

// TestManySaves: a template that is saved again and again is served in its last version, and costs little.
func TestManySaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		every time.Duration
		times int
	}{{"every 300 ms for 20 s", 300 * time.Millisecond, 66}, {"50 times in 2 s", 40 * time.Millisecond, 50}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, map[string]string{"main.go": keeper, "page.html": "0", "late.html": "0", "fresh.html": "0"})
			s := startControlled(t, dir, ".", "{addr}")
			s.waitFor(`generation 1 serves`)
			s.knows("page.html")
			tick := time.NewTicker(c.every)
			defer tick.Stop()
			for i := range c.times {
				<-tick.C
				s.save("page.html", fmt.Sprint(i+1))
			}
			if out, code := s.command("wait"); code != 0 {
				t.Errorf("wait: exit code %d, %s", code, out)
			}
			if have, err := s.get("/"); err != nil || have != fmt.Sprint(c.times) {
				t.Errorf("the server answers %q (%v), want %d", have, err, c.times)
			}
			if n := s.count(`generation \d+ serves`); n > 12 {
				t.Errorf("have %d generations, which are too many", n)
			}
		})
	}
}
