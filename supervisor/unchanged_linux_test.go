package supervisor

import (
	"testing"
	"time"

	"hotreload/bench/load"
)

// TestPrefork: children of the same program, which listen by direct system calls, hand over like a worker: new
// connections are never lost, and never reach an old generation. Without the agent some are refused.
func TestPrefork(t *testing.T) {
	needsModules(t, "servers")
	for _, c := range []struct {
		name         string
		agent        bool
		clients      int
		habits       []load.Habit
		replacements int
	}{
		{"connections of their own", true, 4, []load.Habit{{}}, 10},
		{"all habits", true, 0, nil, size(2, 100)},
		{"control: without the agent", false, 4, []load.Habit{{}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := load.Options{Network: "tcp", Address: freePort(t), Clients: c.clients, Habits: c.habits}
			plan := build(t, "servers/fiber", c.agent)
			s := start(t, Config{
				Name: plan.Path, Args: []string{o.Address, "bare", "prefork"}, Agents: true,
				Policy: Policy{Grace: 2 * time.Second},
			})
			report := unchangedUnderLoad(t, s, plan, c.replacements, false, o)
			if lost := report.Fresh.Lost(); (lost == 0) != c.agent {
				t.Errorf("%d of %d requests are lost", lost, report.Fresh.Requests)
			}
			if c.agent {
				s.nothingForced()
			}
		})
	}
}
