package gobuild

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRoomIn(t *testing.T) {
	const machine = "MemTotal:       16000 kB\nMemAvailable:    4096 kB\n"
	for _, c := range []struct {
		name, groups, machine string
		files                 map[string]string
		want                  int64 // -1: not known
	}{
		{"nothing is known", "", "", nil, -1},
		{"the machine alone", "0::/\n", machine, nil, 4096 << 10},
		{"version 2", "0::/a/b\n", machine, map[string]string{
			"a/b/memory.max": "1000000\n", "a/b/memory.current": "400000\n",
			"a/b/memory.stat": "anon 1\ninactive_file 100000\n"}, 700000},
		{"no limit", "0::/a\n", machine, map[string]string{"a/memory.max": "max\n", "a/memory.current": "4\n"},
			4096 << 10},
		{"a group above", "0::/a/b\n", "", map[string]string{
			"a/b/memory.max": "max\n", "a/memory.max": "5000\n", "a/memory.current": "6000\n"}, 0},
		{"memory.high", "0::/a\n", "", map[string]string{
			"a/memory.max": "9000\n", "a/memory.high": "5000\n", "a/memory.current": "1000\n"}, 4000},
		{"a container: the path leads nowhere", "0::/docker/123\n", "", map[string]string{
			"memory.max": "5000\n", "memory.current": "1000\n"}, 4000},
		{"both versions", "4:memory:/x\n0::/\n", "", map[string]string{
			"memory/x/memory.limit_in_bytes": "5000\n", "memory/x/memory.usage_in_bytes": "3000\n",
			"memory/x/memory.stat": "inactive_file 7\ntotal_inactive_file 1000\n"}, 3000},
		{"version 1, no limit", "4:cpu,memory:/x\n", "", map[string]string{
			"memory/x/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.limit_in_bytes": "8000\n"}, 8000},
		{"version 2 beside version 1", "0::/x\n", "", map[string]string{
			"unified/x/memory.max": "5000\n", "unified/x/memory.current": "1\n"}, 4999},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			write(t, filepath.Join(root, name), text)
		}
		room, known := roomIn(root, []byte(c.groups), []byte(c.machine))
		if known != (c.want >= 0) || known && room != c.want || !known && room != math.MaxInt64 {
			t.Errorf("%s: have %d, %v; want %d", c.name, room, known, c.want)
		}
	}
	if room, known := memoryRoom(); !known || room <= 0 {
		t.Errorf("of this machine: %d, %v", room, known)
	}
}

// TestKilledTool: after the death of a tool by SIGKILL, as when memory runs out, go build does the work, and from then
// on tools collect garbage.
func TestKilledTool(t *testing.T) {
	notShort(t)
	p := program(tree(t,
		"-- go.mod --\nmodule example.com/killed\ngo 1.24\n-- lib/lib.go --\npackage lib\n\nfunc F() int { return 1 }\n"+
			"-- main.go --\npackage main\n\nimport \"example.com/killed/lib\"\n\nfunc main() { println(lib.F()) }\n"))
	p.Env = append(p.Env, "GOGC=", "GOMEMLIMIT=")
	for _, tool := range []string{"compile", "link"} {
		t.Run(tool, func(t *testing.T) {
			c := begin(t, p)
			argv := func() []string {
				bp := c.b.short.at(p.key()).blueprint
				if tool == "link" {
					return bp.link.Argv
				}
				return bp.units["example.com/killed/lib"].Argv
			}
			seen := filepath.Join(t.TempDir(), "seen")
			wrapped := func(does string) (undo func()) {
				script := filepath.Join(t.TempDir(), "tool")
				write(t, script, "#!/bin/sh\nenv > "+seen+"\n"+does+"\n")
				if err := os.Chmod(script, 0o700); err != nil {
					t.Fatal(err)
				}
				real := argv()[0]
				argv()[0] = script
				return func() { argv()[0] = real }
			}
			n := 1
			built := func() string {
				t.Helper()
				n++
				write(t, filepath.Join(p.Dir, "lib/lib.go"),
					"package lib\n\nfunc F() int { return "+strings.Repeat("1", n)+" }\n")
				a, err := c.build()
				if err != nil {
					t.Fatal(err)
				}
				if have := output(t, a); have != strings.Repeat("1", n) {
					t.Errorf("it prints %s", have)
				}
				return a.Way
			}
			undo := wrapped("kill -9 $$")
			if way := built(); !strings.HasPrefix(way, "go build: ") || !strings.Contains(way, "SIGKILL") {
				t.Errorf("it was built: %s", way)
			}
			undo()
			c.b.settle()
			wrapped("exec " + argv()[0] + ` "$@"`)
			if way := built(); strings.HasPrefix(way, "go build") {
				t.Errorf("the next build was slow: %s", way)
			}
			env, _ := os.ReadFile(seen)
			if slices.Contains(strings.Split(string(env), "\n"), "GOGC=off") {
				t.Error("the tool collects no garbage, although one was killed")
			}
		})
	}
}

func TestLazy(t *testing.T) {
	var fresh thrift
	lazy := func(th *thrift, env []string, limit int64, beside int) bool {
		return len(th.lazy(env, limit, beside)) > 0
	}
	if !lazy(&fresh, nil, 1<<20, 1) {
		t.Error("there is no room for a megabyte")
	}
	if lazy(&fresh, nil, 1<<50, 1) || lazy(&fresh, nil, 1<<20, 1<<30) {
		t.Error("there is room for all")
	}
	if lazy(&fresh, []string{"GOGC=50"}, 1<<20, 1) || lazy(&fresh, []string{"GOMEMLIMIT=1GiB"}, 1<<20, 1) {
		t.Error("the user's word does not count")
	}
	var short thrift
	short.short.Store(true)
	if lazy(&short, nil, 1<<20, 1) {
		t.Error("one was killed, and that does not count")
	}
}
