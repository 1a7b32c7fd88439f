package cli

import (
	"slices"
	"strings"
	"testing"

	"hotreload/runner"
	"hotreload/supervisor"
)

// TestUpward: what systemd is told. RELOADING=1 comes once before each READY=1, and again for each SIGHUP.
func TestUpward(t *testing.T) {
	replaces, leaves := runner.Replacement{}, runner.Leaving{}
	serves := runner.Reloaded{}
	fails := runner.Service{Event: supervisor.Failed{Generation: 2, Serving: 1}}
	type deed struct {
		service string
		event   runner.Event // nil: SIGHUP
		broken  bool         // the settings, on SIGHUP
	}
	for _, c := range []struct {
		name  string
		deeds []deed
		want  string
	}{
		{"first generation", []deed{{"a", replaces, false}, {"a", serves, false}, {"b", serves, false}}, "READY"},
		{"a save", []deed{{"a", serves, false}, {"b", serves, false}, {"a", replaces, false}, {"a", serves, false}},
			"READY RELOADING READY"},
		{"a save of both", []deed{{"a", serves, false}, {"b", serves, false}, {"a", replaces, false},
			{"b", replaces, false}, {"a", serves, false}, {"b", serves, false}}, "READY RELOADING READY"},
		{"a save that fails", []deed{{"a", serves, false}, {"b", serves, false}, {"a", replaces, false},
			{"a", fails, false}}, "READY RELOADING READY"},
		{"SIGHUP", []deed{{"a", serves, false}, {"b", serves, false}, {"", nil, false}, {"a", replaces, false},
			{"b", replaces, false}, {"b", serves, false}, {"a", serves, false}}, "READY RELOADING READY"},
		{"SIGHUP, broken settings", []deed{{"a", serves, false}, {"b", serves, false}, {"", nil, true}},
			"READY RELOADING READY"},
		{"SIGHUP during a replacement", []deed{{"a", serves, false}, {"b", serves, false}, {"a", replaces, false},
			{"", nil, true}, {"a", serves, false}}, "READY RELOADING RELOADING READY"},
		{"SIGHUP before the first generation", []deed{{"", nil, false}, {"a", serves, false}, {"b", serves, false}},
			"READY"},
		{"the end", []deed{{"a", serves, false}, {"b", serves, false}, {"a", leaves, false}}, "READY STOPPING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUpward([]string{"a", "b"})
			var told []string
			u.tell = func(state string) {
				word, _, _ := strings.Cut(state, "=")
				told = append(told, word)
			}
			for _, d := range c.deeds {
				if d.event != nil {
					u.heard(d.service, d.event)
				} else {
					u.reread(func() bool { return !d.broken })
				}
			}
			if !slices.Equal(told, strings.Fields(c.want)) {
				t.Errorf("systemd was told %v, want %s", told, c.want)
			}
		})
	}
}
