package gobuild

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Tested is a package that users edit, as `go test` sees it. Its paths are absolute.
type Tested struct {
	ImportPath  string
	Dir         string
	Wanted      bool     // it is one of the named packages, not only one that these import
	Sources     []string // compiled into the package or embedded: importers get them, too
	Tests       []string // compiled into its tests alone, or embedded by them
	Imports     []string // import paths, of the sources
	TestImports []string // and of the tests alone
}

// HasTests reports whether there is something to run.
func (p *Tested) HasTests() bool {
	return slices.ContainsFunc(p.Tests, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
}

// TestGraph is the packages that some tests consist of. It never changes.
type TestGraph struct {
	Packages []Tested     // by import path
	Files    []string     // go.mod and similar files, which need not exist
	Errors   []Diagnostic // why packages cannot be loaded
	Roots    []string     // folders of the modules that the packages belong to
}

// listedTest is a package in the output of `go list -test`.
type listedTest struct {
	listed
	ForTest                         string
	TestImports, XTestImports       []string
	TestEmbedFiles, XTestEmbedFiles []string
}

// LoadTests finds the packages that p's arguments name, and everything that their tests are made of. The arguments are
// patterns, and the flags are those of the build. An error is an *Error or ctx's.
func LoadTests(ctx context.Context, p Program) (*TestGraph, error) {
	flags, err := p.parseFlags()
	if err != nil {
		return nil, err
	}
	t, err := p.toolchain()
	if err != nil {
		return nil, err
	}
	s, err := t.settings(ctx)
	if err != nil {
		return nil, failed(ctx, err, "go env")
	}
	fields := listFields + ",ForTest,TestImports,XTestImports,TestEmbedFiles,XTestEmbedFiles"
	args := slices.Concat([]string{"list", "-e", "-deps", "-test", fields}, words(flags), p.args())
	got, err := t.run(ctx, nil, args...)
	if err != nil {
		return nil, failed(ctx, err, "go list")
	}
	if !got.exit.Success() {
		return nil, problemOf(p, "go list", got.text)
	}
	packages, err := decode[listedTest](got.out)
	if err != nil {
		return nil, failed(ctx, err, "go list")
	}
	named := slices.DeleteFunc(slices.Clone(packages), func(l listedTest) bool { return l.DepOnly || l.ForTest != "" })
	if len(named) == 0 {
		return nil, &Error{Problem: NoPackage, Text: "no package matches " + strings.Join(p.args(), " ")}
	}
	for _, l := range named {
		files := len(l.GoFiles) + len(l.CgoFiles) + len(l.TestGoFiles) + len(l.XTestGoFiles) + len(l.IgnoredGoFiles)
		if l.Error != nil && files == 0 {
			return nil, &Error{Problem: NoPackage, Text: "no such package: " + l.ImportPath, Detail: l.Error.Err,
				Hint: "a folder starts with ./, and ./... means everything below this folder"}
		}
	}
	return testGraph(p, flags, s, packages), nil
}

// failed is the error of something that was done in ctx.
func failed(ctx context.Context, err error, doing string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return wrap(err, doing)
}

// testGraph makes the graph from go's answers.
func testGraph(p Program, flags []flag, s settings, packages []listedTest) *TestGraph {
	g := &TestGraph{}
	all, roots, gomods := map[string]Tested{}, map[string]bool{}, []string(nil)
	for _, l := range packages {
		variant := l.ForTest != "" || strings.HasSuffix(l.ImportPath, ".test")
		if l.Error != nil && !variant {
			g.Errors = append(g.Errors, l.Error.diagnostic(p.Dir, l.ImportPath))
		}
		l.ImportPath, _, _ = strings.Cut(l.ImportPath, " [")
		_, there := all[l.ImportPath]
		switch {
		case l.Standard || l.Dir == "" || within(l.Dir, s.GOMODCACHE) || within(l.Dir, s.GOROOT):
			continue
		case variant && (there || strings.HasSuffix(l.ImportPath, ".test") || strings.HasSuffix(l.ImportPath, "_test")):
			continue // what go makes for tests
		}
		if m := l.Module; m != nil {
			if m.Replace != nil {
				m.Dir, m.GoMod = m.Replace.Dir, m.Replace.GoMod
			}
			roots[m.Dir] = m.Dir != ""
			gomods = append(gomods, m.GoMod)
		}
		all[l.ImportPath] = l.tested(p.Dir, !l.DepOnly && !variant)
	}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		g.Packages = append(g.Packages, all[path])
	}
	delete(roots, "")
	g.Roots = slices.Sorted(maps.Keys(roots))
	modfile, overlay := p.abs(last(s.GOFLAGS, flags, "modfile")), p.abs(last(s.GOFLAGS, flags, "overlay"))
	g.Files = moduleFiles(s.GOMOD, s.GOWORK, modfile, worksAbove(p.Dir, p.env()), append(gomods, overlay))
	return g
}

// tested returns the package with absolute paths.
func (l *listedTest) tested(dir string, wanted bool) Tested {
	files := l.files(dir)
	return Tested{
		ImportPath: l.ImportPath, Dir: l.Dir, Wanted: wanted,
		Sources:     slices.Concat(files.Compiled, files.Embedded),
		Tests:       slices.Concat(files.Tests, absAll(l.Dir, l.TestEmbedFiles), absAll(l.Dir, l.XTestEmbedFiles)),
		Imports:     l.Imports,
		TestImports: slices.Concat(l.TestImports, l.XTestImports),
	}
}

func absAll(dir string, names []string) (paths []string) {
	for _, name := range names {
		paths = append(paths, filepath.Clean(absIn(dir, filepath.FromSlash(name))))
	}
	return paths
}

// GoCommand returns a go command in the program's environment and folder. The caller starts it.
func (p Program) GoCommand(args ...string) (*exec.Cmd, error) {
	t, err := p.toolchain()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(t.path, args...)
	cmd.Dir, cmd.Env = t.dir, t.env
	return cmd, nil
}

// Header represents everything that go reads in a source file to learn what belongs to a package: if it has changed,
// the package may consist of other files, or import others. It is valid within one process.
func Header(path string) string {
	if h := headerOf(path); h != broken {
		return fmt.Sprintf("%x", h)
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return "broken at " + info.ModTime().String()
}

// Diagnose reads the messages of the toolchain about the source; names of files are relative to dir.
func Diagnose(dir, text string) []Diagnostic { return diagnose(dir, text, false).Diagnostics }
