package gobuild

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Graph describes the packages of a program at the time of loading. A Graph never changes, and any goroutine may call
// the methods. Callers must not change the slices.
type Graph struct {
	Main      Package      // the package to build; its Name is "main" unless Load returned an error
	Module    Module       // of the main package; zero outside a module
	Workspace string       // the go.work in use, or ""
	GoVersion string       // of the go command, "go1.26.8"
	Local     []Package    // packages that users edit: outside the standard library and the module cache
	Errors    []Diagnostic // why packages cannot be loaded; Build will fail with the same

	program  Program
	settings settings
	flags    []flag
	links    map[string]bool        // import paths of all packages, standard library included
	files    map[string]entry       // the files of Local, and modules
	dirs     map[string]int         // folder of a local package -> its index in Local
	watch    []string               // Dirs
	modules  []string               // Files
	missing  []string               // folders where go looked for a missing package
	headers  map[string]fingerprint // of the .go files in files, as inputs of the build
	asof     look                   // the state of the inputs when the graph was loaded
	born     map[string]time.Time   // folder -> its creation time
	fallback bool                   // go list returned nothing
}

// Module is the module of the main package.
type Module struct {
	Path      string
	Dir       string // root folder, absolute
	GoVersion string // of its go.mod, "1.25"; "" if not named
}

// Package is a local package with its files, as absolute paths.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Vendored   bool

	Compiled []string // Go, cgo, C, assembly, .syso; a profile for the compiler
	Embedded []string // selected by //go:embed
	Tests    []string
	Excluded []string // excluded by build constraints or by name

	patterns []string // of //go:embed
	imports  []string // import paths
}

// entry holds the facts about one file.
type entry struct {
	kind Kind
	pkg  int // index in Local; -1 for no package
}

// Links reports whether the program contains the package of this import path, standard library included.
func (g *Graph) Links(importPath string) bool { return g.links[importPath] }

// Foreign reports whether a path is in the Go tree or the module cache: users edit neither.
func (g *Graph) Foreign(path string) bool {
	return within(path, g.settings.GOROOT) || within(path, g.settings.GOMODCACHE)
}

// Len returns the number of packages in the program, standard library included.
func (g *Graph) Len() int { return len(g.links) }

// Dirs lists the folders to watch, sorted: of local packages, with present or possible embedded files, and where a
// missing package would appear. The folders of Files are not among them for their own sake.
func (g *Graph) Dirs() []string { return slices.Clone(g.watch) }

// Files lists, sorted, go.mod, go.sum, go.work, go.work.sum, vendor/modules.txt and similar files of every module
// concerned. A file, or its folder, need not exist: a file that appears matters.
func (g *Graph) Files() []string { return slices.Clone(g.modules) }

// add enters a file. If the file is already known, the stronger Kind stays: Kinds are in this order.
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
		for kind, list := range map[Kind][]string{Compiled: p.Compiled, Embedded: p.Embedded, Test: p.Tests,
			Excluded: p.Excluded} {
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

// Reached lists, sorted, the local packages reached by a change of one package: the package itself, and its direct and
// indirect importers.
func (g *Graph) Reached(importPath string) []string {
	reached := map[string]bool{}
	for _, p := range g.Local {
		reached[importPath] = reached[importPath] || p.ImportPath == importPath
	}
	for grown := true; grown; {
		grown = false
		for _, p := range g.Local {
			if !reached[p.ImportPath] &&
				slices.ContainsFunc(p.imports, func(path string) bool { return reached[path] }) {
				reached[p.ImportPath], grown = true, true
			}
		}
	}
	maps.DeleteFunc(reached, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(reached))
}

// packageAt returns the local package in this folder, or -1.
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

// ofCommandLine reports whether the package was given as .go files: no other file of the folder belongs to the package.
func (g *Graph) ofCommandLine(pkg int) bool {
	return pkg >= 0 && strings.HasPrefix(g.Local[pkg].ImportPath, commandLine)
}

// commandLine is go's name for a package given as .go files.
const commandLine = "command-line-arguments"

// NoGraph is the empty graph, for services that are not built.
func NoGraph() *Graph { return &Graph{} }
