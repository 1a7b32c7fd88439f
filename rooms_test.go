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

// rooms lists, for each package of hotreload (a room), the packages of hotreload that it may import. No import runs
// upward, and rooms on one floor do not know each other. A new room gets a line here.
var rooms = map[string][]string{
	"hotreload": {"cli", "process"},
	"hotreload/cli": {
		"browser", "control", "debugger", "editors", "settings", "runner", "supervisor", "supervisor/inspect", "gobuild",
		"killswitch", "lock", "mcp", "migrate", "nagios", "problems", "process", "tests", "watch",
	},
	"hotreload/settings": { // on the floor of control
		"debugger", "runner", "supervisor", "gobuild", "ignore", "killswitch", "problems", "watch",
	},
	"hotreload/mcp":     {"control", "problems", "runner"},
	"hotreload/control": {"runner", "tests", "supervisor", "supervisor/inspect", "door", "problems"},
	"hotreload/browser": { // on the floor of control
		"runner", "supervisor", "gobuild", "problems", "process", "door", "agent/web",
	},
	"hotreload/runner":     {"watch", "supervisor", "supervisor/inspect", "gobuild", "killswitch", "problems", "process"},
	"hotreload/tests":      {"watch", "gobuild", "problems", "process"}, // on the floor of runner
	"hotreload/watch":      {},
	"hotreload/supervisor": {"process", "supervisor/inspect", "supervisor/exchange", "supervisor/host", "worker/wire"},
	"hotreload/gobuild":    {"gobuild/plan", "gobuild/lines", "gobuild/patch", "door", "lock", "process", "agent"},
	"hotreload/debugger":   {"process"}, // on the floor of supervisor
	"hotreload/ignore":     {},
	"hotreload/killswitch": {"lock"},
	"hotreload/editors":    {},
	"hotreload/migrate":    {"gobuild"}, // the list of Go's flags
	"hotreload/nagios":     {},
	"hotreload/problems":   {},
	"hotreload/lock":       {},
	"hotreload/process":    {},
	"hotreload/door":       {},

	// The steps of go build, as text and bytes; this package starts no process.
	"hotreload/gobuild/plan": {},

	// Whether an edit changes anything but lines for importers, as text; this package starts no process.
	"hotreload/gobuild/lines": {},

	// The program without the linker, as bytes; this package starts no process, either.
	"hotreload/gobuild/patch": {},

	// Facts about processes, from the operating system.
	"hotreload/supervisor/inspect": {"process"},

	// The public package, imported by programs, and the supervisor's side of its connection.
	"hotreload/worker":              {"worker/wire"},
	"hotreload/worker/wire":         {},
	"hotreload/supervisor/exchange": {"worker/wire", "door"},

	// Builds link the packages below agent into programs; host is the supervisor's side of the agent's connection.
	"hotreload/agent":           {},
	"hotreload/supervisor/host": {"agent/protocol", "door"},
	"hotreload/agent/protocol":  {},
	"hotreload/agent/core":      {"agent/protocol"},
	"hotreload/agent/hooks":     {"agent/core"},
	"hotreload/agent/web":       {},
	"hotreload/agent/webhooks":  {"agent/core", "agent/hooks", "agent/protocol", "agent/web"},

	"hotreload/internal/testplace":   {"lock"}, // folders for builds of tests
	"hotreload/internal/testmodules": {},       // tests that need a network

	"hotreload/e2e":        {}, // tests of the whole
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
