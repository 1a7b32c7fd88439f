//go:build linux || darwin

package gobuild

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// aServer uses net and not net/http; what it does is not run here, only linked.
const aServer = `
import "net"

func main() {
	if _, err := net.Listen("tcp", ":0"); err != nil {
		panic(err)
	}
}
`

// withAgent builds a program with the agent and says whether it is in the binary.
func withAgent(t *testing.T, p Program) (linked bool, reason, text string) {
	t.Helper()
	g, err := Load(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBuilder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a, err := b.Build(context.Background(), p, g)
	if err != nil {
		return false, "", err.Error()
	}
	content, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	linked = bytes.Contains(content, []byte("hotreload_agent/agent.(*agent).hearSupervisor"))
	if linked != a.Agent || linked != (a.Plain == "" && !p.Plain) {
		t.Errorf("linked %v, but the artifact says agent %v, plain %q", linked, a.Agent, a.Plain)
	}
	return linked, a.Plain, ""
}

func TestAgentIsLinked(t *testing.T) {
	env := func(entries ...string) []string { return append(os.Environ(), entries...) }
	for _, c := range []struct {
		name, files string
		dir         string
		program     Program
	}{
		{"main is the module's root", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer, ".", Program{}},
		{"old go line", "-- go.mod --\nmodule m\ngo 1.12\n-- main.go --\npackage main\n" + aServer, ".", Program{}},
		{"no go line", "-- go.mod --\nmodule m\n-- main.go --\npackage main\n" + aServer, ".", Program{}},
		{"main lies deep", "-- go.mod --\nmodule example.com/a/v2\ngo 1.24\n-- cmd/x/y/main.go --\npackage main\n" + aServer,
			".", Program{Args: []string{"./cmd/x/y"}}},
		{"given as files", "-- go.mod --\nmodule example.com/a\ngo 1.24\n-- cmd/main.go --\npackage main\n" + aServer + "\nvar _ = other\n" +
			"-- cmd/other.go --\npackage main\n\nconst other = 1\n", "cmd", Program{Args: []string{"main.go", "other.go"}}},
		{"build tags and ldflags", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\n//go:build dev\n\npackage main\n" + aServer + "\nvar version string\n", ".",
			Program{Flags: []string{"-tags", "dev", "-ldflags", "-X main.version=2", "-ldflags=all=-s"}}},
		{"GOFLAGS with ldflags, for a debugger", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer, ".",
			Program{Debug: true, Env: env("GOFLAGS=-ldflags=-s")}},
		{"vendor", "-- go.mod --\nmodule m\ngo 1.24\nrequire example.com/b v1.0.0\n-- main.go --\npackage main\n\nimport _ \"example.com/b\"\n" + aServer +
			"-- vendor/modules.txt --\n# example.com/b v1.0.0\n## explicit; go 1.24\nexample.com/b\n-- vendor/example.com/b/b.go --\npackage b\n",
			".", Program{Flags: []string{"-mod=vendor"}}},
		{"replace", "-- a/go.mod --\nmodule m\ngo 1.24\nrequire example.com/b v1.0.0\nreplace example.com/b => ../b\n-- a/main.go --\npackage main\n\nimport _ \"example.com/b\"\n" + aServer +
			"-- b/go.mod --\nmodule example.com/b\ngo 1.24\n-- b/b.go --\npackage b\n", "a", Program{}},
		{"main in a replaced module", "-- a/go.mod --\nmodule m\ngo 1.24\nrequire example.com/b v1.0.0\nreplace example.com/b => ../b\n-- a/a.go --\npackage a\n\nimport _ \"example.com/b/c\"\n" +
			"-- b/go.mod --\nmodule example.com/b\ngo 1.24\n-- b/c/c.go --\npackage c\n-- b/cmd/main.go --\npackage main\n" + aServer,
			"a", Program{Args: []string{"example.com/b/cmd"}}},
		{"workspace", "-- go.work --\ngo 1.24\nuse (\n\t./a\n\t./b\n)\n-- a/go.mod --\nmodule m\ngo 1.24\n-- a/main.go --\npackage main\n\nimport _ \"example.com/b\"\n" + aServer +
			"-- b/go.mod --\nmodule example.com/b\ngo 1.24\n-- b/b.go --\npackage b\n", ".", Program{Args: []string{"./a"}}},
		{"an overlay of the user's", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer + "\nconst broken int = word\n" +
			"-- other --\npackage main\n\nconst word = 1\n-- overlay.json --\n{\"Replace\": {\"word.go\": \"other\"}}\n", ".", Program{Flags: []string{"-overlay=overlay.json"}}},
		{"net/http", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n\nimport \"net/http\"\n\nfunc main() { panic(http.ListenAndServe(\"\", nil)) }\n", ".", Program{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.program
			p.Dir = filepath.Join(tree(t, c.files), c.dir)
			if linked, reason, text := withAgent(t, p); !linked {
				t.Errorf("it is not: %s\n%s", reason, text)
			}
			if left, _ := filepath.Glob(filepath.Join(p.Dir, "*hotreload*")); len(left) > 0 {
				t.Errorf("the user's tree has %q", left)
			}
		})
	}
}

// TestAgentIsLinkedByHeavyBuilds is apart because such builds compile the standard library first.
func TestAgentIsLinkedByHeavyBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the standard library")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no C compiler")
	}
	cgo := "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n\n// int one(void) { return 1; }\nimport \"C\"\n" + aServer + "\nvar _ = C.one()\n"
	for name, flags := range map[string][]string{"cgo": nil, "race": {"-race"}, "trimpath": {"-trimpath"}, "pie": {"-buildmode=pie"}} {
		t.Run(name, func(t *testing.T) {
			if linked, reason, text := withAgent(t, Program{Dir: tree(t, cgo), Flags: flags}); !linked {
				t.Errorf("it is not: %s\n%s", reason, text)
			}
		})
	}
}

func TestNoAgentAndWhy(t *testing.T) {
	plain := "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n"
	for _, c := range []struct {
		name, files, want string
		program           Program
	}{
		{"without net", plain + "\nfunc main() {}\n", "does not use package net", Program{}},
		{"for Windows", plain + aServer, "windows", Program{Env: append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")}},
		{"files in no module", "-- main.go --\npackage main\n" + aServer, "in no module", Program{Args: []string{"main.go"}}},
		{"an overlay that cannot be read", plain + aServer + "-- o.json --\n{}\n", "", Program{Flags: []string{"-overlay=o.json"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.program
			p.Dir = tree(t, c.files)
			linked, reason, text := withAgent(t, p)
			if linked != (c.want == "") || !strings.Contains(reason, c.want) {
				t.Errorf("linked %v, have reason %q, want one with %q\n%s", linked, reason, c.want, text)
			}
		})
	}
}

func TestPlainBuild(t *testing.T) {
	p := Program{Dir: tree(t, "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n"+aServer), Plain: true}
	if linked, reason, text := withAgent(t, p); linked || reason != "" || text != "" {
		t.Errorf("linked %v, reason %q\n%s", linked, reason, text)
	}
}

// TestAgentThatDoesNotLink stands for all Go versions to come that the agent cannot be compiled or linked with.
func TestAgentThatDoesNotLink(t *testing.T) {
	// A package of ours cannot be compiled: its folder has a file of the user's that is of another package.
	files := "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer +
		"-- internal/hotreload_agent/agent/stray.go --\npackage stray\n"
	b := builder(t)
	p := Program{Dir: tree(t, files)}
	g, err := Load(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is known
		a, err := b.Build(context.Background(), p, g)
		if err != nil {
			t.Fatal(err)
		}
		if a.Agent || !strings.Contains(a.Plain, "hotreload_agent") {
			t.Errorf("agent %v, reason %q", a.Agent, a.Plain)
		}
		b.Release(a)
	}
}

func TestAgentFlags(t *testing.T) {
	a := &Agent{overlay: "/o", unchecked: true}
	for _, c := range []struct {
		name, goflags string
		flags, want   []string
	}{
		{"none", "", nil, []string{"-ldflags=-checklinkname=0", "-overlay=/o"}},
		{"lists", "-ldflags=-s", []string{"-ldflags=-w", "-race", "-ldflags=./x=-v"},
			[]string{"-ldflags=-checklinkname=0", "-ldflags=-checklinkname=0 -w", "-race", "-ldflags=./x=-checklinkname=0 -v", "-overlay=/o"}},
		{"only in GOFLAGS", "-v -ldflags=-s", []string{"-race"},
			[]string{"-ldflags=-checklinkname=0", "-ldflags=-checklinkname=0 -s", "-race", "-overlay=/o"}},
	} {
		if have := a.Flags(c.goflags, c.flags); !slices.Equal(have, c.want) {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
	old := &Agent{overlay: "/o"}
	if have, want := old.Flags("", []string{"-ldflags=-w"}), []string{"-ldflags=-w", "-overlay=/o"}; !slices.Equal(have, want) {
		t.Errorf("before Go 1.23: have %q, want %q", have, want)
	}
}

func TestAgentFault(t *testing.T) {
	for text, ours := range map[string]bool{
		"# m\nlink: m/internal/hotreload_agent/hooks: invalid reference to net.socketFunc": true,
		"link: flag provided but not defined: -checklinkname":                              true,
		"internal/hotreload_agent/agent/agent.go:3:2: package m/x is not in std":           true,
		"./main.go:3:5: undefined: x":                                                      false,
		"link: main: invalid reference to runtime.foo":                                     false,
	} {
		if have := AgentFault(text) != ""; have != ours {
			t.Errorf("%q: have %v, want %v", text, have, ours)
		}
	}
}
