//go:build unix

package e2e

import (
	"path/filepath"
	"regexp"
	"testing"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	healthy := newModule(t, nil)
	says := newSay(t, "pool")
	lost := newSay(t, "pool")
	save(t, filepath.Join(lost, "go.mod"), "module example.com/say\n\ngo 1.25.0\n")
	loop := newModule(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.25\n\nrequire github.com/cloudwego/netpoll v0.0.0\n\n" +
			"replace github.com/cloudwego/netpoll => ./netpoll\n",
		"loop.go":          "package main\n\nimport _ \"github.com/cloudwego/netpoll\"\n",
		"netpoll/go.mod":   "module github.com/cloudwego/netpoll\n\ngo 1.25\n",
		"netpoll/loops.go": "package netpoll\n",
	})
	binds := newModule(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.25\n\nrequire github.com/panjf2000/gnet/v2 v2.0.0\n\n" +
			"replace github.com/panjf2000/gnet/v2 => ./gnet\n",
		"loop.go":      "package main\n\nimport _ \"github.com/panjf2000/gnet/v2\"\n",
		"gnet/go.mod":  "module github.com/panjf2000/gnet/v2\n\ngo 1.25\n",
		"gnet/gnet.go": "package gnet\n",
	})
	cases := []struct {
		name string
		dir  string
		args []string
		code int
		says string
	}{
		{"well", healthy, nil, 0, `(?m)^package +example.com/app(.|\n)*^build +works(.|\n)*^agent +is linked`},
		{"with Go's flags, after the command or before it", healthy, []string{"-tags", "x", "-v", "."}, 0,
			`(?m)^agent +is linked`},
		{"not wanted", healthy, []string{"--no-agent", "."}, 0, `is not linked: --no-agent`},
		{"no net", newModule(t, map[string]string{"main.go": "package main\n\nfunc main() { _ = version; boot() }\n",
			"version.go": "package main\n\nconst version = 1\n\nfunc boot() {}\n"}), nil, 0,
			`is not needed: the program does not use package net`},
		{"the agent does not compile", newModule(t, map[string]string{
			"internal/hotreload_agent/core/stray.go": "package stray\n"}), nil, 0,
			`is not linked: .*hotreload_agent(.|\n)*hint: .*--listen`},
		{"the program does not", newModule(t, map[string]string{"version.go": "package main\n\nfunc boot() {\n"}), nil, 1,
			`build +fails:\n(# .*\n)?\S*version.go:4:1: .*expected(.|\n)*hotreload cannot work here`},
		{"a program that wants a say", says, nil, 0, `(?m)^build +works(.|\n)*^worker +hotreload/worker comes from /`},
		{"which is not told where hotreload is", lost, nil, 1,
			`package hotreload/worker is not in std(.|\n)*hint: go mod edit -replace=hotreload=PATH`},
		{"two at once", healthy, nil, 0, `(?m)^replaced +old and new worker run together for.*; .*strategy = "stop-first"`},
		{"one after the other", healthy, []string{"--strategy", "stop-first", "."}, 0, `(?m)^replaced +one after the other`},
		{"a bot", newBot(t), nil, 0, `(?m)^replaced +old and new worker run together .* the program is a bot ` +
			`\(gopkg.in/telebot.v\)\n` +
			` +hint: strategy = "stop-first"`},
		{"an event loop of its own", loop, nil, 0, `(?m)^agent +is linked(.|\n)*` +
			`^agent +github.com/cloudwego/netpoll has an event loop of its own: (.|\n)*` +
			`kept stay with the old code(.|\n)*hint: `},
		{"one that binds its port", binds, nil, 0, `(?m)^agent +github.com/panjf2000/gnet/v2 has (.|\n)*` +
			`callers are refused in between\n +hint: gnet.WithReuseAddr`},
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
				t.Errorf("%q is missing in\n%s", c.says, have)
			}
		})
	}
}

// newBot creates a module that imports a package by which a program acts on its own.
func newBot(t *testing.T) string {
	t.Helper()
	return newModule(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.25\n\nrequire gopkg.in/telebot.v4 v4.0.0\n\n" +
			"replace gopkg.in/telebot.v4 => ./bot\n",
		"bot/go.mod": "module gopkg.in/telebot.v4\n\ngo 1.25\n", "bot/bot.go": "package telebot\n",
		"bot.go": "package main\n\nimport _ \"gopkg.in/telebot.v4\"\n",
	})
}
