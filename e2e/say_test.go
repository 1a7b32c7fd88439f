//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/control"
)

// newSay creates a module that imports hotreload/worker and contains one of the examples.
func newSay(t *testing.T, example string) string {
	t.Helper()
	notShort(t)
	dir := copyOf(t, filepath.Join("testdata/say", example))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(dir, "go.mod"), "module example.com/say\n\ngo 1.25.0\n\nrequire hotreload v0.0.0\n\n"+
		"replace hotreload => "+here+"\n")
	return dir
}

// TestMessagesByCommand: commands send messages to a pool of two workers, also while it is replaced.
func TestMessagesByCommand(t *testing.T) {
	t.Parallel()
	dir := newSay(t, "pool")
	s := startControlled(t, dir, "--workers", "2", ".")
	s.waitFor(`generation 1 serves`)
	s.expectCommand(0, `^\{"worker":[01],"pid":\d+,"generation":1\}\n$`, "send", `{}`)
	s.expectCommand(0, `^\{"worker":1,"pid":\d+,"generation":1\}\n$`, "send", "1", `{}`)
	s.expectCommand(2, `a message must be a JSON document`, "send", `hello`)
	s.expectCommand(2, `no such slot: 7`, "send", "7", `{}`)
	s.expectCommand(1, `no worker has dealt with it in time`, "send", "--timeout", "100ms", `{"wait":"3s"}`)

	out, code := s.command("broadcast", "--json", `{}`)
	var workers []int
	for line := range strings.Lines(out) {
		var a control.Answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		workers = append(workers, a.Worker.Slot)
	}
	if code != 0 || len(workers) != 2 || workers[0] == workers[1] {
		t.Errorf("broadcast: exit code %d, answers of workers %v", code, workers)
	}

	out, code = s.command("query", "--json")
	var asked control.Reports
	if err := json.Unmarshal([]byte(out), &asked); err != nil || code != 0 {
		t.Fatalf("query: exit code %d, %v in %q", code, err, out)
	}
	messages := 0.0
	for _, w := range asked.Workers {
		known := map[string]bool{}
		for _, c := range w.Counters {
			known[c.Name] = true
			if c.Name == "messages" && c.Unit == "c" {
				messages += c.Value
			}
		}
		if w.Silent || w.Unresponsive || !known["goroutines"] || !known["heap"] || !known["connections"] {
			t.Errorf("query: have %+v", w)
		}
	}
	if messages < 4 {
		t.Errorf("the workers report %v messages, want 4 or more", messages)
	}
	s.expectCommand(0, `\d messages`, "status")

	save(t, filepath.Join(dir, "other.go"), "package main\n\nfunc init() { println(\"new\") }\n")
	s.expectCommand(0, ``, "wait")
	s.expectCommand(0, `"generation":2`, "send", `{}`)
}

// TestKeptWorkerIsToldByMessage: a worker that is not reloadable is informed of a change through hotreload/worker.
func TestKeptWorkerIsToldByMessage(t *testing.T) {
	t.Parallel()
	dir := newSay(t, "shared")
	addr := freeAddr(t)
	save(t, filepath.Join(dir, "hotreload.toml"), fmt.Sprintf("[[service]]\nname = \"board\"\npackage = \".\"\n"+
		"args = [%q, \"board.txt\"]\nreloadable = false\n", addr))
	s := startControlled(t, dir)
	s.waitFor(`generation 1 serves`)
	events := make(chan string, 1)
	go func() { // ends with hotreload
		out, _ := s.command("events", "board")
		events <- out
	}()
	s.expectCommand(0, `0 clients`, "query")
	save(t, filepath.Join(dir, "other.go"), "package main\n\nfunc init() { println(\"new\") }\n")
	eventually(t, "the worker prints that it was informed", func() bool {
		out, _ := s.command("query", "--json")
		return strings.Contains(out, `"name": "lines",`+"\n"+`          "value": 1`)
	})
	s.expectCommand(0, ``, "stop")
	if out := <-events; !strings.Contains(out, `"data":{"line":"the code has changed"}`) {
		t.Errorf("the worker's message is missing in the events:\n%s", out)
	}
}
