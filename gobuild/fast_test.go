package gobuild

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/gobuild/plan"
)

// fastBuilder returns a builder whose idle work does not wait for an idle machine.
func fastBuilder(t testing.TB) *Builder {
	t.Helper()
	b := builder(t)
	b.short.pause, b.short.pushy = func(context.Context, time.Duration) {}, true
	return b
}

// settle waits until all idle work is done.
func (b *Builder) settle() {
	b.short.mu.Lock()
	ended := b.short.ended
	b.short.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// trial is a program that hotreload and go build again and again.
type trial struct {
	*testing.T
	b *Builder
	p Program
	g *Graph

	milder int // how often a random edit that go alone can build, or nobody, is drawn again; then it is soon taken back
}

// begin builds the program by go and waits until it can be built the fast way.
func begin(t *testing.T, p Program) *trial {
	t.Helper()
	c := &trial{T: t, b: fastBuilder(t), p: p, g: load(t, p)}
	c.build()
	c.b.settle()
	return c
}

// build builds, and releases the binary when the test ends.
func (c *trial) build() (*Artifact, error) {
	c.Helper()
	a, err := c.b.Build(c.Context(), c.p, c.g)
	if err == nil {
		c.Cleanup(func() { c.b.Release(a) })
	}
	return a, err
}

// same builds, and requires the same result from go: a binary with identical bytes, build IDs aside, or the same
// message. It returns the way, "" if the program does not build.
func (c *trial) same() (way string) {
	c.Helper()
	a, err := c.build()
	return c.sameAs(a, err)
}

// byGo has go build the program at out.
func (c *trial) byGo(out string) said {
	c.Helper()
	flags, _ := parseFlags(c.p.Flags)
	agent, _, _ := c.b.agentOf(c.p, c.g)
	with, what := c.p.buildArgs(c.g, flags, agent)
	t, err := c.p.toolchain()
	if err != nil {
		c.Fatal(err)
	}
	said, err := t.run(c.Context(), nil, slices.Concat([]string{"build", "-o", out}, with, what)...)
	if err != nil {
		c.Fatal(err)
	}
	return said
}

// sameAs is same for the result of a build.
func (c *trial) sameAs(a *Artifact, err error) (way string) {
	c.Helper()
	out := filepath.Join(c.TempDir(), "by-go")
	said := c.byGo(out)
	var failed *BuildError
	switch {
	case !said.exit.Success() && errors.As(err, &failed):
		if failed.Way == "" {
			c.Error("a failed build does not say how it was done")
		}
		equal(c, "words", blocks(failed.Text), blocks(string(said.out)+said.text))
		return ""
	case !said.exit.Success() || err != nil:
		c.Fatalf("hotreload: %v, go: %v\n%s", err, said.exit, said.text)
	}
	ours, theirs := unstamped(c, a.Path), unstamped(c, out)
	if ours != theirs {
		c.Fatalf("%s: the binaries differ\n%s", a.Way, differences(a.Path, out))
	}
	if id, err := contentID(out); err != nil || id != a.ID {
		c.Fatalf("%s: the ID is %s, go's is %s (%v)", a.Way, a.ID, id, err)
	}
	known := strings.HasPrefix(a.Way, "compiled")
	linked := strings.Contains(a.Way, "and linked") || strings.HasSuffix(a.Way, "and patched")
	if s := a.Steps; known != (s.Compile > 0) || linked != (s.Link > 0) || s.Compile+s.Link > a.Took {
		c.Errorf("%s: compiled for %s, linked for %s, in all %s", a.Way, s.Compile, s.Link, a.Took)
	}
	return a.Way
}

// blocks returns go's messages, one per package, sorted, because go prints messages in the order in which compilers
// end.
func blocks(text string) []string {
	all := strings.Split("\n"+strings.TrimSpace(text), "\n# ")
	slices.Sort(all)
	return all
}

// unstamped returns the hash of a binary with zeros for its build ID and all derived bytes.
func unstamped(t testing.TB, path string) plan.Sum {
	t.Helper()
	head, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	id := buildID.Find(head[:min(len(head), idWithin)])
	if id == nil {
		id = []byte(" no build ID ")
	} else {
		id = id[:len(id)-1]
	}
	sum, _, err := plan.ContentHash(path, string(id))
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// differences returns the first difference of two files.
func differences(a, b string) string {
	one, _ := os.ReadFile(a)
	two, _ := os.ReadFile(b)
	for i := range min(len(one), len(two)) {
		if one[i] != two[i] && !bytes.HasPrefix(one[i:], []byte("hotreload_fast")) {
			return "at " + string(one[max(0, i-20):min(len(one), i+20)]) + "\nand " +
				string(two[max(0, i-20):min(len(two), i+20)])
		}
	}
	return "in length alone"
}

func fast(way string) bool { return way != "" && !strings.HasPrefix(way, "go build") }

// odds is a program with one of every kind of source.
const odds = `-- go.mod --
module example.com/odds
go 1.25
-- goenv --
-- main.go --
package main

import (
	"embed"

	"example.com/odds/asm"
	"example.com/odds/word"
)

//go:embed page
var page embed.FS

func main() {
	text, _ := page.ReadFile("page/a.txt")
	println(word.Word(), string(text), asm.Seven())
}
-- page/a.txt --
a
-- page/b.go --
package page

import "time"

//go:noinline
func Page() time.Time { return time.Now() }
-- word/word.go --
package word

import "strings"

func Word() string { return strings.ToUpper(deep()) + more() }

func deep() string {
	for range 3 {
		defer print()
	}
	return "deep"
}
-- word/more.go --
package word

import _ "container/list"
import _ "sync"

func more() string { return "more" }
-- word/word_test.go --
package word
-- word/word_plan9.go --
package word
-- asm/asm.go --
package asm

func Seven() int { return 7 }
-- asm/nothing.s --
`

// doubts are edits of odds, and their outcome: a word of the way, or of the reason why go has to build.
var doubts = []struct{ name, file, old, new, want string }{
	{"a body", "word/more.go", "return \"more\"", "return \"less\"", "compiled"},
	{"main", "main.go", "println(", "println(1, ", "compiled 1 of"},
	{"an embedded file", "page/a.txt", "a", "b", "compiled 1 of"},
	{"embedded source, which is not code", "page/b.go", "package", "//go:build never\npackage", "compiled 1 of"},
	{"an import that embedded source has already", "main.go", "import (", "import (\n\t_ \"time\"", "compiled 1 of"},
	{"a comment at the end", "word/more.go", "", "// end\n", "which changed nothing"},
	{"the same again", "word/more.go", "", "", "nothing that is compiled has changed"},
	{"a test", "word/word_test.go", "", "// end\n", "nothing that is compiled has changed"},
	{"a new test", "word/new_test.go", "", "package word\n", "nothing that is compiled has changed"},
	{"no source", "word/notes.txt", "", "x", "nothing that is compiled has changed"},
	{"an import more", "word/word.go", "import \"strings\"", "import (\n\"strings\"\n_ \"time\"\n)", "compiled"},
	{"an import less", "word/more.go", "import _ \"sync\"", "", "compiled"},
	{"an import of a new package", "word/word.go", "import \"strings\"",
		"import (\n\"strings\"\n_ \"container/ring\"\n)", "container/ring is new"},
	{"the last import of a package", "word/more.go", "import _ \"container/list\"", "", "set of packages has changed"},
	{"another import", "word/word.go", "\"strings\"", "\"bytes\"", "bytes is new"},
	{"an internal import", "word/more.go", "\"sync\"", "\"internal/abi\"", "internal"},
	{"an import of a program", "word/more.go", "\"sync\"", "\"example.com/odds\"", "is a program"},
	{"an import of nothing", "word/more.go", "\"sync\"", "\"\"", "is new"},
	{"an import of a folder", "word/more.go", "\"sync\"", "\"../asm\"", "is new"},
	{"an import of oneself", "word/more.go", "\"sync\"", "\"example.com/odds/word\"", "import each other"},
	{"an import of what is not safe", "word/more.go", "\"sync\"", "\"unsafe\"", "more.go has other"},
	{"an import that is embedding", "word/more.go", "\"sync\"", "\"embed\"", "more.go has other"},
	{"an import's name", "word/word.go", "\"strings\"", "strings \"strings\"", "compiled"},
	{"a build constraint", "word/more.go", "package word", "//go:build linux || windows || darwin\n\npackage word",
		"build constraints"},
	{"the package clause", "word/more.go", "package word", "package words", "package clause"},
	{"no package clause", "word/more.go", "package word", "word", "package clause"},
	{"an empty file", "word/more.go", "*", "", "package clause"},
	{"what is embedded", "main.go", "//go:embed page", "//go:embed page page/a.txt", "embeds"},
	{"a new embedded file", "page/b.txt", "", "b", "b.txt is new"},
	{"an embedded file less", "page/a.txt", "*", "-", "a.txt is gone"},
	{"an order to the compiler", "word/more.go", "func more", "//go:noinline\nfunc more", "//go: lines"},
	{"an order to the linker", "word/more.go", "func more", "//go:linkname more x.y\nfunc more", "//go: lines"},
	{"a runtime setting", "main.go", "package main", "//go:debug panicnil=1\npackage main", "//go: lines"},
	{"cgo", "word/more.go", "package word", "package word\nimport \"C\"", "cgo"},
	{"beside assembly", "asm/asm.go", "7", "8", "asm has a part in it"},
	{"assembly", "asm/nothing.s", "", "// end\n", "nothing.s has changed"},
	{"a new file", "word/new.go", "", "package word\n", "new.go is new"},
	{"a new file in C", "word/new.h", "", "\n", "new.h is new"},
	{"a file less", "word/more.go", "*", "-", "more.go is gone"},
	{"a file for others", "word/word_plan9.go", "", "// end\n", "word_plan9.go has changed"},
	{"a file for others less", "word/word_plan9.go", "*", "-", "word_plan9.go has changed"},
	{"go.mod", "go.mod", "", "// end\n", "go.mod has changed"},
	{"go.sum", "go.sum", "", "x\n", "go.sum has changed"},
	{"a workspace", "go.work", "", "go 1.25\nuse .\n", "go.work has changed"},
	{"a vendor folder", "vendor/modules.txt", "", "x\n", "modules.txt has changed"},
	{"a profile", "default.pgo", "", "x", "default.pgo has changed"},
	{"go env -w", "goenv", "", "GOFLAGS=-race\n", "goenv has changed"},
}

// TestDoubts checks which edits fall back to go build.
func TestDoubts(t *testing.T) {
	t.Parallel()
	notShort(t)
	p := program(tree(t, odds))
	p.Env = append(p.Env, "GOENV="+filepath.Join(p.Dir, "goenv"), "GOWORK=")
	c := begin(t, p)
	l := c.b.learner(nil, p, nil, c.g, nil)
	c.b.settle()
	bp := l.blueprint()
	if bp == nil {
		t.Fatalf("no plan: %s", c.b.short.at(l.program).off)
	}
	for _, e := range doubts {
		t.Run(e.name, func(t *testing.T) {
			path := filepath.Join(p.Dir, filepath.FromSlash(e.file))
			old, oldErr := os.ReadFile(path)
			info := statOrNil(path)
			switch {
			case e.new == "-":
				aside := filepath.Join(t.TempDir(), "aside")
				if err := os.Rename(path, aside); err != nil {
					t.Fatal(err)
				}
				defer os.Rename(aside, path)
			case e.old == "*":
				write(t, path, e.new)
			case e.old == "":
				write(t, path, string(old)+e.new)
			default:
				now := strings.Replace(string(old), e.old, e.new, 1)
				if now == string(old) {
					t.Fatalf("%s does not hold %q", e.file, e.old)
				}
				write(t, path, now)
			}
			if oldErr != nil {
				defer os.Remove(path)
			} else if e.new != "-" {
				defer func() {
					write(t, path, string(old))
					os.Chtimes(path, info.ModTime(), info.ModTime())
				}()
			}
			r := &remake{t: l.t, bp: bp, work: t.TempDir(),
				proved: func(proof string) (same, known bool) { return c.b.short.isProved(l.program, proof) }, kept: c.b.has}
			r.t, _ = p.toolchain()
			made, doubt, err := r.run(t.Context(), filepath.Join(r.work, "out"))
			if err != nil {
				t.Fatal(err)
			}
			have := doubt
			if made != nil {
				have = made.way
			}
			if !strings.Contains(have, e.want) {
				t.Errorf("have %q, want %q", have, e.want)
			}
		})
	}
	for _, tool := range []string{"compile", "link"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(bp.others.files)), func(path string) bool {
			return strings.TrimSuffix(filepath.Base(path), ".exe") == tool
		}) {
			t.Errorf("a new %s would not be noticed", tool)
		}
	}
}

// The message of a failed build is go's, whoever has built.
func TestErrorsReadLikeGo(t *testing.T) {
	t.Parallel()
	notShort(t)
	p := program(tree(t, strings.ReplaceAll(odds, "-- asm/nothing.s --\n", "")))
	c := begin(t, p)
	for _, e := range []struct{ name, file, old, new string }{
		{"type", "word/more.go", "\"more\"", "1"},
		{"undefined", "word/more.go", "\"more\"", "undefined()"},
		{"several", "word/more.go", "\"more\"", "a + b + c"},
		{"too many", "word/more.go", "\"more\"", "a + b + c + d + e + f + g + h + i + j + k + l + m"},
		{"syntax", "word/more.go", "{", "{{"},
		{"no end", "word/more.go", "\"more\" }", "\"more"},
		{"unused", "word/more.go", "{", "{ x := 1;"},
		{"unused import", "word/word.go", "strings.ToUpper(deep())", "deep()"},
		{"declared twice", "word/more.go", "func more", "func deep() {}\nfunc more"},
		{"in main", "main.go", "println(", "print(x, "},
		{"missing method, in several lines", "word/more.go", "func more",
			"type T struct{}\nvar _ interface{ M() } = T{}\nfunc more"},
		{"what importers use is gone", "word/word.go", "func Word", "func Ward"},
		{"line directive", "word/more.go", "func more",
			"//line other.go:7\nfunc more() int { return \"\" }\nfunc more"},
	} {
		path := filepath.Join(p.Dir, filepath.FromSlash(e.file))
		old, _ := os.ReadFile(path)
		write(t, path, strings.Replace(string(old), e.old, e.new, 1))
		if way := c.same(); way != "" {
			t.Errorf("%s: it builds: %s", e.name, way)
		}
		write(t, path, string(old))
	}
	if way := c.same(); !fast(way) {
		t.Errorf("afterwards: %s", way)
	}
}

// go reports every package that does not compile. So does hotreload, although some packages are compiled only because
// of others.
func TestErrorsInSeveralPackages(t *testing.T) {
	t.Parallel()
	notShort(t)
	p := program(tree(t, "-- go.mod --\nmodule example.com/several\ngo 1.25\n"+
		"-- low/low.go --\npackage low\n\nfunc Low() int { return 1 }\n"+
		"-- a/a.go --\npackage a\n\nimport \"example.com/several/low\"\n\nfunc A() int { return low.Low() }\n"+
		"-- b/b.go --\npackage b\n\nimport \"example.com/several/low\"\n\nfunc B() int { return low.Low() }\n"+
		"-- main.go --\npackage main\n\nimport (\n\t\"example.com/several/a\"\n\t\"example.com/several/b\"\n)\n\n"+
		"func main() { println(a.A(), b.B()) }\n"))
	c := begin(t, p)
	for _, e := range []struct{ name, file, text string }{
		{"both importers fail", "low/low.go", "package low\n\nfunc Law() int { return 1 }\n"},
		{"so does one of them for itself", "a/a.go",
			"package a\n\nimport \"example.com/several/low\"\n\nfunc A() int { return low.Lew() }\n"},
		{"the other is well", "low/low.go", "package low\n\nfunc Low() int { return 2 }\n"},
		{"both changed, both fail", "b/b.go",
			"package b\n\nimport \"example.com/several/low\"\n\nfunc B() int { return low.Liw() }\n"},
	} {
		write(t, filepath.Join(p.Dir, e.file), e.text)
		if way := c.same(); way != "" {
			t.Errorf("%s: it builds: %s", e.name, way)
		}
	}
}

// No work begins if go would have to repeat the work. If main is not proved yet, or cannot be compiled here, only
// packages that do not reach main are compiled.
func TestNothingIsCompiledInVain(t *testing.T) {
	t.Parallel()
	notShort(t)
	p := program(tree(t, "-- go.mod --\nmodule example.com/tower\ngo 1.25\n"+
		"-- low/low.go --\npackage low\n\nfunc Low() int { return 1 }\n"+
		"-- mid/mid.go --\npackage mid\n\nimport \"example.com/tower/low\"\n\nfunc Mid() int { return low.Low() }\n"+
		"-- main.go --\npackage main\n\nimport \"example.com/tower/mid\"\n\nfunc main() { println(mid.Mid()) }\n"))
	c := begin(t, p)
	bp := c.b.short.at(p.key()).blueprint
	const low, mid, main = "example.com/tower/low", "example.com/tower/mid", "example.com/tower"
	const inlined = "package low\n\nfunc Low() int { return 2 }\n"
	yes, no := func() (same, known bool) { return true, true }, func() (same, known bool) { return false, true }
	unknown := func() (same, known bool) { return false, false }
	for _, e := range []struct {
		name, about string
		proved      func() (same, known bool) // only of the package about; all others are proved
		compiled    int
		doubt       string
	}{
		{"all is proved", main, yes, 3, ""},
		{"what changes is not", low, unknown, 0, "low is not proved yet"},
		{"an importer is not", mid, unknown, 1, "mid is not proved yet"},
		{"an importer cannot be", mid, no, 1, "mid is not proved yet"},
		{"an importer's importer is not", main, unknown, 1, "tower is not proved yet"},
		{"an importer's importer cannot be, and is reached", main, no, 2, "tower is not proved yet"},
	} {
		write(t, filepath.Join(p.Dir, "low/low.go"), inlined)
		r := &remake{bp: bp, work: t.TempDir(), proved: func(proof string) (same, known bool) {
			if proof == bp.units[e.about].proof {
				return e.proved()
			}
			return true, true
		}, kept: c.b.has}
		r.t, _ = p.toolchain()
		_, doubt, err := r.run(t.Context(), filepath.Join(r.work, "out"))
		if err != nil {
			t.Fatal(err)
		}
		archives, _ := filepath.Glob(filepath.Join(r.work, "*", "_pkg_.a"))
		if !strings.HasSuffix(doubt, e.doubt) || doubt != "" && e.doubt == "" || len(archives) != e.compiled {
			t.Errorf("%s: %d compiled, doubt %q; want %d, %q", e.name, len(archives), doubt, e.compiled, e.doubt)
		}
	}
}

// small is hello without package fmt, for a quick link.
var small = strings.NewReplacer("\t\"fmt\"\n\n", "", "fmt.Println", "println").Replace(hello)

// edited writes another word into the program hello.
func (c *trial) edited(word string) {
	c.Helper()
	write(c, filepath.Join(c.p.Dir, "word/word.go"), "package word\n\nfunc Word() string { return \""+word+"\" }\n")
}

func TestFastBuildsAreThoseOfGo(t *testing.T) {
	t.Parallel()
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	profile := filepath.Join(t.TempDir(), "cpu.pgo")
	write(t, profile, "")
	for _, e := range []struct {
		name  string
		flags []string
		env   string
		slow  bool
		want  bool
	}{
		{"plain", nil, "", false, true},
		{"files", nil, "", false, true},
		{"asked to use go", nil, "", true, false},
		{"trimpath", []string{"-trimpath"}, "", false, true},
		{"tags and linker flags", []string{"-tags=x", "-ldflags=-X main.version=v1 -s"}, "", false, true},
		{"compiler flags", []string{"-gcflags=all=-l"}, "", false, true},
		{"no optimisation", []string{"-gcflags=-N -l"}, "", false, true},
		{"no build ID", []string{"-ldflags=-buildid="}, "", false, true},
		{"another system", nil, "GOARCH=arm64", false, true},
		{"an overlay", []string{"-overlay=" + overlay}, "", false, true},
		{"race detector", []string{"-race"}, "", false, true},
		{"profile", []string{"-pgo=" + profile}, "", false, false},
		{"no profile", []string{"-pgo=off"}, "", false, true},
		{"coverage", []string{"-cover"}, "", false, false},
		{"chatty", []string{"-v"}, "", false, false},
		{"toolexec", []string{"-toolexec=env"}, "", false, false},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			if e.name != "plain" {
				notShort(t)
			}
			if e.env != "" && os.Getenv("HOTRELOAD_SOAK") == "" {
				t.Skip("HOTRELOAD_SOAK=1 compiles the standard library for it")
			}
			p := program(tree(t, small))
			p.Flags, p.Slow, p.Env = e.flags, e.slow, append(p.Env, e.env)
			edit := filepath.Join(p.Dir, "word/word.go")
			if e.name == "files" {
				p.Args = []string{"main.go"}
			}
			if e.name == "an overlay" {
				edit = filepath.Join(t.TempDir(), "elsewhere.go")
				write(t, edit, "package word\n\nfunc Word() string { return \"elsewhere\" }\n")
				write(t, overlay, `{"Replace": {"`+filepath.Join(p.Dir, "word/word.go")+`": "`+edit+`"}}`)
			}
			c := begin(t, p)
			for _, word := range []string{"one", "two"} {
				write(t, edit, "package word\n\nfunc Word() string { return \""+word+"\" }\n")
				if way := c.same(); fast(way) != e.want {
					t.Errorf("%s: %s", word, way)
				}
			}
			if write(t, filepath.Join(p.Dir, "main.go"),
				"package main\n\nimport \"example.com/hello/word\"\n\nvar version = 1\n\n"+
					"func main() { println(word.Word(), versio) }\n"); c.same() != "" {
				t.Error("it builds")
			}
		})
	}
}

// Vendored packages are linked, but people do not edit such packages, so the plan does not contain them.
func TestFastWithVendor(t *testing.T) {
	notShort(t)
	const main, lib = "package main\n\nimport \"x.org/y\"\n\nfunc main() { println(y.Y(), 1) }\n",
		"package y\n\nfunc Y() int { return 1 }\n"
	p := program(tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\nrequire x.org/y v1.0.0\n-- main.go --\n"+main+
		"-- vendor/modules.txt --\n# x.org/y v1.0.0\n## explicit; go 1.25\nx.org/y\n-- vendor/x.org/y/y.go --\n"+lib))
	c := begin(t, p)
	write(t, filepath.Join(p.Dir, "main.go"), strings.Replace(main, "1)", "2)", 1))
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
	write(t, filepath.Join(p.Dir, "vendor/x.org/y/y.go"), strings.Replace(lib, "1", "2", 1))
	if way := c.same(); !strings.Contains(way, "y.go has changed") {
		t.Error(way)
	}
	c.b.settle()
	write(t, filepath.Join(p.Dir, "main.go"), main)
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
}

// A workspace has several modules edited by people. A package outside the known go.work falls back to go build.
func TestFastInWorkspace(t *testing.T) {
	t.Parallel()
	notShort(t)
	const lib = "package lib\n\nfunc Lib() int { return 1 }\n"
	p := program(tree(t, "-- go.work --\ngo 1.25\nuse (\n./a\n./lib\n)\n-- a/go.mod --\nmodule example.com/a\ngo 1.25\n"+
		"-- a/main.go --\npackage main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Lib(), 1) }\n"+
		"-- lib/go.mod --\nmodule example.com/lib\ngo 1.25\n-- lib/lib.go --\n"+lib))
	root := p.Dir
	p.Dir = filepath.Join(root, "a")
	c := begin(t, p)
	write(t, filepath.Join(root, "lib/lib.go"), strings.Replace(lib, "1", "2", 1))
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
	write(t, filepath.Join(root, "go.work"), "go 1.25\nuse (\n./a\n./lib\n)\n// changed\n")
	if way := c.same(); !strings.Contains(way, "go.work has changed") {
		t.Error(way)
	}
	c.b.settle()
	write(t, filepath.Join(root, "lib/lib.go"), lib)
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
}

// The agent is part of the plan like any package, although people do not edit the agent.
func TestFastWithAgent(t *testing.T) {
	t.Parallel()
	notShort(t)
	p := program(tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\n"+
		"-- main.go --\npackage main\n\nimport \"net\"\n\n"+
		"func main() { _, err := net.Listen(\"x\", \"\"); println(err.Error()) }\n"))
	c := begin(t, p)
	write(t, filepath.Join(p.Dir, "main.go"),
		"package main\n\nimport \"net\"\n\nfunc main() { _, err := net.Listen(\"x\", \"\"); println(\"new\", err.Error()) "+
			"}\n")
	c.g = load(t, p) // the agent for another graph is the same, and so are the flags
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
	if a, err := c.build(); err != nil || !a.Agent && a.Plain == "" {
		t.Errorf("have %+v, %v", a, err)
	}
}

// After a fast build go builds the same, which fills the cache, and nothing is reported.
func TestConfirmed(t *testing.T) {
	notShort(t)
	c := begin(t, program(tree(t, small)))
	c.edited("bye")
	if way := c.same(); !fast(way) {
		t.Fatal(way)
	}
	c.b.settle()
	s := c.b.short.at(c.p.key())
	if s.unsure != "" || s.off != "" {
		t.Errorf("have %+v", s)
	}
	select {
	case err := <-c.b.Doubts():
		t.Error(err)
	default:
	}
}

// A wrong fast build is detected by the confirmation, which compares bytes and trusts nothing.
func TestDisagreement(t *testing.T) {
	notShort(t)
	c := begin(t, program(tree(t, small)))
	c.edited("bye")
	a, err := c.build()
	if err != nil || !fast(a.Way) {
		t.Fatal(a, err)
	}
	c.b.short.halt()
	c.b.settle()
	l := c.b.learner(nil, c.p, nil, c.g, nil)
	l.t, _ = c.p.toolchain()
	l.confirm(t.Context(), strings.Repeat("0", 30))
	select {
	case err := <-c.b.Doubts():
		if !errors.Is(err, Doubtful) || !strings.Contains(err.Error(), "--build=go") {
			t.Errorf("have %v", err)
		}
	default:
		t.Error("nobody was told")
	}
	c.edited("again")
	if way := c.same(); fast(way) || !strings.Contains(way, "disagreed") {
		t.Errorf("have %q", way)
	}
}

// Idle work never runs beside a build, and does not outlive the builder.
func TestIdleWorkGivesWay(t *testing.T) {
	p := program(tree(t, small))
	b := builder(t)
	working := make(chan struct{}, 10)
	b.short.pause = func(ctx context.Context, _ time.Duration) { working <- struct{}{}; <-ctx.Done() }
	g := load(t, p)
	for range 2 {
		a, err := b.Build(t.Context(), p, g)
		if err != nil {
			t.Fatal(err)
		}
		<-working // the next build ends the idle work, and then begins its own
		b.Release(a)
	}
	b.short.close()
	b.settle()
	if a, err := b.Build(t.Context(), p, g); err != nil {
		t.Error(err)
	} else {
		b.Release(a)
	}
	b.settle()
	if len(working) != 0 {
		t.Error("work was begun after close")
	}
}

// A cancelled fast build changes nothing: the next one begins where the last finished one ended.
func TestCancelledFastBuild(t *testing.T) {
	notShort(t)
	c := begin(t, program(tree(t, small)))
	before := c.b.short.at(c.p.key()).blueprint
	c.edited("bye")
	for i := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Duration(i)*5*time.Millisecond, cancel)
		a, err := c.b.Build(ctx, c.p, c.g)
		timer.Stop()
		cancel()
		if err == nil {
			c.Cleanup(func() { c.b.Release(a) })
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if now := c.b.short.at(c.p.key()).blueprint; now != before {
			t.Fatal("the plan has moved")
		}
		if left, _ := os.ReadDir(filepath.Join(c.b.run.dir, "work")); len(left) != 0 {
			t.Errorf("it has left %v", left)
		}
	}
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
}

// After somebody has emptied the cache folder, the next build is go's, and later ones are fast again.
func TestArchivesGone(t *testing.T) {
	notShort(t)
	c := begin(t, program(tree(t, small)))
	c.edited("bye")
	if way := c.same(); !fast(way) {
		t.Fatal(way)
	}
	c.b.settle()
	os.RemoveAll(filepath.Join(c.b.run.dir, "archives"))
	write(t, filepath.Join(c.p.Dir, "main.go"),
		"package main\n\nimport (\n\t\"os\"\n\n\t\"example.com/hello/word\"\n)\n\n"+
			"func main() { os.Exit(len(word.Word())) }\n")
	if way := c.same(); fast(way) {
		t.Fatal(way)
	}
	c.b.settle()
	c.edited("good bye")
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"start", "/a/b/x.go:1: y", "./x.go:1: y"},
		{"line", "t\n/a/b/x.go:1\n\t/a/b/y.go\n", "t\n./x.go:1\n\t./y.go\n"},
		{"after a space", "at /a/b/x.go", "at ./x.go"},
		{"within a word", "x/a/b/x.go (/a/b)", "x/a/b/x.go (/a/b)"},
		{"after another tab", "a\t/a/b/x.go", "a\t/a/b/x.go"},
	} {
		if have := shorten(c.text, "/a/b", "."); have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}

// For every import, allowed by go or not: the same binary, or the same message.
func TestImports(t *testing.T) {
	t.Parallel()
	notShort(t)
	const base = "package word\n\nimport \"strings\"\n\nfunc Word() string { return strings.ToUpper(\"word\") }\n"
	p := program(tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\nrequire x.org/y v1.0.0\nreplace x.org/y => ./y\n"+
		"-- y/go.mod --\nmodule x.org/y\ngo 1.25\n-- y/y.go --\npackage y\n\nconst Y = 1\n"+
		"-- y/internal/in.go --\npackage in\n"+
		"-- y/z/z.go --\npackage z\n\nimport _ \"x.org/y/internal\"\n\nconst Z = 1\n"+
		"-- internal/deep/deep.go --\npackage deep\n\nvar Deep = 1\n"+
		"-- top/top.go --\npackage top\n\nimport \"example.com/a/word\"\n\nvar Top = word.Word()\n"+
		"-- word/word.go --\n"+base+
		"-- main.go --\npackage main\n\nimport (\n\t\"example.com/a/internal/deep\"\n\t\"example.com/a/top\"\n"+
		"\t\"x.org/y\"\n\t_ \"x.org/y/z\"\n)\n\nfunc main() { println(deep.Deep, top.Top, y.Y) }\n"))
	c := begin(t, p)
	for _, e := range []struct {
		path, use string
		way       string // a word of the output
	}{
		{"sync", "var _ sync.Mutex", "compiled"},
		{"unicode/utf8", "var _ = utf8.RuneLen('a')", "compiled"},
		{"example.com/a/internal/deep", "var Deep = deep.Deep", "compiled"},
		{"x.org/y", "var Y = y.Y", "compiled"},
		{"x.org/y/z", "const Z = z.Z", "compiled"},
		{"x.org/y/internal", "", "internal"},
		{"example.com/a/top", "var Top = top.Top", "import each other"},
		{"example.com/a", "", "is a program"},
		{"example.com/a/nothing", "", "is new"},
		{"internal/abi", "", "internal"},
		{"encoding/csv", "var _ csv.Reader", "is new"},
		{"sync", "", ""}, // imported and not used
	} {
		write(t, filepath.Join(p.Dir, "word/word.go"), strings.Replace(base, "import", "import \""+e.path+
			"\"\nimport", 1)+e.use+"\n")
		l := c.b.learner(nil, p, nil, c.g, nil)
		if bp := l.blueprint(); bp == nil {
			t.Fatalf("%s: there is no plan", e.path)
		} else if _, _, doubt := bp.look(); strings.HasPrefix(e.way, "compiled") != (doubt == "") && e.way != "" {
			t.Errorf("%s: have %q, want %q", e.path, doubt, e.way)
		}
		if way := c.same(); !strings.Contains(way, e.way) && way != "" {
			t.Errorf("%s: have %q, want %q", e.path, way, e.way)
		}
		write(t, filepath.Join(p.Dir, "word/word.go"), base)
		if way := c.same(); !fast(way) { // and back; after a build by go there is a plan again
			c.b.settle()
		}
	}
	if way := c.same(); !fast(way) {
		t.Error(way)
	}
}
