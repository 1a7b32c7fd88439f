package gobuild

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Graph is what a program is made of, as of the moment it was loaded. It never changes; its methods may be called from
// any goroutine. Its slices belong to it.
type Graph struct {
	Main      Package      // the package to build; its Name is "main" unless Load returned an error
	Module    Module       // of the main package; zero outside a module
	Workspace string       // the go.work in use, or ""
	GoVersion string       // of the go command, "go1.26.8"
	Local     []Package    // packages that may be edited: outside the standard library and the module cache
	Errors    []Diagnostic // what keeps packages from loading; Build will fail with the same

	program  Program
	settings settings
	flags    []flag
	links    map[string]bool        // import paths of all packages, standard library included
	files    map[string]entry       // the files of Local, and those in modules
	dirs     map[string]int         // folder of a local package -> its index in Local
	watch    []string               // Dirs
	modules  []string               // Files
	missing  []string               // folders where a package was looked for in vain
	headers  map[string]fingerprint // of the .go files in files that are looked at for the build
	fallback bool                   // go list told nothing
}

// Module is the module of the main package.
type Module struct {
	Path      string
	Dir       string // root folder, absolute
	GoVersion string // of its go.mod, "1.25"; "" if it names none
}

// Package is a local package with its files, as absolute paths.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Vendored   bool

	Compiled []string // Go, cgo, C, assembly, .syso; a profile for the compiler
	Embedded []string // what //go:embed takes
	Tests    []string
	Excluded []string // ruled out by build constraints or by name

	patterns []string // of //go:embed
	imports  []string // import paths
}

// entry is what is known of one file.
type entry struct {
	kind Kind
	pkg  int // index in Local; -1 if it belongs to none
}

// Links reports whether the program contains the package of this import path, standard library included.
func (g *Graph) Links(importPath string) bool { return g.links[importPath] }

// Foreign reports whether a path lies in the Go tree or the module cache, where nobody edits files.
func (g *Graph) Foreign(path string) bool {
	return within(path, g.settings.GOROOT) || within(path, g.settings.GOMODCACHE)
}

// Len is the number of packages in the program, standard library included.
func (g *Graph) Len() int { return len(g.links) }

// Dirs lists the folders to watch, sorted: those of local packages, those from which embedded files come or could
// come, and where a package that is missing would appear. The folders of Files are not among them for their own sake.
func (g *Graph) Dirs() []string { return slices.Clone(g.watch) }

// Files lists, sorted, go.mod, go.sum, go.work, go.work.sum, vendor/modules.txt and their like, of every module
// concerned. A file need not exist, nor its folder: if it appears, it matters.
func (g *Graph) Files() []string { return slices.Clone(g.modules) }

// add enters a file. If it is known already the kind that says more stays: Kinds are in this order.
func (g *Graph) add(path string, kind Kind, pkg int) {
	if old, known := g.files[path]; !known || kind < old.kind {
		g.files[path] = entry{kind, pkg}
	}
}

// index fills the tables from Local, modules and missing.
func (g *Graph) index() {
	g.files, g.dirs = map[string]entry{}, map[string]int{}
	watch := map[string]bool{}
	for i, p := range g.Local {
		watch[p.Dir] = true
		if _, taken := g.dirs[p.Dir]; !taken || p.ImportPath == g.Main.ImportPath {
			g.dirs[p.Dir] = i
		}
		for kind, list := range map[Kind][]string{Compiled: p.Compiled, Embedded: p.Embedded, Test: p.Tests, Excluded: p.Excluded} {
			for _, path := range list {
				g.add(path, kind, i)
			}
		}
		for _, path := range p.Embedded {
			watch[filepath.Dir(path)] = true
		}
		for _, dir := range embedDirs(p.Dir, p.patterns) {
			watch[dir] = true
		}
	}
	for _, path := range g.modules {
		g.add(path, ModuleFile, -1)
	}
	for _, dir := range g.missing {
		watch[existing(dir)] = true
	}
	g.watch = slices.Sorted(maps.Keys(watch))
}

// Inputs lists, in no order, every local file whose content reaches the binary, and the module files. A file need not
// exist.
func (g *Graph) Inputs() []string {
	var paths []string
	for path, e := range g.files {
		if e.kind <= ModuleFile {
			paths = append(paths, path)
		}
	}
	return paths
}

// Reached lists, sorted, the local packages that a change of one reaches: itself, and those that import it or another
// that does.
func (g *Graph) Reached(importPath string) []string {
	reached := map[string]bool{}
	for _, p := range g.Local {
		reached[importPath] = reached[importPath] || p.ImportPath == importPath
	}
	for grown := true; grown; {
		grown = false
		for _, p := range g.Local {
			if !reached[p.ImportPath] && slices.ContainsFunc(p.imports, func(path string) bool { return reached[path] }) {
				reached[p.ImportPath], grown = true, true
			}
		}
	}
	maps.DeleteFunc(reached, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(reached))
}

// packageAt is the local package in this folder, or -1.
func (g *Graph) packageAt(dir string) int {
	if i, ok := g.dirs[dir]; ok {
		return i
	}
	return -1
}

func (g *Graph) nameOf(pkg int) string {
	if pkg < 0 {
		return ""
	}
	return g.Local[pkg].ImportPath
}

// ofCommandLine reports whether the package was given as .go files: no other file of its folder belongs to it.
func (g *Graph) ofCommandLine(pkg int) bool {
	return pkg >= 0 && strings.HasPrefix(g.Local[pkg].ImportPath, commandLine)
}

// commandLine is how go calls a package that is given as .go files.
const commandLine = "command-line-arguments"

// NoGraph is the graph of what is not built: it names nothing.
func NoGraph() *Graph { return &Graph{} }
