//go:build linux || darwin

package gobuild

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

const torn = "-- go.mod --\nmodule m\n\ngo 1.24\n" +
	"-- svc/main.go --\npackage main\n\nimport \"m/svc/lib\"\n\nfunc main() { serve(lib.Address) }\n" +
	"-- svc/serve.go --\npackage main\n\nimport \"net\"\n\n" +
	"func serve(address string) { _, err := net.Listen(\"tcp\", address); panic(err) }\n" +
	"-- svc/lib/lib.go --\npackage lib\n\nconst Address = \":0\"\n"

func tornProgram(t *testing.T) (p Program, svc string) {
	dir := tree(t, torn)
	return program(dir, "./svc"), filepath.Join(dir, "svc")
}

// away takes a file or folder away; the result brings a copy of it back.
func away(t *testing.T, path string) (back func()) {
	t.Helper()
	kept := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.Rename(path, kept); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		info, err := os.Stat(kept)
		if err == nil && info.IsDir() {
			err = os.CopyFS(path, os.DirFS(kept))
		} else if err == nil {
			var text []byte
			if text, err = os.ReadFile(kept); err == nil {
				err = os.WriteFile(path, text, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestBuildByAnOldGraph: whether to link the agent is never decided by the graph of another tree, such as a half-copied
// folder.
func TestBuildByAnOldGraph(t *testing.T) {
	for _, c := range []struct {
		name string
		gone string
	}{
		{"the folder was gone", "."},
		{"the file that imports net was gone", "serve.go"},
		{"a package was gone", "lib"},
		{"main was gone", "main.go"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, svc := tornProgram(t)
			back := away(t, filepath.Join(svc, c.gone))
			old, _ := Load(t.Context(), p)
			back()
			b := builder(t)
			a, err := b.Build(t.Context(), p, old)
			if err != nil {
				t.Fatal(err)
			}
			if !a.Agent || a.Moved {
				t.Errorf("agent %v, because %q; moved %v", a.Agent, a.Plain, a.Moved)
			}
			// The control: by that graph alone there would be none, unless go could tell of the imports all the same.
			if _, reason, _ := b.agentOf(p, old); reason != NoNet && c.gone != "lib" && c.gone != "main.go" {
				t.Errorf("the old graph says %q: the case shows nothing", reason)
			}
		})
	}
}

// TestAgentFaultOfHalfATree: what failed with the agent while the tree was half of one is no reason against the agent.
func TestAgentFaultOfHalfATree(t *testing.T) {
	p, svc := tornProgram(t)
	g := load(t, p)
	b := builder(t)
	back := away(t, filepath.Join(filepath.Dir(svc), "go.mod"))
	if _, err := b.Build(t.Context(), p, g); err == nil {
		t.Fatal("it builds without go.mod")
	}
	back()
	if a, err := b.Build(t.Context(), p, g); err != nil || !a.Agent {
		t.Errorf("afterwards: %+v, %v", a, err)
	}
}

func TestCurrent(t *testing.T) {
	p, svc := tornProgram(t)
	main := filepath.Join(svc, "main.go")
	text, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(svc, "lib", "lib.go")
	for _, c := range []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing has changed", func() {}, true},
		{"a body", func() { write(t, main, string(text)+"\nfunc more() {}\n") }, true},
		{"imports", func() {
			write(t, main, "package main\n\nimport _ \"os\"\n"+
				string(text[len("package main\n"):]))
		}, false},
		{"a source is new", func() { write(t, filepath.Join(svc, "new.go"), "package main\n") }, false},
		{"a text is new", func() { write(t, filepath.Join(svc, "new.txt"), "package main\n") }, true},
		{"a source is gone", func() { away(t, lib) }, false},
		{"it is as it was, in another file", func() { away(t, main)() }, true},
		{"go.mod", func() { write(t, filepath.Join(p.Dir, "go.mod"), "module m\n\ngo 1.24\n\n// more\n") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, p)
			c.do()
			if have := g.Current(); have != c.want {
				t.Errorf("have %v", have)
			}
			write(t, main, string(text))
			write(t, lib, "package lib\n\nconst Address = \":0\"\n")
			os.Remove(filepath.Join(svc, "new.go"))
		})
	}
}

func TestTorn(t *testing.T) {
	p, svc := tornProgram(t)
	page := filepath.Join(svc, "page.html")
	write(t, page, "page")
	g := load(t, p)
	torn := func(when string, want bool, more ...string) {
		t.Helper()
		if have := g.Torn(more); have != want {
			t.Errorf("%s: have %v", when, have)
		}
	}
	back := away(t, filepath.Join(svc, "serve.go"))
	torn("a file is gone, the folder is the same", false)
	back()
	if err := os.RemoveAll(svc); err != nil { // the next file may get the same inode
		t.Fatal(err)
	}
	torn("the folder is gone", false)
	write(t, filepath.Join(svc, "main.go"), "package main\n")
	torn("it is made anew, and lacks files", true)
	write(t, filepath.Join(svc, "serve.go"), "package main\n")
	write(t, filepath.Join(svc, "lib", "lib.go"), "package lib\n")
	torn("it is complete", false)
	torn("it lacks what a worker has read", true, page)
	torn("it lacks what lies elsewhere", false, filepath.Join(p.Dir, "elsewhere"))
}

func TestRestless(t *testing.T) {
	p, svc := tornProgram(t)
	g := load(t, p)
	later := time.Now().Add(time.Second)
	if g.restless(later) {
		t.Error("nothing is touched after that")
	}
	if !g.restless(time.Now().Add(-time.Hour)) {
		t.Error("all was touched within an hour")
	}
	main := filepath.Join(svc, "main.go")
	if err := os.Chtimes(main, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !g.restless(time.Now()) {
		t.Error("a file with an old time, just copied, is not noticed")
	}
	away(t, main)
	if g = load(t, p); g.restless(later) {
		t.Error("what go has not seen, and is not there, is not noticed")
	}
}
