package gobuild

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const hello = `-- go.mod --
module example.com/hello
go 1.25
-- main.go --
package main

import (
	"fmt"

	"example.com/hello/word"
)

var version = "none"

func main() { fmt.Println(word.Word(), version) }
-- word/word.go --
package word

func Word() string { return "hello" }
`

func TestBuild(t *testing.T) {
	dir := tree(t, hello)
	b, p := builder(t), program(dir)
	a := build(t, b, p)
	equal(t, "output", output(t, a), "hello none")
	if a.Moved || a.Took <= 0 || a.Text != "" {
		t.Errorf("have %+v", a)
	}
	if strings.TrimSuffix(filepath.Base(a.Path), ".exe") != "hello" {
		t.Errorf("the program is called %s", a.Path)
	}
	write(t, filepath.Join(dir, "word/word.go"), "package word\n\nfunc Word() string { return \"bye\" }\n")
	second := build(t, b, p)
	equal(t, "output", output(t, second), "bye none")
	equal(t, "old output", output(t, a), "hello none")
	if second.ID == a.ID || second.Path == a.Path {
		t.Error("two binaries, one name")
	}
	left, _ := os.ReadDir(filepath.Join(b.run.dir, "work"))
	if len(left) != 0 {
		t.Errorf("builds have left %v", left)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("the user's folder has %v", entries)
	}
}

func TestIdenticalBinary(t *testing.T) {
	notShort(t)
	dir := tree(t, hello)
	b, p := builder(t), program(dir)
	g := load(t, p)
	a := build(t, b, p)
	content, _ := os.ReadFile(a.Path)
	for _, file := range []string{"main.go", "word/word.go"} {
		f, _ := os.OpenFile(filepath.Join(dir, file), os.O_APPEND|os.O_WRONLY, 0)
		f.WriteString("// a comment at the end\n")
		f.Close()
		same, err := b.Build(t.Context(), p, g)
		if err != nil {
			t.Fatal(err)
		}
		if same.ID != a.ID || same.Path != a.Path {
			t.Errorf("%s: have %s, want %s", file, same.ID, a.ID)
		}
		b.Release(same)
	}
	if now, _ := os.ReadFile(a.Path); !bytes.Equal(now, content) {
		t.Error("the binary was written to")
	}
	b.Release(a)
	if _, err := os.Stat(a.Path); !os.IsNotExist(err) {
		t.Errorf("released by all, still there: %v", err)
	}
}

func TestErrorsOfImportsHaveTheirPackage(t *testing.T) {
	p := program(tree(t, hello))
	g := load(t, p)
	write(t, filepath.Join(p.Dir, "word/word.go"), "package word\n\nimport _ \"x.org/y\"\n")
	_, err := builder(t).Build(t.Context(), p, g)
	var failed *BuildError
	if !errors.As(err, &failed) || len(failed.Diagnostics) != 1 ||
		failed.Diagnostics[0].Package != "example.com/hello/word" {
		t.Errorf("have %#v", err)
	}
}

// A running or kept binary must not change at the next link, though go finds the binary at its output path.
func TestArtifactIsNeverWrittenTo(t *testing.T) {
	notShort(t)
	dir := tree(t, hello)
	b, p := builder(t), program(dir)
	a := build(t, b, p)
	content, _ := os.ReadFile(a.Path)
	write(t, filepath.Join(dir, "word/word.go"), "package word\n\nfunc Word() string { return \"bye\" }\n")
	other := build(t, b, p)
	write(t, filepath.Join(dir, "word/word.go"), "package word\n\nfunc Word() string { return \"hello\" }\n")
	again := build(t, b, p)
	if now, _ := os.ReadFile(a.Path); !bytes.Equal(now, content) {
		t.Error("the binary was written to")
	}
	if again.ID != a.ID || other.ID == a.ID {
		t.Errorf("have %s %s %s", a.ID, other.ID, again.ID)
	}
}

func TestReferences(t *testing.T) {
	notShort(t)
	dir := tree(t, hello)
	b, p := builder(t), program(dir)
	a := build(t, b, p)
	b.Retain(a)
	b.Release(a)
	if _, err := os.Stat(a.Path); err != nil {
		t.Fatal("released too early")
	}
	os.RemoveAll(filepath.Dir(a.Path)) // another program empties the cache folder
	again := build(t, b, p)
	if again.ID != a.ID {
		t.Errorf("have %s, want %s", again.ID, a.ID)
	}
	equal(t, "output", output(t, again), "hello none")
	b.Release(again)
	b.Release(a)
	if _, err := os.Stat(filepath.Dir(a.Path)); !os.IsNotExist(err) {
		t.Error("still there")
	}
	b.Release(a) // one too many does no harm
}

func TestFlagsReachTheBuild(t *testing.T) {
	notShort(t)
	const x = "-X main.version=v1"
	for _, c := range []struct {
		name, goflags string
		flags         []string
		debug         bool
		version       string
		dwarf         bool
	}{
		{"plain", "", nil, false, "none", false},
		{"debug", "", nil, true, "none", true},
		{"linker flag", "", []string{"-ldflags", x}, false, "v1", false},
		{"linker flag by pattern", "", []string{"-ldflags=all=" + x}, false, "v1", false},
		{"pattern of others", "", []string{"-ldflags=" + x, "-ldflags=example.com/hello/word=-s"}, false, "v1", false},
		{"the last one wins", "", []string{"-ldflags=" + x, "-ldflags=example.com/...=-X=main.version=v2"}, false,
			"v2", false},
		{"GOFLAGS", "'-ldflags=" + x + "'", nil, false, "v1", false},
		{"GOFLAGS, other pattern here", "'-ldflags=" + x + "'", []string{"-ldflags=fmt=-s"}, false, "v1", false},
		{"user keeps DWARF", "", []string{"-ldflags=-w=0 " + x}, false, "v1", true},
		{"unoptimised", "", []string{"-gcflags=-N -l"}, false, "none", true},
		{"module flag in GOFLAGS", "-mod=mod", nil, false, "none", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, hello)
			p := program(dir)
			p.Flags, p.Debug, p.Env = c.flags, c.debug, append(p.Env, "GOFLAGS="+c.goflags)
			a := build(t, builder(t), p)
			equal(t, "output", output(t, a), "hello "+c.version)
			content, _ := os.ReadFile(a.Path)
			if dwarf := bytes.Contains(content, []byte(".debug_info")) ||
				bytes.Contains(content, []byte(".zdebug_info")) ||
				bytes.Contains(content, []byte("__debug_info")) ||
				bytes.Contains(content, []byte("__zdebug_info")); dwarf != c.dwarf {
				t.Errorf("DWARF: %v, want %v", dwarf, c.dwarf)
			}
		})
	}
}

func TestOtherBuilds(t *testing.T) {
	notShort(t)
	for _, c := range []struct {
		name, files string
		flags       []string
		needs       string // a program
		want        string
	}{
		{"embed", "-- main.go --\npackage main\nimport _ \"embed\"\n//go:embed a.txt\nvar s string\n" +
			"func main() { print(s) }\n-- a.txt --\nembedded\n", nil, "", "embedded"},
		{"tags", "-- main.go --\npackage main\nvar s = \"no\"\nfunc main() { println(s) }\n" +
			"-- tag.go --\n//go:build tag\n\npackage main\nfunc init() { s = \"yes\" }\n", []string{"-tags=tag"}, "", "yes"},
		{"cgo", "-- main.go --\npackage main\n// int f(void) { return 42; }\nimport \"C\"\n" +
			"func main() { println(C.f()) }\n", nil, "gcc", "42"},
		{"cover", "-- main.go --\npackage main\nfunc main() { println(1) }\n", []string{"-cover"}, "",
			"warning: GOCOVERDIR not set, no coverage data emitted\n1"},
		{"no build ID", "-- main.go --\npackage main\nfunc main() { println(1) }\n", []string{"-ldflags=-buildid="},
			"", "1"},
		{"replace", "-- go.mod --\nmodule example.com/a\ngo 1.25\nrequire x.org/y v0.0.0\nreplace x.org/y => ./y\n" +
			"-- y/go.mod --\nmodule x.org/y\n-- y/y.go --\npackage y\nconst Y = 7\n" +
			"-- main.go --\npackage main\nimport \"x.org/y\"\nfunc main() { println(y.Y) }\n", nil, "", "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.needs != "" {
				if _, err := exec.LookPath(c.needs); err != nil {
					t.Skip(c.needs + " is not installed")
				}
			}
			p := program(tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\n"+c.files))
			p.Flags = c.flags
			b := builder(t)
			a := build(t, b, p)
			lines := strings.Split(output(t, a), "\n")
			slices.Sort(lines)
			want := strings.Split(c.want, "\n")
			slices.Sort(want)
			equal(t, "output", lines, want)
			again := build(t, b, p)
			if again.ID != a.ID {
				t.Errorf("the same again is %s, not %s", again.ID, a.ID)
			}
		})
	}
}

func TestBuildError(t *testing.T) {
	dir := tree(t, hello)
	b, p := builder(t), program(dir)
	g := load(t, p)
	write(t, filepath.Join(dir, "word/word.go"), "package word\n\nfunc Word() string { return 1 }\n")
	_, err := b.Build(t.Context(), p, g)
	var failed *BuildError
	if !errors.As(err, &failed) || len(failed.Diagnostics) != 1 || failed.DiskFull || failed.Moved {
		t.Fatalf("have %#v", err)
	}
	d := failed.Diagnostics[0]
	equal(t, "file", d.File, filepath.Join(dir, "word/word.go"))
	equal(t, "package", d.Package, "example.com/hello/word")
	if d.Line != 3 || d.Col == 0 || !strings.Contains(failed.Text, "# example.com/hello/word") {
		t.Errorf("have %#v", failed)
	}
	if a := failed.Error(); !strings.Contains(a, d.File+":3:") {
		t.Error(a)
	}
}

func TestDiskFull(t *testing.T) {
	p := acting(program(tree(t, hello)), "fail write $WORK/x: no space left on device", "example.com/hello/word")
	_, err := builder(t).Build(t.Context(), p, load(t, p))
	var failed *BuildError
	if !errors.As(err, &failed) || !failed.DiskFull || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("have %v", err)
	}
}

func TestNotMainIsNoArtifact(t *testing.T) {
	p := program(tree(t, hello), "./word")
	g, _ := Load(t.Context(), p)
	if _, err := builder(t).Build(t.Context(), p, g); !errors.Is(err, NotMain) {
		t.Errorf("have %v", err)
	}
}

// A save during the compiler's run must not be lost, and an undisturbed build must not run twice.
func TestMoved(t *testing.T) {
	for _, c := range []struct {
		file string
		want bool
	}{
		{"main.go", true},
		{"word/word.go", true},
		{"word/new.go", true},
		{"word/new_test.go", false},
		{"word/notes.txt", false},
		{"go.sum", true},
		{"go.mod", true},
		{"default.pgo", true},
		{"page/new.txt", true},
		{"page/a.txt", true},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, hello+
				"-- embed.go --\npackage main\nimport _ \"embed\"\nimport \"embed\"\n//go:embed page\nvar page embed.FS\n"+
				"-- page/a.txt --\nx\n")
			p := acting(program(dir), "append "+filepath.Join(dir, c.file), "example.com/hello/word")
			a := build(t, builder(t), p)
			if a.Moved != c.want {
				t.Errorf("have %v, want %v", a.Moved, c.want)
			}
		})
	}
}

func TestMovedWhileFailing(t *testing.T) {
	dir := tree(t, hello)
	p := acting(program(dir), "append "+filepath.Join(dir, "word/word.go"), "example.com/hello/word")
	g := load(t, p)
	write(t, filepath.Join(dir, "main.go"),
		"package main\n\nimport _ \"example.com/hello/word\"\n\nfunc main() { x }\n")
	_, err := builder(t).Build(t.Context(), p, g)
	var failed *BuildError
	if !errors.As(err, &failed) || !failed.Moved {
		t.Errorf("have %#v", err)
	}
}

func TestCancelKillsTheWholeGroup(t *testing.T) {
	dir, pidFile := tree(t, hello), filepath.Join(t.TempDir(), "pid")
	p := acting(program(dir), "hang "+pidFile, "example.com/hello/word")
	own := t.TempDir()
	for _, c := range []struct{ name, gotmpdir string }{{"ours", ""}, {"the user's", own}} {
		t.Run(c.name, func(t *testing.T) {
			os.Remove(pidFile)
			write(t, filepath.Join(dir, "word/word.go"),
				"package word\n\nfunc Word() string { return \"hello\" } // "+c.name+"\n")
			p := p
			p.Env = append(slices.Clip(p.Env), "GOTMPDIR="+c.gotmpdir)
			b, g := builder(t), load(t, p)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { _, err := b.Build(ctx, p, g); ended <- err }()
			var pid int
			eventually(t, "the compiler runs", func() bool {
				text, err := os.ReadFile(pidFile)
				pid, _ = strconv.Atoi(string(text))
				return err == nil
			})
			began := time.Now()
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("have %v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			eventually(t, "the compiler is gone", func() bool { return !alive(pid) })
			for _, dir := range []string{filepath.Join(b.run.dir, "work"), own} {
				if left, _ := os.ReadDir(dir); len(left) != 0 {
					t.Errorf("%s has %v", dir, left)
				}
			}
			// Nothing is spoilt for the next build.
			p.Env = append(p.Env, "ACT=none")
			equal(t, "output", output(t, build(t, b, p)), "hello none")
		})
	}
}

// alive reports whether a process has this pid. A killed process may take a moment to be reaped.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	return p.Signal(syscall.Signal(0)) == nil
}

// eventually waits for a fact.
func eventually(t *testing.T, fact string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within 30 s: %s", fact)
}

func TestChattyBuildKeepsItsText(t *testing.T) {
	p := program(tree(t, hello))
	p.Flags = []string{"-v", "-a=false"}
	b := builder(t)
	write(t, filepath.Join(p.Dir, "word/word.go"), "package word\n\nfunc Word() string { return "+
		strconv.Quote(time.Now().String())+" }\n")
	if a := build(t, b, p); !strings.Contains(a.Text, "example.com/hello/word") {
		t.Errorf("have %q", a.Text)
	}
}
