//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tell prints the program's arguments and build settings.
const tell = `package main

import (
	"fmt"
	"os"
)

var v = "unset"

var tagged = "untagged"

func main() { fmt.Printf("%s: %q %s %s\n", os.Args[0], os.Args[1:], v, tagged) }
`

func TestInvocation(t *testing.T) {
	t.Parallel()
	root := newModule(t, map[string]string{
		"main.go": tell, "tagged.go": "//go:build special\n\npackage main\n\nfunc init() { tagged = \"special\" }\n",
		"version.go":       "package main\n",
		"cmd/only/main.go": tell, "lib/lib.go": "package lib\n",
		"alt.mod": "module example.com/app\n\ngo 1.25\n",
	})
	deep := newModule(t, map[string]string{"main.go": "package app\n", "version.go": "package app\n",
		"cmd/only/main.go": tell})
	for _, c := range []struct {
		name string
		dir  string
		args []string
		says string
	}{
		{"no package, main here", root, nil, `\w+: \[\] unset untagged`},
		{"no package, main below cmd", deep, nil, `only: \[\] unset`},
		{"folder", root, []string{"./cmd/only"}, `only: \[\]`},
		{"import path", root, []string{"example.com/app/cmd/only", "a"}, `only: \["a"\]`},
		{"files", root, []string{"main.go", "version.go", "a"}, `main: \["a"\]`},
		{"arguments like flags", root, []string{".", "-q", "--help", "-tags", "x", "-v"},
			`\["-q" "--help" "-tags" "x" "-v"\] unset untagged`},
		{"two dashes after", root, []string{".", "a", "--", "-b"}, `\["a" "--" "-b"\]`},
		{"two dashes before", root, []string{"-q", "--", ".", "-b", "--", "c"}, `\["-b" "--" "c"\]`},
		{"empty argument", root, []string{".", "", " "}, `\["" " "\]`},
		{"-tags x", root, []string{"-tags", "special", "."}, `\[\] unset special`},
		{"-tags=x", root, []string{"-tags=special", "."}, `\[\] unset special`},
		{"--tags=x", root, []string{"--tags=special", "."}, `\[\] unset special`},
		{"-ldflags", root, []string{"-ldflags", "-X main.v=1", "."}, `\[\] 1 untagged`},
		{"-ldflags twice dashed", root, []string{"--ldflags=-X main.v=2", "."}, `\[\] 2 untagged`},
		{"-gcflags", root, []string{"-gcflags=-l", "."}, `\[\] unset`},
		{"-mod", root, []string{"-mod=mod", "."}, `\[\] unset`},
		{"-modfile", root, []string{"-modfile", "alt.mod", "."}, `\[\] unset`},
		{"-cover", root, []string{"-cover", "."}, `\[\] unset`},
		{"ours with one dash, mixed", root, []string{"-grace=1s", "-tags", "special", "-workers", "1", "--strategy",
			"stop-first", ".", "a"}, `\["a"\] unset special`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.dir, c.args...)
			s.waitFor(c.says)
			if !slices.Contains(c.args, "-q") {
				s.waitFor(`finished \(exit code 0\); waiting for a change\n.*generation 1 has run`)
			}
		})
	}
	t.Run("GOFLAGS", func(t *testing.T) {
		s := setup{env: []string{"GOFLAGS=-tags=special '-ldflags=-X main.v=env'"}}.start(t, root, ".")
		s.waitFor(`\[\] env special`)
	})
}

func TestRace(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Skip("CGO_ENABLED is not 1, and -race needs cgo on most systems")
	}
	s := setup{env: []string{"GORACE="}}.start(t, newModule(t, program("fmt time", `
	n := 0
	go func() { n++ }()
	n++
	time.Sleep(100 * time.Millisecond)
	fmt.Println("done", n)`)), "-race", ".")
	s.waitFor(`WARNING: DATA RACE`)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		s := start(t, newModule(t, nil), "completion", shell)
		if code := s.exit(); code != 0 || s.count("hotreload") < 5 {
			t.Errorf("%s: exit code %d", shell, code)
		}
	}
	s := start(t, newModule(t, nil), "__complete", "--str")
	if s.exit(); s.count("--strategy") == 0 {
		t.Error("--str does not become --strategy")
	}
}

// Every flag of --help is in the reference, and the reverse.
func TestReferenceHasEveryFlag(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, newModule(t, nil), "--help")
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	flags := func(pattern, text string) []string {
		var all []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, regexp.MustCompile(`-{1,2}[a-z][a-z-]*`).FindAllString(m[1], -1)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	have := flags(`(?m)^#### ((?:`+"`-[^`]*`(?:, )?"+`)+)$`, string(page))
	want := flags(`(?m)^ +((?:-\w, )?--[a-z-]+)`, s.text())
	if len(have) < 10 || !slices.Equal(have, want) {
		t.Errorf("docs/reference.md and --help differ\nhave %q\nwant %q", have, want)
	}
}
