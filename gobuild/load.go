package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Load finds the packages of a program. A package with errors (a missing import, broken syntax) still has a graph;
// Graph.Errors lists them.
//
// A program that changes during Load is loaded again, a limited number of times.
//
// An error is an *Error or ctx's. An *Error also comes with a graph, with only one use: the folders and files to watch
// for a change that may fix the error.
func Load(ctx context.Context, p Program) (*Graph, error) {
	flags, err := p.parseFlags()
	if err != nil {
		return fallback(p, nil, settings{}), err
	}
	for _, arg := range p.args() {
		if strings.HasPrefix(arg, "-") {
			return fallback(p, flags, settings{}), &Error{Problem: NoPackage, Text: arg + " is not a package"}
		}
	}
	t, err := p.toolchain()
	if err != nil {
		return fallback(p, flags, settings{}), err
	}
	for range mostLoads {
		asked := time.Now()
		g, err := t.load(ctx, p, flags)
		if g == nil || !g.restless(asked) {
			return g, err
		}
	}
	return t.load(ctx, p, flags)
}

// load loads the program once.
func (t *toolchain) load(ctx context.Context, p Program, flags []flag) (*Graph, error) {
	asked := time.Now()
	type answer struct {
		settings settings
		err      error
	}
	answers := make(chan answer, 1)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with go env, which ends with inner; always received below
		s, err := t.settings(inner)
		answers <- answer{s, err}
	}()
	packages, listErr := t.list(inner, p, flags)
	got := <-answers
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if got.err != nil {
		return fallback(p, flags, got.settings), wrap(got.err, "go env")
	}
	if listErr != nil {
		return fallback(p, flags, got.settings), wrap(listErr, "go list")
	}
	g := assemble(p, flags, got.settings, packages)
	err := g.check(packages)
	if len(g.watch) == 0 && err != nil {
		return fallback(p, flags, got.settings), err
	}
	g.asof, g.born = g.lookAt(), map[string]time.Time{}
	for dir := range g.asof.dirs {
		g.born[dir] = born(dir)
	}
	g.takeHeaders(asked)
	return g, err
}

// wrap makes any error an *Error.
func wrap(err error, doing string) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Problem: Failed, Text: doing + ": " + err.Error(), Err: err}
}

// listed is a package in the output of `go list`. The fields have the names of `go help list`.
type listed struct {
	Dir, ImportPath, Name string
	Standard, DepOnly     bool
	Module                *listedModule
	Error                 *listedError

	GoFiles, CgoFiles, CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles []string
	SwigFiles, SwigCXXFiles, SysoFiles                                  []string
	IgnoredGoFiles, IgnoredOtherFiles, TestGoFiles, XTestGoFiles        []string
	EmbedPatterns, EmbedFiles, Imports                                  []string
}

type listedModule struct {
	Path, Version, Dir, GoMod, GoVersion string
	Main                                 bool
	Replace                              *listedModule
}

type listedError struct {
	ImportStack []string
	Pos, Err    string
}

const listFields = "-json=Dir,ImportPath,Name,Standard,DepOnly,Module,Error," +
	"GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles," +
	"IgnoredGoFiles,IgnoredOtherFiles,TestGoFiles,XTestGoFiles,EmbedPatterns,EmbedFiles,Imports"

// list runs `go list`. Errors of single packages are part of the result.
func (t *toolchain) list(ctx context.Context, p Program, flags []flag) ([]listed, error) {
	args := slices.Concat([]string{"list", "-e", "-deps", listFields}, words(flags), p.args())
	got, err := t.run(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	if !got.exit.Success() {
		return nil, problemOf(p, "go list", got.text)
	}
	return decode[listed](got.out)
}

// decode reads consecutive JSON values.
func decode[T any](out []byte) ([]T, error) {
	var values []T
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var value T
		err := decoder.Decode(&value)
		if err == io.EOF {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the answer of go: %w", err)
		}
		values = append(values, value)
	}
}

// assemble makes the graph from go's answers, without the headers.
func assemble(p Program, flags []flag, s settings, packages []listed) *Graph {
	g := &Graph{program: p, flags: flags, settings: s, Workspace: s.GOWORK, GoVersion: s.GOVERSION,
		links: map[string]bool{}}
	vendor := []string{}
	if s.GOWORK != "" {
		vendor = append(vendor, filepath.Join(filepath.Dir(s.GOWORK), "vendor"))
	}
	if s.GOMOD != "" {
		vendor = append(vendor, filepath.Join(filepath.Dir(s.GOMOD), "vendor"))
	}
	var gomods []string
	modules := map[string]string{} // path -> folder, of modules that users edit
	for i := range packages {
		l := &packages[i]
		l.ImportPath, _, _ = strings.Cut(l.ImportPath, " [") // a variant for a profile
		g.links[l.ImportPath] = true
		if m := l.Module; m != nil {
			if m.Replace != nil {
				m.Dir, m.GoMod = m.Replace.Dir, m.Replace.GoMod
			}
			if m.Dir != "" && !within(m.Dir, s.GOMODCACHE) {
				modules[m.Path] = m.Dir
				gomods = append(gomods, m.GoMod)
			}
		}
		pkg := l.files(p.Dir)
		pkg.Vendored = slices.ContainsFunc(vendor, func(dir string) bool { return within(l.Dir, dir) })
		if !l.DepOnly {
			if l.Name == "main" {
				pkg.Compiled = append(pkg.Compiled, g.compilerInputs(pkg.Dir)...)
			}
			g.Main = pkg
			if m := l.Module; m != nil {
				g.Module = Module{m.Path, m.Dir, m.GoVersion}
			}
		}
		if !l.Standard && l.Dir != "" && !within(l.Dir, s.GOMODCACHE) && !within(l.Dir, s.GOROOT) {
			g.Local = append(g.Local, pkg)
		}
		if l.Error != nil {
			g.Errors = append(g.Errors, l.Error.diagnostic(p.Dir, l.ImportPath))
		}
	}
	if s.GOMOD != "" && g.Module.Path == "" && p.ofFiles() {
		g.Module = Module{Dir: filepath.Dir(s.GOMOD)}
	}
	for _, l := range packages {
		if l.Error != nil && (l.Dir == "" || len(l.GoFiles)+len(l.CgoFiles)+len(l.IgnoredGoFiles) == 0) {
			if dir := whereToAppear(p, l, modules); dir != "" {
				g.missing = append(g.missing, dir)
			}
		}
	}
	for _, pkg := range g.Local {
		g.missing = append(g.missing, missingFolders(pkg.Dir, pkg.patterns)...)
	}
	modfile, overlay := p.abs(last(s.GOFLAGS, flags, "modfile")), p.abs(last(s.GOFLAGS, flags, "overlay"))
	g.modules = moduleFiles(s.GOMOD, s.GOWORK, modfile, worksAbove(p.Dir, p.env()), append(gomods, overlay))
	g.index()
	return g
}

// whereToAppear returns the folder for a missing package, or "" if the package would be in no editable module.
func whereToAppear(p Program, l listed, modules map[string]string) string {
	if l.Dir != "" {
		return l.Dir
	}
	if strings.HasPrefix(l.ImportPath, ".") || filepath.IsAbs(l.ImportPath) || strings.HasSuffix(l.ImportPath, ".go") {
		return filepath.Clean(p.abs(filepath.FromSlash(l.ImportPath)))
	}
	for path, dir := range modules {
		if rest, ok := strings.CutPrefix(l.ImportPath, path+"/"); ok {
			return filepath.Join(dir, filepath.FromSlash(rest))
		}
	}
	return ""
}

// compilerInputs returns the profile named by a flag, or go's usual one in the folder of package main. The file need
// not exist.
func (g *Graph) compilerInputs(dir string) []string {
	var files []string
	switch pgo := last(g.settings.GOFLAGS, g.flags, "pgo"); pgo {
	case "", "auto":
		files = append(files, filepath.Join(dir, "default.pgo"))
	case "off":
	default:
		files = append(files, g.program.abs(pgo))
	}
	return files
}

// files returns the package with absolute paths.
func (l *listed) files(dir string) Package {
	abs := func(lists ...[]string) []string {
		var paths []string
		for _, name := range slices.Concat(lists...) {
			paths = append(paths, filepath.Clean(absIn(l.Dir, filepath.FromSlash(name))))
		}
		return paths
	}
	return Package{
		ImportPath: l.ImportPath, Name: l.Name, Dir: l.Dir, patterns: l.EmbedPatterns, imports: l.Imports,
		Compiled: abs(l.GoFiles, l.CgoFiles, l.CFiles, l.CXXFiles, l.MFiles, l.HFiles, l.FFiles, l.SFiles,
			l.SwigFiles, l.SwigCXXFiles, l.SysoFiles),
		Embedded: abs(l.EmbedFiles),
		Tests:    abs(l.TestGoFiles, l.XTestGoFiles),
		Excluded: abs(l.IgnoredGoFiles, l.IgnoredOtherFiles),
	}
}

func (e *listedError) diagnostic(dir, importPath string) Diagnostic {
	d := Diagnostic{Package: importPath, Text: e.Err}
	if e.Pos == "" && len(e.ImportStack) > 1 {
		d.Text = strings.Join(e.ImportStack, "\n\timports ") + ": " + e.Err
	}
	if n := len(e.ImportStack); n > 0 {
		d.Package = e.ImportStack[n-1]
	}
	if file, line, col, ok := position(e.Pos); ok {
		d.File, d.Line, d.Col = absIn(dir, file), line, col
	}
	return d
}

// check returns why the packages are not exactly one main package.
func (g *Graph) check(packages []listed) error {
	p := g.program
	named := strings.Join(p.args(), " ")
	var roots []listed
	for _, l := range packages {
		if !l.DepOnly {
			roots = append(roots, l)
		}
	}
	switch {
	case len(roots) == 0:
		return &Error{Problem: NoPackage, Text: "no package matches " + named}
	case len(roots) > 1:
		names := make([]string, len(roots))
		for i, l := range roots {
			names[i] = l.ImportPath
		}
		return &Error{Problem: SeveralPackages, Text: fmt.Sprintf("%s are %d packages; hotreload runs one", named,
			len(roots)),
			Hint: "choose one: " + strings.Join(names, ", ")}
	}
	root := roots[0]
	sources := len(root.GoFiles) + len(root.CgoFiles)
	switch {
	case sources == 0 && len(root.IgnoredGoFiles) > 0:
		return &Error{Problem: NoPackage, Text: "build constraints exclude all Go files of " + named,
			Hint: "give the tags they ask for (-tags), or look at GOOS and GOARCH", Detail: errText(root)}
	case sources == 0 && root.Dir != "":
		return &Error{Problem: NoPackage, Text: "no Go files in " + root.Dir, Hint: "name the folder of a main package"}
	case sources == 0:
		hint := "a folder starts with ./ — an import path does not"
		if info, err := os.Stat(p.abs(p.args()[0])); err == nil && info.IsDir() &&
			!strings.HasPrefix(p.args()[0], ".") {
			hint = "for the folder write ./" + filepath.ToSlash(p.args()[0])
		}
		return &Error{Problem: NoPackage, Text: "no such package: " + named, Hint: hint, Detail: errText(root)}
	case p.Foreign:
	case g.settings.GOOS != runtime.GOOS || g.settings.GOARCH == "wasm":
		return &Error{Problem: CannotRun, Text: fmt.Sprintf("%s is built for %s/%s, which does not run here", named,
			g.settings.GOOS, g.settings.GOARCH), Hint: "--build-only builds it at each save; --exec names what can run it"}
	case root.Name != "main" && root.Error == nil:
		return &Error{Problem: NotMain, Text: fmt.Sprintf("%s is package %s, not main: there is nothing to run",
			named, root.Name),
			Hint: "name the folder that has func main, often below cmd/"}
	}
	return nil
}

func errText(l listed) string {
	if l.Error == nil {
		return ""
	}
	return l.Error.Err
}

// fallback returns the graph for an empty answer of go list, with the files and folders where a fix could happen.
func fallback(p Program, flags []flag, s settings) *Graph {
	g := &Graph{program: p, flags: flags, settings: s, Workspace: s.GOWORK, GoVersion: s.GOVERSION, fallback: true,
		links: map[string]bool{}}
	gomod, gowork := s.GOMOD, s.GOWORK
	if gomod == "" {
		gomod = upwards(p.Dir, "go.mod")
	}
	if gomod == "" {
		gomod = filepath.Join(p.Dir, "go.mod")
	}
	if gowork == "" && getenv(p.env(), "GOWORK") != "off" {
		gowork = upwards(p.Dir, "go.work")
	}
	modfile, overlay := p.abs(last(s.GOFLAGS, flags, "modfile")), p.abs(last(s.GOFLAGS, flags, "overlay"))
	g.modules = moduleFiles(gomod, gowork, modfile, worksAbove(p.Dir, p.env()), []string{overlay})
	dirs := []string{p.Dir}
	for _, arg := range p.args() {
		path := filepath.Clean(p.abs(filepath.FromSlash(arg)))
		if strings.HasSuffix(arg, ".go") {
			path = filepath.Dir(path)
		}
		dirs = append(dirs, path)
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			g.Local = append(g.Local, Package{Dir: dir})
		} else {
			g.missing = append(g.missing, dir)
		}
	}
	g.index()
	return g
}

// upwards looks for a file in dir and the folders above.
func upwards(dir, name string) string {
	for {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
