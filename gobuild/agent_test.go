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

	"hotreload/internal/testplace"
)

// aServer uses net and not net/http. It is only linked here, and does not run.
const aServer = `
import "net"

func main() {
	if _, err := net.Listen("tcp", ":0"); err != nil {
		panic(err)
	}
}
`

// treeAgain is tree in a folder with a recurring name: go reuses packages compiled there before.
func treeAgain(t testing.TB, text string) string {
	t.Helper()
	dir := testplace.Folder(t)
	fill(t, dir, text)
	return dir
}

// withAgent builds a program with the agent and returns whether the agent is in the binary.
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
	linked = bytes.Contains(content, []byte("hotreload_agent/core.(*agent).hearSupervisor"))
	if linked != a.Agent || linked != (a.Plain == "" && !p.Plain) {
		t.Errorf("linked %v, but the artifact says agent %v, plain %q", linked, a.Agent, a.Plain)
	}
	return linked, a.Plain, ""
}

func TestAgentIsLinked(t *testing.T) {
	t.Parallel()
	env := func(entries ...string) []string { return append(os.Environ(), entries...) }
	for _, c := range []struct {
		name, files string
		dir         string
		program     Program
	}{
		{"main is the module's root", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer,
			".", Program{}},
		{"old go line", "-- go.mod --\nmodule m\ngo 1.12\n-- main.go --\npackage main\n" + aServer, ".", Program{}},
		{"no go line", "-- go.mod --\nmodule m\n-- main.go --\npackage main\n" + aServer, ".", Program{}},
		{"main lies deep", "-- go.mod --\nmodule example.com/a/v2\ngo 1.24\n-- cmd/x/y/main.go --\npackage main\n" +
			aServer,
			".", Program{Args: []string{"./cmd/x/y"}}},
		{"given as files", "-- go.mod --\nmodule example.com/a\ngo 1.24\n-- cmd/main.go --\npackage main\n" +
			aServer + "\nvar _ = other\n" +
			"-- cmd/other.go --\npackage main\n\nconst other = 1\n", "cmd",
			Program{Args: []string{"main.go", "other.go"}}},
		{"build tags and ldflags",
			"-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\n//go:build dev\n\npackage main\n" + aServer +
				"\nvar version string\n", ".",
			Program{Flags: []string{"-tags", "dev", "-ldflags", "-X main.version=2", "-ldflags=all=-s"}}},
		{"GOFLAGS with ldflags, for a debugger", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" +
			aServer, ".",
			Program{Debug: true, Env: env("GOFLAGS=-ldflags=-s")}},
		{"vendor", "-- go.mod --\nmodule m\ngo 1.24\nrequire example.com/b v1.0.0\n" +
			"-- main.go --\npackage main\n\nimport _ \"example.com/b\"\n" + aServer +
			"-- vendor/modules.txt --\n# example.com/b v1.0.0\n## explicit; go 1.24\nexample.com/b\n" +
			"-- vendor/example.com/b/b.go --\npackage b\n",
			".", Program{Flags: []string{"-mod=vendor"}}},
		{"replace", "-- a/go.mod --\nmodule m\ngo 1.24\nrequire example.com/b v1.0.0\nreplace example.com/b => ../b\n" +
			"-- a/main.go --\npackage main\n\nimport _ \"example.com/b\"\n" + aServer +
			"-- b/go.mod --\nmodule example.com/b\ngo 1.24\n-- b/b.go --\npackage b\n", "a", Program{}},
		{"main in a replaced module",
			"-- a/go.mod --\nmodule m\ngo 1.24\nrequire example.com/b v1.0.0\nreplace example.com/b => ../b\n" +
				"-- a/a.go --\npackage a\n\nimport _ \"example.com/b/c\"\n" +
				"-- b/go.mod --\nmodule example.com/b\ngo 1.24\n-- b/c/c.go --\npackage c\n-- b/cmd/main.go --\npackage main\n" +
				aServer,
			"a", Program{Args: []string{"example.com/b/cmd"}}},
		{"workspace", "-- go.work --\ngo 1.24\nuse (\n\t./a\n\t./b\n)\n-- a/go.mod --\nmodule m\ngo 1.24\n" +
			"-- a/main.go --\npackage main\n\nimport _ \"example.com/b\"\n" + aServer +
			"-- b/go.mod --\nmodule example.com/b\ngo 1.24\n-- b/b.go --\npackage b\n", ".",
			Program{Args: []string{"./a"}}},
		{"an overlay of the user's", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer +
			"\nconst broken int = word\n" +
			"-- other --\npackage main\n\nconst word = 1\n-- overlay.json --\n{\"Replace\": {\"word.go\": \"other\"}}\n", ".",
			Program{Flags: []string{"-overlay=overlay.json"}}},
		{"net/http", "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n\nimport \"net/http\"\n\n" +
			"func main() { panic(http.ListenAndServe(\"\", nil)) }\n", ".", Program{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name != "net/http" {
				notShort(t)
			}
			p := c.program
			p.Dir = filepath.Join(treeAgain(t, c.files), c.dir)
			if linked, reason, text := withAgent(t, p); !linked {
				t.Errorf("it is not: %s\n%s", reason, text)
			}
			if left, _ := filepath.Glob(filepath.Join(p.Dir, "*hotreload*")); len(left) > 0 {
				t.Errorf("the user's tree has %q", left)
			}
		})
	}
}

// TestAgentIsLinkedByHeavyBuilds is separate, because such builds compile the standard library first, which takes half
// a minute each. Compatible flags share a build.
func TestAgentIsLinkedByHeavyBuilds(t *testing.T) {
	t.Parallel()
	notShort(t)
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("cgo needs a C compiler, and none is installed")
	}
	cgo := "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n\n// int one(void) { return 1; }\n" +
		"import \"C\"\n" + aServer + "\nvar _ = C.one()\n"
	for name, flags := range map[string][]string{"cgo": nil, "race": {"-race"},
		"trimpath, pie": {"-trimpath", "-buildmode=pie"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if linked, reason, text := withAgent(t, Program{Dir: treeAgain(t, cgo), Flags: flags}); !linked {
				t.Errorf("it is not: %s\n%s", reason, text)
			}
		})
	}
}

func TestNoAgentAndWhy(t *testing.T) {
	t.Parallel()
	notShort(t)
	plain := "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n"
	for _, c := range []struct {
		name, files, want string
		program           Program
	}{
		{"without net", plain + "\nfunc main() {}\n", "does not use package net", Program{}},
		{"files in no module", "-- main.go --\npackage main\n" + aServer, "in no module",
			Program{Args: []string{"main.go"}}},
		{"an overlay that cannot be read", plain + aServer + "-- o.json --\n{}\n", "",
			Program{Flags: []string{"-overlay=o.json"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.program
			p.Dir = treeAgain(t, c.files)
			linked, reason, text := withAgent(t, p)
			if linked != (c.want == "") || !strings.Contains(reason, c.want) {
				t.Errorf("linked %v, have reason %q, want one with %q\n%s", linked, reason, c.want, text)
			}
		})
	}
}

// There is no agent for Windows. Only the decision is looked at here: the build would compile all of net for it.
func TestNoAgentForWindows(t *testing.T) {
	t.Parallel()
	dir := treeAgain(t,
		"-- go.mod --\nmodule m\ngo 1.24\n-- goenv --\nGOOS=windows\n-- main.go --\npackage main\n"+aServer)
	for name, env := range map[string][]string{
		"by the environment": {"GOOS=windows"},
		"by go env -w":       {"GOENV=" + filepath.Join(dir, "goenv")},
	} {
		p := Program{Dir: dir, Env: append(os.Environ(), append(env, "CGO_ENABLED=0")...), Foreign: true}
		agent, reason, err := builder(t).agentOf(p, load(t, p))
		if err != nil || agent != nil || !strings.Contains(reason, "windows") {
			t.Errorf("%s: have %v, reason %q, %v", name, agent, reason, err)
		}
	}
}

func TestPlainBuild(t *testing.T) {
	notShort(t)
	p := Program{Dir: treeAgain(t, "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n"+aServer), Plain: true}
	if linked, reason, text := withAgent(t, p); linked || reason != "" || text != "" {
		t.Errorf("linked %v, reason %q\n%s", linked, reason, text)
	}
}

// TestAgentThatDoesNotLink stands for all future versions of Go with which the agent cannot be compiled or linked.
func TestAgentThatDoesNotLink(t *testing.T) {
	notShort(t)
	// One of the agent's packages cannot be compiled: its folder contains a file of the user with another package
	// clause.
	files := "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n" + aServer +
		"-- internal/hotreload_agent/core/stray.go --\npackage stray\n"
	b := builder(t)
	p := Program{Dir: treeAgain(t, files)}
	g, err := Load(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // known from the first time
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
			[]string{"-ldflags=-checklinkname=0", "-ldflags=-checklinkname=0 -w", "-race",
				"-ldflags=./x=-checklinkname=0 -v", "-overlay=/o"}},
		{"only in GOFLAGS", "-v -ldflags=-s", []string{"-race"},
			[]string{"-ldflags=-checklinkname=0", "-ldflags=-checklinkname=0 -s", "-race", "-overlay=/o"}},
	} {
		if have := a.Flags(c.goflags, c.flags); !slices.Equal(have, c.want) {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
	old := &Agent{overlay: "/o"}
	if have, want := old.Flags("", []string{"-ldflags=-w"}),
		[]string{"-ldflags=-w", "-overlay=/o"}; !slices.Equal(have, want) {
		t.Errorf("before Go 1.23: have %q, want %q", have, want)
	}
}

func TestAgentFault(t *testing.T) {
	const (
		reference = "link: m/internal/hotreload_agent/hooks: invalid reference to net.socketFunc"
		flag      = "link: flag provided but not defined: -checklinkname"
		missing   = "internal/hotreload_agent/core/agent.go:3:2: package m/x is not in std"
		web       = "m/internal/hotreload_agent/web"
	)
	for text, want := range map[string]string{
		"# m\n" + reference: reference,
		flag:                flag,
		missing:             missing,
		"# " + web + "\n../002/web_gate.go:2:3: a b\n./c.go:4: d\n": web + ": web_gate.go:2:3: a b",
		"# m/a\n./a.go:1: a\n# " + web + "\ngate.go:2: b/c: d":      web + ": gate.go:2: b/c: d",
		"# " + web + "\n# m/a\n./a.go:1: a":                         "# " + web,
		"./main.go:3:5: undefined: x":                               "",
		"# m\n./main.go:3:5: undefined: x\n":                        "",
		"link: main: invalid reference to runtime.foo":              "",
	} {
		if have := AgentFault(text); have != want {
			t.Errorf("%q: have %q, want %q", text, have, want)
		}
	}
}

// TestAgentThatDoesNotCompile: the reason is the compiler's message, not the name of a package.
func TestAgentThatDoesNotCompile(t *testing.T) {
	notShort(t)
	p := Program{Dir: treeAgain(t, "-- go.mod --\nmodule m\ngo 1.24\n-- main.go --\npackage main\n"+aServer)}
	g, err := Load(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	a, reason, err := NewAgent(g, dir)
	if a == nil {
		t.Fatal(reason, err)
	}
	ours := filepath.Join(dir, "core_state.go")
	if err := os.WriteFile(ours, []byte("package core\n\nvar _ = nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{"build", "-o", filepath.Join(dir, "out")}, a.Flags("", nil)...)...)
	cmd.Dir = p.Dir
	text, err := cmd.CombinedOutput()
	have := AgentFault(string(text))
	if err == nil || !strings.HasPrefix(have, "m/internal/hotreload_agent/core: core_") ||
		!strings.Contains(have, ": undefined: ") {
		t.Errorf("have %q of\n%s%v", have, text, err)
	}
}
