//go:build unix

package main

import (
	"regexp"
	"testing"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	healthy := newModule(t, nil)
	cases := []struct {
		name string
		dir  string
		args []string
		code int
		says string
	}{
		{"well", healthy, nil, 0, `(?m)^package +example.com/app(.|\n)*^build +works(.|\n)*^agent +is linked`},
		{"with Go's flags, after the command or before it", healthy, []string{"-tags", "x", "-v", "."}, 0, `(?m)^agent +is linked`},
		{"not wanted", healthy, []string{"--no-agent", "."}, 0, `is not linked: --no-agent`},
		{"no net", newModule(t, map[string]string{"main.go": "package main\n\nfunc main() { _ = version; boot() }\n", "version.go": "package main\n\nconst version = 1\n\nfunc boot() {}\n"}), nil, 0, `is not needed: the program does not use package net`},
		{"the agent does not compile", newModule(t, map[string]string{"internal/hotreload_agent/agent/stray.go": "package stray\n"}), nil, 0, `is not linked: .*hotreload_agent(.|\n)*hint: .*--listen`},
		{"the program does not", newModule(t, map[string]string{"version.go": "package main\n\nfunc boot() {\n"}), nil, 1, `build +does not work:\n(# .*\n)?\S*version.go:4:1: .*expected(.|\n)*something is in the way`},
		{"no module", t.TempDir(), nil, 1, `in no Go module\nhint: `},
		{"bad flag", healthy, []string{"--bogus"}, 2, `unknown flag: --bogus\nhint: `},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.dir, append([]string{"doctor"}, c.args...)...)
			if code := s.exit(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if have := s.text(); !regexp.MustCompile(c.says).MatchString(have) {
				t.Errorf("it does not say %q, but\n%s", c.says, have)
			}
		})
	}
}
