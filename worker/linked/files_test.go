//go:build linux || darwin

package linked_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/worker/host"
)

// TestFilesAreReported: each once before the first accept, and once more after it.
func TestFilesAreReported(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"read", "opened", "fs", "templates/a.html"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("FILES", dir)
	began := time.Now()
	tcp := freePort(t)
	s := newService(t, "default="+tcp)
	s.replace(true)
	want := map[string]host.How{
		"read": host.ToRead, "opened": host.ToRead, "fs": host.ToRead, "templates/a.html": host.ToRead, "templates": host.ToRead,
		"written": host.ToWrite, "created": host.ToWrite, "temporary": host.ToWrite, "log": host.ToReadOrWrite,
	}
	check := func(events []host.Event) {
		t.Helper()
		have := map[string]host.How{}
		for _, e := range events {
			if e, ok := e.(host.Opened); ok {
				name, err := filepath.Rel(dir, e.Path)
				if err != nil || strings.HasPrefix(name, "..") {
					continue // what its libraries open is not the point
				}
				if strings.HasPrefix(name, "temporary") {
					name = "temporary"
				} else if have[name] != 0 {
					t.Errorf("%s is reported twice", name)
				}
				have[name] = e.How
				if e.At.Before(began) || e.At.After(time.Now()) {
					t.Errorf("%s was opened at %s", name, e.At)
				}
			}
		}
		for name, how := range want {
			if have[name] != how {
				t.Errorf("%s: opened %d, want %d", name, have[name], how)
			}
		}
		if len(have) != len(want) {
			t.Errorf("have %v, want %v", have, want)
		}
	}
	var before []host.Event
	s.mu.Lock()
	for _, e := range s.events {
		if e == (host.Ready{Worker: s.current.worker}) {
			break
		}
		before = append(before, e)
	}
	served := len(s.events)
	s.mu.Unlock()
	check(before)

	response, err := http.Get("http://" + tcp + "/files")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if !s.Count(s.current.worker, 7) { // before it answers it tells what it has opened
		t.Fatal("it cannot be asked")
	}
	counted := func(e host.Event) bool {
		counts, ok := e.(host.Counts)
		return ok && counts.ID == 7
	}
	s.awaitThat(func(events []host.Event) bool { return slices.ContainsFunc(events[served:], counted) })
	s.mu.Lock()
	after := s.events[served:]
	after = after[:slices.IndexFunc(after, counted)]
	s.mu.Unlock()
	check(after)
	s.end(s.current)
	s.current = nil
}
