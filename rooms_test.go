package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms says which of our packages each of our packages may import. No import runs upward, and rooms on one floor do
// not know each other. A new room gets a line here, and with it a floor.
var rooms = map[string][]string{
	"hotreload":            {"cli", "process"},
	"hotreload/cli":        {"control", "runner", "supervisor", "gobuild", "ignore", "killswitch", "lock", "nagios", "process", "watch"},
	"hotreload/control":    {"runner", "supervisor"},
	"hotreload/runner":     {"watch", "supervisor", "gobuild", "killswitch", "process"},
	"hotreload/watch":      {},
	"hotreload/supervisor": {"process", "worker/exchange", "worker/host", "worker/wire"},
	"hotreload/gobuild":    {"gobuild/plan", "lock", "process", "worker/linked"},
	"hotreload/ignore":     {},
	"hotreload/killswitch": {"lock"},
	"hotreload/nagios":     {},
	"hotreload/lock":       {},
	"hotreload/process":    {},

	// What builds are made of, as text and bytes: no process is started there.
	"hotreload/gobuild/plan": {},

	// The public package, which programs import themselves, and who it talks to.
	"hotreload/worker":          {"worker/wire"},
	"hotreload/worker/wire":     {},
	"hotreload/worker/exchange": {"worker/wire"},

	// What is below linked goes into programs, unasked.
	"hotreload/worker/linked":          {},
	"hotreload/worker/host":            {"worker/linked/protocol"},
	"hotreload/worker/linked/protocol": {},
	"hotreload/worker/linked/agent":    {"worker/linked/protocol"},
	"hotreload/worker/linked/hooks":    {"worker/linked/agent"},
	"hotreload/worker/linked/web":      {},
	"hotreload/worker/linked/webhooks": {"worker/linked/agent", "worker/linked/hooks", "worker/linked/web"},

	"hotreload/bench":      {"bench/load"},
	"hotreload/bench/load": {},
}

func TestNoImportRunsUpward(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for packages := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		allowed, known := rooms[p.ImportPath]
		if !known {
			t.Errorf("%s is a room without a floor: give it a line in rooms", p.ImportPath)
		}
		for _, path := range p.Imports {
			if name, ours := strings.CutPrefix(path, "hotreload/"); ours && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s, which is not below it", p.ImportPath, path)
			}
		}
	}
}
