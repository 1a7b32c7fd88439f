//go:build linux || darwin

package agent_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/supervisor/host"
)

// TestFilesAreReported: each file once before the first accept, and once more after it; the count of openings on
// request; and the state of files that were open for writing.
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
		"read": host.ToRead, "opened": host.ToRead, "fs": host.ToRead, "templates/a.html": host.ToRead,
		"templates": host.ToRead,
		"written":   host.ToWrite, "created": host.ToWrite, "temporary": host.ToWrite, "log": host.ToReadOrWrite,
	}
	check := func(events []host.Event, asked bool) {
		t.Helper()
		have, counted, left := map[string]host.How{}, map[string]int{}, map[string]host.Wrote{}
		for _, e := range events {
			if e, ok := e.(host.Wrote); ok && e.At.After(began) {
				if name, err := filepath.Rel(dir, e.Path); err == nil {
					left[name] = e
				}
			}
			if e, ok := e.(host.Opened); ok {
				name, err := filepath.Rel(dir, e.Path)
				if err != nil || strings.HasPrefix(name, "..") {
					continue // openings elsewhere, by libraries, do not matter here
				}
				if e.How == host.Counted {
					counted[name] = e.Count
					continue
				}
				if e.Caller != "main.openAll" && e.Caller != "main.openAll, by html/template" &&
					e.Caller != "main.openAll, by text/template" &&
					e.Caller != "main.openAll, by path/filepath" && e.Caller != "main.openAll, by io/fs" {
					t.Errorf("%s was opened in %q", name, e.Caller)
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
		for _, name := range []string{"written", "created", "log"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			w, told := left[name]
			if !told || w.Held || !w.Only && name != "created" || !w.Modified.Equal(info.ModTime()) ||
				w.Inode != info.Sys().(*syscall.Stat_t).Ino {
				t.Errorf("%s is left as %+v, %v; it is %+v", name, w, told, info.Sys())
			}
		}
		for _, name := range []string{"read", "opened"} {
			if asked && counted[name] != 2 {
				t.Errorf("%s was opened %d times, want 2", name, counted[name])
			}
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
	check(before, false)

	response, err := http.Get("http://" + tcp + "/files")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if !s.Count(s.current.worker, 7) { // before the answer the agent reports the opened files
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
	check(after, true)
	s.end(s.current)
	s.current = nil
}

// TestSecondOpenings: a second opening of a file for a later request is reported, unless another file was opened at the
// same time for the first time: cached pages share their frame.
func TestSecondOpenings(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"frame", "one", "two", "twice", "held"} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("FILES", dir)
	tcp := freePort(t)
	s := newService(t, "default="+tcp)
	s.replace(true)
	asked := uint32(0)
	get := func(names ...string) { // in one request
		t.Helper()
		query := ""
		for _, name := range names {
			query += "&name=" + at(name)
		}
		response, err := http.Get("http://" + tcp + "/open?" + query)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	again := func() (all []string) { // when all reports have come
		time.Sleep(300 * time.Millisecond) // three times agent.beside: no event tells that nothing more will come
		asked++
		id := asked
		if !s.Count(s.current.worker, id) {
			t.Fatal("it cannot be asked")
		}
		s.awaitThat(func(events []host.Event) bool {
			return slices.ContainsFunc(events, func(e host.Event) bool { c, ok := e.(host.Counts); return ok && c.ID == id })
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.events {
			if e, ok := e.(host.Opened); ok && e.How == host.Again {
				all = append(all, filepath.Base(e.Path))
			}
		}
		slices.Sort(all)
		return all
	}
	check := func(what string, want ...string) {
		t.Helper()
		if have := again(); !slices.Equal(have, want) {
			t.Errorf("%s: have %v, want %v", what, have, want)
		}
	}
	get("frame", "one")
	check("the first time")
	get("two", "frame")
	check("beside something new")
	get("twice", "twice")
	check("twice for the same request")
	get("frame", "two")
	check("again", "frame", "two")
	get("frame", "one")
	get("frame", "two")
	check("each once", "frame", "one", "two")
	http.DefaultClient.CloseIdleConnections()
	s.end(s.current)
	s.current = nil
}

// TestWhatAnOpeningCosts: after all reports an opening takes no memory.
func TestWhatAnOpeningCosts(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FILES", dir)
	tcp, bare := freePort(t), freePort(t)
	s := newService(t, "default="+tcp)
	s.replace(true)
	_, plain := binaries(t)
	without := exec.Command(plain, "default="+bare)
	if err := without.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = without.Process.Kill(); _ = without.Wait() }()
	listening(t, "tcp", bare)
	cost := func(address string) (objects, ns int) {
		t.Helper()
		response, err := http.Get("http://" + address + "/cost?name=" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := fmt.Fscan(response.Body, &objects, &ns); err != nil {
			t.Fatal(err)
		}
		return objects, ns
	}
	for range 2 {
		have, took := cost(tcp)
		want, usual := cost(bare)
		t.Logf("with the agent %d objects and %d ns, without %d and %d", have, took, want, usual)
		if have != want {
			t.Errorf("an opening makes %d objects, want %d as without the agent", have, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	s.end(s.current)
	s.current = nil
}
