//go:build linux || darwin

package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hotreload/bench/load"
)

// The agent connects whatever starts the program: a shell that becomes the program or runs it as its child, or a
// debugger.
func TestWrappers(t *testing.T) {
	for _, c := range []struct {
		name, needs, script string // %s is the program
	}{
		{"sh that execs", "sh", `exec "%s" "$@"`},
		{"sh that waits", "sh", `"%s" "$@"; exit $?`},
		{"dlv exec", "dlv", `exec dlv exec --headless --continue --accept-multiclient --listen 127.0.0.1:0 "%s" -- "$@"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.needs); err != nil {
				t.Skip(c.needs+" is not installed: ", err)
			}
			plan := build(t, "unchanged", true)
			script := filepath.Join(t.TempDir(), "wrapper")
			must(t, os.WriteFile(script, fmt.Appendf(nil, "#!/bin/sh\n"+c.script+"\n", plan.Path), 0o777))
			plan.Path = script
			o := load.Options{Network: "tcp", Address: freePort(t), Habits: []load.Habit{
				{Pause: 3 * time.Millisecond}, {Keep: true, Post: 100, Pause: 3 * time.Millisecond},
			}}
			s := start(t, Config{Args: []string{"http", o.Address, "bare"}, Agents: true, Policy: Policy{Grace: limit}})
			if report := unchangedUnderLoad(t, s, plan, 2, true, o); report.Lost() > 0 {
				t.Errorf("%d of %d requests are lost", report.Lost(), report.All.Requests)
			}
		})
	}
}
