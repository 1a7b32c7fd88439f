package gobuild

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotreload/process"
)

// The test binary is also the -toolexec wrapper of builds in tests: ACT names the action for the compilation of
// PACKAGE.
func TestMain(m *testing.M) {
	if code, ok := process.Helper(os.Args); ok {
		os.Exit(code)
	}
	if act := os.Getenv("ACT"); act != "" {
		os.Exit(wrapTool(act))
	}
	if err := process.Setup(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func wrapTool(act string) int {
	tool, args := os.Args[1], os.Args[2:]
	name := strings.TrimSuffix(filepath.Base(tool), ".exe")
	if name == "compile" && os.Getenv("TOOLEXEC_IMPORTPATH") == os.Getenv("PACKAGE") &&
		!slices.Contains(args, "-V=full") {
		verb, rest, _ := strings.Cut(act, " ")
		switch verb {
		case "hang": // write our pid into the file, once complete under its name, and stay
			os.WriteFile(rest+"~", []byte(strconv.Itoa(os.Getpid())), 0o600)
			os.Rename(rest+"~", rest)
			time.Sleep(time.Minute)
		case "append": // change a file while the build runs
			f, err := os.OpenFile(rest, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			f.WriteString("// changed\n")
			f.Close()
		case "fail":
			fmt.Fprintln(os.Stderr, rest)
			return 1
		}
	}
	cmd := exec.Command(tool, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}

// notShort skips a test with many builds, or with one of the standard library, if -short is given.
func notShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short builds little")
	}
}

// acting makes the program's compiler act when it compiles the package.
func acting(p Program, act, pkg string) Program {
	p.Flags = append(slices.Clip(p.Flags), "-toolexec="+os.Args[0])
	// A binary with the race detector waits for a second at its end, and go runs such a binary often.
	p.Env = append(slices.Clip(p.Env), "ACT="+act, "PACKAGE="+pkg, "GORACE=atexit_sleep_ms=0")
	return p
}

// tree writes files, given as "-- name --" lines each followed by its text, into a new folder.
func tree(t testing.TB, text string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fill(t, dir, text)
	return dir
}

func fill(t testing.TB, dir, text string) {
	t.Helper()
	name := ""
	files := map[string]string{}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			name = strings.TrimSuffix(strings.TrimSpace(rest), " --")
			files[name] = ""
		} else {
			files[name] += line
		}
	}
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// program is a program in dir. Its environment depends neither on the user nor on a network.
func program(dir string, args ...string) Program {
	env := append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=", "GOENV=off", "GOTOOLCHAIN=local", "GOTMPDIR=")
	return Program{Dir: dir, Args: args, Env: env}
}

func load(t testing.TB, p Program) *Graph {
	t.Helper()
	g, err := Load(t.Context(), p)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return g
}

func builder(t testing.TB) *Builder {
	t.Helper()
	b, err := NewBuilder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func build(t testing.TB, b *Builder, p Program) *Artifact {
	t.Helper()
	a, err := b.Build(t.Context(), p, load(t, p))
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return a
}

// output runs the artifact.
func output(t testing.TB, a *Artifact) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(a.Path)
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := process.Start(cmd) // not cmd.Run: the reaper would take its exit status
	if err != nil {
		t.Fatalf("run %s: %v", a.Path, err)
	}
	if <-p.Done(); !p.Exit().Success() {
		t.Fatalf("run %s: %v\n%s", a.Path, p.Exit(), &out)
	}
	return strings.TrimSpace(out.String())
}

// under makes paths relative to dir, with slashes, for comparison.
func under(dir string, paths []string) []string {
	var rel []string
	for _, path := range paths {
		r, err := filepath.Rel(dir, path)
		if err != nil {
			r = path
		}
		rel = append(rel, filepath.ToSlash(r))
	}
	slices.Sort(rel)
	return rel
}

// below is under, without what lies elsewhere: a go.work in a folder above counts.
func below(dir string, paths []string) []string {
	return slices.DeleteFunc(under(dir, paths), func(path string) bool {
		return strings.HasPrefix(path, "../") || path == "go.work"
	})
}

func equal[T any](t testing.TB, what string, have, want T) {
	t.Helper()
	if h, w := fmt.Sprintf("%#v", have), fmt.Sprintf("%#v", want); h != w {
		t.Errorf("%s\nhave %s\nwant %s", what, h, w)
	}
}
