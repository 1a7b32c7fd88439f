package patch

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// program under test: a module in a folder, with its archives.
type source struct {
	dir, pkg  string
	toolchain string   // "1.27.4"; "" is that of the test
	flags     []string // of the linker
	archives  map[string]string
	texts     map[string]string // of the files with which newSource was called
}

// newSource writes a module. The files are in the form of txtar: "-- NAME --" before each.
func newSource(t testing.TB, text string) *source {
	t.Helper()
	s := &source{dir: t.TempDir(), pkg: ".", texts: sources(text)}
	s.save(t, "-- go.mod --\nmodule example\n\ngo 1.25\n")
	s.save(t, text)
	return s
}

func (s *source) save(t testing.TB, text string) {
	t.Helper()
	for _, part := range strings.Split("\n"+text, "\n-- ")[1:] {
		name, body, _ := strings.Cut(part, " --\n")
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(body, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// compile compiles everything and returns what has changed since the last call.
func (s *source) compile(t testing.TB) (changed map[string]string) {
	t.Helper()
	changed, err := s.tryCompile()
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func (s *source) tryCompile() (changed map[string]string, err error) {
	c := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Name}} {{.Export}}", s.pkg)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", s.chosen())
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr(err))
	}
	before := s.archives
	s.archives, changed = map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		if f[1] == "main" {
			f[0] = "main"
		}
		s.archives[f[0]] = f[2]
		if before[f[0]] != f[2] {
			changed[f[0]] = f[2]
		}
	}
	return changed, nil
}

// changes returns the changes to packages with new archives.
func changes(archives map[string]string) map[string]Change {
	list := map[string]Change{}
	for path, archive := range archives {
		list[path] = Change{Archive: archive}
	}
	return list
}

func stderr(err error) string {
	if exit, ok := err.(*exec.ExitError); ok {
		return string(exit.Stderr)
	}
	return ""
}

// link links the archives exactly.
func (s *source) link(t testing.TB, args ...string) Link {
	t.Helper()
	link, err := s.tryLink(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func (s *source) tryLink(t testing.TB, args ...string) (Link, error) {
	t.Helper()
	dir := t.TempDir()
	var config strings.Builder
	for _, p := range slices.Sorted(maps.Keys(s.archives)) {
		if p != "main" {
			fmt.Fprintf(&config, "packagefile %s=%s\n", p, s.archives[p])
		}
	}
	cfg, exe := filepath.Join(dir, "importcfg.link"), filepath.Join(dir, "exe")
	if err := os.WriteFile(cfg, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args = slices.Concat(s.flags, args)
	args = append([]string{"tool", "link", "-o", exe, "-importcfg", cfg, "-buildmode=exe", "-w"}, args...)
	c := exec.Command("go", append(args, s.archives["main"])...)
	c.Env = append(os.Environ(), s.chosen())
	if out, err := c.CombinedOutput(); err != nil {
		return Link{}, fmt.Errorf("link: %w\n%s", err, out)
	}
	version := runtime.Version()
	if s.toolchain != "" {
		version = "go" + s.toolchain
	}
	link := Link{Image: exe, Archives: maps.Clone(s.archives), GoVersion: version}
	for _, arg := range args {
		if set, ok := strings.CutPrefix(arg, "-X="); ok {
			link.Set = append(link.Set, set)
		}
	}
	return link, nil
}

// chosen returns the variable of the environment that makes go the toolchain.
func (s *source) chosen() string {
	if s.toolchain == "" {
		return "GOTOOLCHAIN=local"
	}
	return "GOTOOLCHAIN=go" + s.toolchain
}

// open links and opens a base.
func (s *source) open(t testing.TB) *Base {
	t.Helper()
	b, err := Open(t.Context(), s.link(t))
	if err != nil {
		t.Fatalf("the link cannot be patched: %v", err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// run runs a program and returns what it prints.
func run(t testing.TB, exe string, env ...string) string {
	t.Helper()
	c := exec.Command(exe)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		out = append(out, err.Error()...)
	}
	return string(out)
}
