package gobuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// workspace has one of everything that a graph is about.
const workspace = `-- app/go.mod --
module example.com/app

go 1.25

require (
	example.com/lib v0.0.0
)

replace example.com/lib => ../lib
-- app/main.go --
package main

import (
	"fmt"

	"example.com/app/inner"
	"example.com/lib"
)

func main() { fmt.Println(inner.Page, lib.Word()) }
-- app/main_test.go --
package main
-- app/x_test.go --
package main_test
-- app/main_windows.go --
package main
-- app/main_plan9.go --
package main
-- app/tagged.go --
//go:build never

package main
-- app/notes.txt --
-- app/inner/inner.go --
package inner

import "embed"

//go:embed web page.txt
var Web embed.FS

var Page = "page"
-- app/inner/page.txt --
-- app/inner/web/a.html --
-- app/inner/web/deep/b.html --
-- app/inner/web/.hidden --
-- app/unused/unused.go --
package unused
-- lib/go.mod --
module example.com/lib
-- lib/lib.go --
package lib

func Word() string { return "word" }
-- lib/asm.s --
`

func TestLoad(t *testing.T) {
	dir := tree(t, workspace)
	p := program(filepath.Join(dir, "app"))
	g := load(t, p)
	equal(t, "main", g.Main.ImportPath, "example.com/app")
	equal(t, "module", g.Module, Module{"example.com/app", filepath.Join(dir, "app"), "1.25"})
	equal(t, "workspace", g.Workspace, "")
	equal(t, "folders", under(dir, g.Dirs()), []string{"app", "app/inner", "app/inner/web", "app/inner/web/deep",
		"lib"})
	equal(t, "files", below(dir, g.Files()), []string{"app/go.mod", "app/go.sum", "app/go.work",
		"app/vendor/modules.txt", "lib/go.mod"})
	if !g.Links("fmt") || !g.Links("example.com/lib") || g.Links("net/http") || g.Len() < 20 {
		t.Error("the set of packages is wrong")
	}
	if len(g.Errors) != 0 {
		t.Errorf("errors: %v", g.Errors)
	}
	excluded := "app/main_windows.go"
	if strings.Contains(g.settings.GOEXE, "exe") {
		excluded = "app/main_plan9.go"
	}
	equal(t, "reached by lib", g.Reached("example.com/lib"), []string{"example.com/app", "example.com/lib"})
	equal(t, "reached by main", g.Reached("example.com/app"), []string{"example.com/app"})
	equal(t, "reached by what is not ours", g.Reached("fmt"), []string(nil))
	for _, c := range []struct {
		path string
		kind Kind
		pkg  string
	}{
		{"app/main.go", Compiled, "example.com/app"},
		{"app/new.go", Compiled, "example.com/app"},
		{"app/_new.go", Other, "example.com/app"},
		{"app/.#main.go", Other, "example.com/app"},
		{"app/main_test.go", Test, "example.com/app"},
		{"app/x_test.go", Test, "example.com/app"},
		{"app/new_test.go", Test, "example.com/app"},
		{excluded, Excluded, "example.com/app"},
		{"app/tagged.go", Excluded, "example.com/app"},
		{"app/notes.txt", Other, "example.com/app"},
		{"app/default.pgo", Compiled, "example.com/app"},
		{"app/go.mod", ModuleFile, ""},
		{"app/go.sum", ModuleFile, ""},
		{"app/go.work", ModuleFile, ""},
		{"app/inner/go.mod", ModuleFile, "example.com/app/inner"},
		{"app/inner/inner.go", Compiled, "example.com/app/inner"},
		{"app/inner/page.txt", Embedded, "example.com/app/inner"},
		{"app/inner/web/a.html", Embedded, "example.com/app/inner"},
		{"app/inner/web/new.html", Embedded, "example.com/app/inner"},
		{"app/inner/web/new/new.html", Embedded, "example.com/app/inner"},
		{"app/inner/web/.hidden", Other, ""},
		{"app/unused/unused.go", Other, ""},
		{"lib/lib.go", Compiled, "example.com/lib"},
		{"lib/asm.s", Compiled, "example.com/lib"},
		{"lib/go.mod", ModuleFile, ""},
		{"elsewhere/x.go", Other, ""},
	} {
		kind, pkg := g.Classify(filepath.Join(dir, c.path))
		if kind != c.kind || pkg != c.pkg {
			t.Errorf("%s: have %v %q, want %v %q", c.path, kind, pkg, c.kind, c.pkg)
		}
	}
}

func TestRenews(t *testing.T) {
	for _, c := range []struct {
		name, path, content string // content "" removes the file
		want                bool
	}{
		{"body", "app/main.go",
			"package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/app/inner\"\n\t\"example.com/lib\"\n)\n\n" +
				"func main() { fmt.Println(1, inner.Page, lib.Word()) }\n", false},
		{"import", "app/main.go", "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(1) }\n", true},
		{"broken header", "app/main.go", "package\n", true},
		{"constraint", "lib/lib.go", "//go:build linux\n\npackage lib\n", true},
		{"gone", "lib/lib.go", "", true},
		{"new", "lib/new.go", "package lib\n", true},
		{"new, ruled out by its name", "lib/new_plan9.go", "package lib\n", true},
		{"never was", "lib/never.go", "", false},
		{"tag lifted", "app/tagged.go", "package main\n", true},
		{"excluded body", "app/tagged.go", "//go:build never\n\npackage main\n\nvar x int\n", false},
		{"assembly body", "lib/asm.s", "// nothing\n", false},
		{"assembly constraint", "lib/asm.s", "//go:build never\n", true},
		{"assembly gone", "lib/asm.s", "", true},
		{"header file new", "lib/x.h", "int f();\n", true},
		{"test", "app/main_test.go", "package main\nimport \"os\"\n", false},
		{"new test", "app/new_test.go", "package main\n", false},
		{"text", "app/notes.txt", "x", false},
		{"editor's", "app/.#main.go", "x", false},
		{"go.mod", "app/go.mod", "module x\n", true},
		{"go.mod of a replaced one", "lib/go.mod", "module x\n", true},
		{"go.sum appears", "app/go.sum", "x", true},
		{"go.work appears", "app/go.work", "x", true},
		{"embedded, edited", "app/inner/page.txt", "x", false},
		{"embedded, gone", "app/inner/page.txt", "", true},
		{"embedded, new", "app/inner/web/x", "x", true},
		{"embedded, new folder", "app/inner/web/x/y", "x", true},
		{"embedded line", "app/inner/inner.go",
			"package inner\n\nimport \"embed\"\n\n//go:embed web\nvar Web embed.FS\n\nvar Page = \"page\"\n", true},
		{"unused package", "app/unused/unused.go", "package x\n", false},
		{"profile appears", "app/default.pgo", "x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, workspace)
			g := load(t, program(filepath.Join(dir, "app")))
			path := filepath.Join(dir, c.path)
			if c.content == "" {
				os.Remove(path)
			} else {
				write(t, path, c.content)
			}
			if have := g.ChangedBy(path); have != c.want {
				t.Errorf("have %v, want %v", have, c.want)
			}
		})
	}
}

func TestRenewsForgetsWhatChangedWhileLoading(t *testing.T) {
	dir := tree(t, workspace)
	g := load(t, program(filepath.Join(dir, "app")))
	path := filepath.Join(dir, "lib/lib.go")
	if g.ChangedBy(path) {
		t.Fatal("nothing has changed")
	}
	info, _ := os.Stat(path)
	g.takeHeaders(info.ModTime()) // as if go list had been asked at the very moment of the last save
	if !g.ChangedBy(path) {
		t.Error("go list may have seen another file than the fingerprint")
	}
}

func TestWorkspace(t *testing.T) {
	dir := tree(t, `-- go.work --
go 1.25
use ./a
use ./b
-- a/go.mod --
module example.com/a
go 1.25
-- a/main.go --
package main
import "example.com/b"
func main() { println(b.B) }
-- b/go.mod --
module example.com/b
go 1.25
-- b/b.go --
package b
const B = 1
`)
	g := load(t, program(filepath.Join(dir, "a")))
	equal(t, "workspace", g.Workspace, filepath.Join(dir, "go.work"))
	equal(t, "folders", under(dir, g.Dirs()), []string{"a", "b"})
	files := under(dir, g.Files())
	for _, want := range []string{"go.work", "go.work.sum", "a/go.mod", "b/go.mod", "b/go.sum"} {
		if !slices.Contains(files, want) {
			t.Errorf("%s is not among %q", want, files)
		}
	}
	b := builder(t)
	build(t, b, program(filepath.Join(dir, "a")))
	build(t, b, program(dir, "./a"))
}

func TestVendor(t *testing.T) {
	dir := tree(t, `-- go.mod --
module example.com/a
go 1.25
require example.com/v v1.0.0
-- main.go --
package main
import "example.com/v"
func main() { println(v.V) }
-- vendor/modules.txt --
# example.com/v v1.0.0
## explicit
example.com/v
-- vendor/example.com/v/v.go --
package v
const V = 1
`)
	g := load(t, program(dir))
	equal(t, "folders", under(dir, g.Dirs()), []string{".", "vendor/example.com/v"})
	path := filepath.Join(dir, "vendor/example.com/v/v.go")
	if kind, _ := g.Classify(path); kind != Compiled || !g.ChangedBy(path) {
		t.Errorf("have %v %v", kind, g.ChangedBy(path))
	}
	if kind, _ := g.Classify(filepath.Join(dir, "vendor/modules.txt")); kind != ModuleFile {
		t.Errorf("modules.txt is %v", kind)
	}
	build(t, builder(t), program(dir))
}

func TestFilesOnTheCommandLine(t *testing.T) {
	dir := tree(t, workspace+"-- app/two/a.go --\npackage main\nfunc main() { b() }\n"+
		"-- app/two/b.go --\npackage main\nfunc b() {}\n-- app/two/c.go --\npackage other\n")
	p := program(filepath.Join(dir, "app"), "two/a.go", "two/b.go")
	g := load(t, p)
	for path, want := range map[string]Kind{"two/a.go": Compiled, "two/b.go": Compiled, "two/c.go": Other,
		"two/new.go": Other, "go.mod": ModuleFile} {
		if kind, _ := g.Classify(filepath.Join(p.Dir, path)); kind != want {
			t.Errorf("%s is %v, want %v", path, kind, want)
		}
	}
	if a := build(t, builder(t), p); strings.TrimSuffix(filepath.Base(a.Path), ".exe") != "a" {
		t.Errorf("the program is called %s", a.Path)
	}
}

func TestTagsChangeTheGraph(t *testing.T) {
	dir := tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\n-- main.go --\npackage main\nfunc main() {}\n"+
		"-- extra.go --\n//go:build extra\n\npackage main\nimport _ \"net/http\"\n")
	p := program(dir)
	if g := load(t, p); g.Links("net/http") {
		t.Error("without the tag net/http is not linked")
	}
	p.Flags = []string{"-tags", "extra"}
	g := load(t, p)
	kind, _ := g.Classify(filepath.Join(dir, "extra.go"))
	if !g.Links("net/http") || kind != Compiled {
		t.Errorf("with the tag extra.go is %v", kind)
	}
}

func TestModfileAndOverlay(t *testing.T) {
	dir := tree(t, "-- go.mod --\nmodule example.com/wrong\n"+
		"-- dev.mod --\nmodule example.com/a\ngo 1.25\nreplace x.org/y => ./y\n-- y/go.mod --\nmodule x.org/y\n"+
		"-- main.go --\npackage main\nfunc main() {}\n-- o.json --\n{\"Replace\":{}}\n-- my.pgo --\n")
	p := program(dir)
	p.Flags = []string{"-modfile=dev.mod", "-overlay", "o.json", "-pgo=my.pgo"}
	g := load(t, p)
	equal(t, "module", g.Module.Path, "example.com/a")
	files := under(dir, g.Files())
	for _, want := range []string{"dev.mod", "dev.sum", "o.json", "y/go.mod"} {
		if !slices.Contains(files, want) {
			t.Errorf("%s is not among %q", want, files)
		}
	}
	if kind, _ := g.Classify(filepath.Join(dir, "my.pgo")); kind != Compiled {
		t.Errorf("the profile is %v", kind)
	}
}

// A tree with errors is watched where the cure will come from, and its coming renews the graph.
func TestErrorsAreWatched(t *testing.T) {
	for _, c := range []struct {
		name, files, watched, cure string
		file                       string // of the first error
	}{
		{"missing package of ours", "-- main.go --\npackage main\nimport _ \"example.com/a/x/y\"\nfunc main() {}\n",
			".", "x/y/y.go", "main.go"},
		{"empty package of ours",
			"-- main.go --\npackage main\nimport _ \"example.com/a/x\"\nfunc main() {}\n-- x/README --\n", "x",
			"x/x.go", "main.go"},
		{"missing module", "-- main.go --\npackage main\nimport _ \"x.org/y\"\nfunc main() {}\n", ".", "go.mod",
			"main.go"},
		{"missing embedded file",
			"-- main.go --\npackage main\nimport _ \"embed\"\n//go:embed web/dist/a\nvar s string\nfunc main() {}\n", ".",
			"web/dist/a", "main.go"},
		{"broken header", "-- main.go --\npackage main\nimport \"fmt\nfunc main() {}\n", ".", "main.go", "main.go"},
		{"broken header of an import",
			"-- main.go --\npackage main\nimport _ \"example.com/a/x\"\nfunc main() {}\n-- x/x.go --\npakage x\n",
			"x", "x/x.go", "x/x.go"},
		{"cycle", "-- main.go --\npackage main\nimport _ \"example.com/a/x\"\nfunc main() {}\n" +
			"-- x/x.go --\npackage x\nimport _ \"example.com/a/y\"\n-- y/y.go --\npackage y\nimport _ \"example.com/a/x\"\n",
			"y", "go.mod", ""},
		{"two package clauses", "-- main.go --\npackage main\nfunc main() {}\n-- b.go --\npackage b\n", ".",
			"new.go", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\n"+c.files)
			g := load(t, program(dir))
			if len(g.Errors) == 0 {
				t.Fatal("no errors")
			}
			if have := under(dir, []string{g.Errors[0].File})[0]; c.file != "" && have != c.file {
				t.Errorf("the error is in %s, want %s: %v", have, c.file, g.Errors)
			}
			if !slices.Contains(under(dir, g.Dirs()), c.watched) {
				t.Errorf("%s is not watched: %q", c.watched, under(dir, g.Dirs()))
			}
			cure := filepath.Join(dir, c.cure)
			if _, err := os.Stat(cure); err != nil {
				write(t, cure, "package x\n")
			}
			if !g.ChangedBy(cure) {
				t.Errorf("%s does not change the graph", c.cure)
			}
			for up := filepath.Dir(cure); up != dir; up = filepath.Dir(up) {
				if _, err := os.Stat(filepath.Join(up, "README")); err != nil &&
					strings.HasPrefix(c.name, "missing") && !g.ChangedBy(up) {
					t.Errorf("the new folder %s does not change the graph", up)
				}
			}
		})
	}
}

func TestProblems(t *testing.T) {
	const ok = "-- go.mod --\nmodule example.com/a\ngo 1.25\n-- main.go --\npackage main\nfunc main() {}\n"
	for _, c := range []struct {
		name, files string
		change      func(*Program)
		want        Problem
		says        string
		watched     string // a folder or file that is watched all the same
	}{
		{"no such folder below", ok, args("./nope"), NoPackage, "./nope", "."},
		{"no such import path", ok, args("x.org/y"), NoPackage, "go get x.org/y", ""},
		{"forgotten ./", ok + "-- sub/main.go --\npackage main\nfunc main() {}\n", args("sub"), NoPackage, "./sub", ""},
		{"no such file", ok, args("./nope.go"), NoPackage, "nope.go", "."},
		{"a flag as package", ok, args("-x"), NoPackage, "-x", ""},
		{"files of two folders", ok + "-- sub/x.go --\npackage main\n", args("main.go", "sub/x.go"), NoPackage,
			"one folder", ""},
		{"no Go files", ok + "-- empty/x --\n", args("./empty"), NoPackage, "no Go files", "empty"},
		{"all excluded", ok + "-- tag/x.go --\n//go:build never\n\npackage main\n", args("./tag"), NoPackage,
			"-tags", "tag"},
		{"not main", ok + "-- lib/x.go --\npackage lib\n", args("./lib"), NotMain, "package lib", "lib"},
		{"standard library", ok, args("fmt"), NotMain, "package fmt", ""},
		{"several", ok + "-- b/x.go --\npackage main\nfunc main() {}\n", args("./..."), SeveralPackages,
			"example.com/a/b", ""},
		{"pattern of nothing", ok + "-- empty/x --\n", args("./empty/..."), NoPackage, "./empty/...", "."},
		{"no module", "-- main.go --\npackage main\nfunc main() {}\n", args("."), NoModule, "go mod init", "."},
		{"broken go.mod", ok + "-- go.mod --\nmodule example.com/a\nrequir x\n", args("."), BrokenModule,
			"go.mod:2", "go.mod"},
		{"broken go.work", ok + "-- go.work --\ngo 1.25\nus\n", args("."), BrokenModule, "go.work:2", "go.work"},
		{"go.work without its module", ok + "-- go.work --\ngo 1.25\nuse ./zz\n", args("."), BrokenModule, "zz",
			"zz/go.mod"},
		{"replaced folder is gone",
			"-- go.mod --\nmodule example.com/a\ngo 1.25\nrequire x.org/y v1.0.0\nreplace x.org/y => ./y\n" +
				"-- main.go --\npackage main\nimport _ \"x.org/y\"\nfunc main() {}\n", args("."), "", "", "y/go.mod"},
		{"vendor does not fit", ok +
			"-- go.mod --\nmodule example.com/a\ngo 1.25\nrequire x.org/y v1.0.0\n-- vendor/modules.txt --\n",
			args("."), BrokenModule, "go mod vendor", "vendor/modules.txt"},
		{"newer Go", ok + "-- go.mod --\nmodule example.com/a\ngo 1.999\n", args("."), GoTooOld, "1.999", "go.mod"},
		{"no such dir", ok, func(p *Program) { p.Dir += "/nope" }, NoFolder, "nope", "."},
		{"no go", ok, func(p *Program) { p.Env = append(p.Env, "PATH="+p.Dir) }, NoGo, "PATH", ""},
		{"bad flag", ok, func(p *Program) { p.Flags = []string{"-o=x"} }, BadFlag, "-o", ""},
		{"bad value", ok, func(p *Program) { p.Flags = []string{"-mod=x"} }, BadFlag, "-mod", ""},
		{"bad GOFLAGS", ok, func(p *Program) { p.Env = append(p.Env, "GOFLAGS=-nonsense") }, BadFlag, "nonsense", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, c.files)
			p := program(dir)
			c.change(&p)
			g, err := Load(t.Context(), p)
			if g == nil {
				t.Fatal("no graph")
			}
			if c.want != "" {
				var problem *Error
				if !errors.As(err, &problem) || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) ||
					strings.Contains(problem.Text, "\n") {
					t.Errorf("have %v\nwant %s that says %q", err, c.want, c.says)
				}
			} else if err != nil {
				t.Logf("error: %v", err)
			}
			if watched := under(dir, append(g.Dirs(), g.Files()...)); c.watched != "" &&
				!slices.Contains(watched, c.watched) {
				t.Errorf("%s is not watched: %q", c.watched, watched)
			}
			if strings.HasSuffix(c.watched, "go.mod") && !g.ChangedBy(filepath.Join(dir, c.watched)) {
				t.Errorf("%s does not change the graph", c.watched)
			}
		})
	}
}

// go's messages about a program that imports hotreload/worker, for several modules; and packages with a similar name.
func TestWorkerIsNotFound(t *testing.T) {
	const is, required = "main.go:3:8: package hotreload/worker is not in std (/usr/local/go/src/hotreload/worker)",
		"main.go:3:8: missing go.sum entry for module providing package hotreload/worker (imported by m); to add:\n\tgo get m"
	for said, want := range map[string]Problem{
		is:                                      NoWorker,
		strings.Replace(is, "std", "GOROOT", 1): NoWorker, // Go 1.21
		required:                                NoWorker,
		`go: malformed module path "hotreload/worker": missing dot in first path element`: NoWorker,
		"main.go:3:8: module hotreload provides package hotreload/worker and is replaced but not required; to add " +
			"it:": NoWorker,
		"../hotreload/worker/worker.go:3:1: undefined: x":    Failed,
		"main.go:3:8: package hotreload/works is not in std": Failed,
	} {
		if have := problemOf(Program{}, "go build", said); have.Problem != want || want == NoWorker &&
			!strings.Contains(have.Hint, "-replace") {
			t.Errorf("%s: have %v, want %s", said, have, want)
		}
	}
}

func args(args ...string) func(*Program) { return func(p *Program) { p.Args = args } }

func TestLoadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, program(tree(t, workspace)+"/app")); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v", err)
	}
}

func TestChoose(t *testing.T) {
	const main = "package main\nfunc main() {}\n"
	for _, c := range []struct {
		name, files, dir string
		want             string
		problem          Problem
	}{
		{"here", "-- main.go --\n" + main + "-- cmd/a/main.go --\n" + main, ".", ".", ""},
		{"the only one under cmd", "-- a.go --\npackage a\n-- cmd/a/main.go --\n" + main +
			"-- cmd/a/lib/x.go --\npackage lib\n-- tools/t/main.go --\n" + main, ".", "./cmd/a", ""},
		{"several under cmd", "-- cmd/a/main.go --\n" + main + "-- cmd/b/main.go --\n" + main, ".",
			"./cmd/a|./cmd/b", ""},
		{"from a folder below", "-- lib/x.go --\npackage lib\n-- cmd/a/main.go --\n" + main, "lib", "../cmd/a", ""},
		{"anywhere", "-- lib/x.go --\npackage lib\n-- tools/t/main.go --\n" + main, ".", "./tools/t", ""},
		{"anywhere, from below", "-- lib/x.go --\npackage lib\n-- tools/t/main.go --\n" + main, "lib", "../tools/t",
			""},
		{"none", "-- lib/x.go --\npackage lib\n", ".", "", NotMain},
		{"no module", "-- go.mod --\n", "..", "", NoModule},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, "-- go.mod --\nmodule example.com/a\ngo 1.25\n"+c.files)
			have, err := Choose(t.Context(), filepath.Join(dir, c.dir), nil, program(dir).Env)
			if c.problem != "" {
				if !errors.Is(err, c.problem) {
					t.Errorf("have %v, want %v", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "packages", have, fields(c.want))
		})
	}
	t.Run("root of a workspace", func(t *testing.T) {
		dir := tree(t, "-- go.work --\ngo 1.25\nuse ./a\n-- a/go.mod --\nmodule example.com/a\ngo 1.25\n"+
			"-- a/main.go --\n"+main)
		have, err := Choose(t.Context(), dir, nil, program(dir).Env)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "packages", have, []string{"./a"})
	})
}

func TestNameOfProgram(t *testing.T) {
	for _, c := range []struct{ args, path, want string }{
		{".", "example.com/server", "server"},
		{".", "example.com/server/v2", "server"},
		{".", "example.com/cmd/v1", "v1"},
		{".", "server", "server"},
		{"main.go", "command-line-arguments", "main"},
		{"./cmd/x/a.go", "command-line-arguments", "a"},
		{".", "", "dir"},
	} {
		p := Program{Dir: filepath.FromSlash("/some/dir"), Args: []string{c.args}}
		if have := p.name(c.path); have != c.want {
			t.Errorf("%s: have %s, want %s", c.path, have, c.want)
		}
	}
}
