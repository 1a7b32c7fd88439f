package cli

import (
	"testing"

	"hotreload/supervisor"
)

func TestSortKeys(t *testing.T) {
	nobody := supervisor.Typed{}
	lines := supervisor.Typed{Taken: true, Signals: true, Lines: true}
	draws := supervisor.Typed{Taken: true}
	for _, c := range []struct {
		name     string
		typed    string
		prefixed bool
		now      supervisor.Typed
		pass     string
		ours     string
		then     bool
	}{
		{"a line", "rq\n", false, lines, "rq\n", "", false},
		{"an arrow", "\x1b[A", false, draws, "\x1b[A", "", false},
		{"Ctrl-C, Ctrl-Z and Ctrl-\\ to a program that reads lines", "\x03\x1a\x1c", false, lines, "", "\x03\x1a\x1c", false},
		{"to one that draws", "\x03\x1a\x1c", false, draws, "\x03\x1a\x1c", "", false},
		{"to nobody", "\x03q", false, nobody, "", "\x03", false},
		{"Ctrl-D to a program that reads lines", "\x04", false, lines, "\x04", "", false},
		{"the prefix", "a\x1d", false, draws, "a", "", true},
		{"a key after it", "r", true, draws, "", "r", false},
		{"in one", "a\x1drb", false, draws, "ab", "r", false},
		{"Ctrl-C after it", "\x1d\x03", false, draws, "", "\x03", false},
		{"the prefix twice", "\x1d\x1d", false, draws, "\x1d", "", false},
		{"the prefix while nobody is there", "\x1dq", false, nobody, "", "q", false},
		{"twice, while nobody is there", "\x1d\x1dq", false, nobody, "", "", false},
	} {
		pass, ours, then := sortKeys([]byte(c.typed), c.prefixed, c.now)
		if string(pass) != c.pass || string(ours) != c.ours || then != c.then {
			t.Errorf("%s: have %q, %q, %v, want %q, %q, %v", c.name, pass, ours, then, c.pass, c.ours, c.then)
		}
	}
}
