package gobuild

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is a file's role in the build. If a file has several roles, the first in this order counts.
type Kind int

const (
	Compiled   Kind = iota // read by the compiler or linker
	Embedded               // selected by //go:embed
	ModuleFile             // go.mod and similar files: they decide about the other inputs
	Test                   // compiled only into tests
	Excluded               // a source file, excluded by build constraints or by its name
	Other                  // not an input
)

func (k Kind) String() string {
	return [...]string{"compiled", "embedded", "module", "test", "excluded", "other"}[k]
}

// Classify returns the role of a changed file, and its package ("" for none, and for module files). Classify uses only
// the path, not the disk. A source file in a package folder, newer than the graph, counts as compiled; ChangedBy is
// true for the file, and the next graph knows better.
func (g *Graph) Classify(path string) (kind Kind, importPath string) {
	e, _ := g.classify(filepath.Clean(path))
	return e.kind, g.nameOf(e.pkg)
}

func (g *Graph) classify(path string) (e entry, known bool) {
	if e, known = g.files[path]; known {
		return e, true
	}
	dir, base := filepath.Dir(path), filepath.Base(path)
	pkg := g.packageAt(dir)
	if pkg >= 0 && isSource(base) && !isTest(base) && !g.ofCommandLine(pkg) {
		return entry{Compiled, pkg}, false
	}
	for i, p := range g.Local {
		if len(p.patterns) > 0 && embeds(p.Dir, p.patterns, path) {
			return entry{Embedded, i}, false
		}
	}
	switch {
	case pkg < 0:
		return entry{Other, -1}, false
	case base == "go.mod": // the folder becomes a module of its own
		return entry{ModuleFile, pkg}, false
	case isSource(base) && isTest(base):
		return entry{Test, pkg}, false
	}
	return entry{Other, pkg}, false
}

// ChangedBy reports whether a change of this path may change the program's packages or files, so that the program must
// be loaded again. ChangedBy reads the current file if needed.
func (g *Graph) ChangedBy(path string) bool {
	path = filepath.Clean(path)
	for _, dir := range g.missing {
		if within(path, dir) || within(dir, path) {
			return true
		}
	}
	info, err := os.Lstat(path)
	there := err == nil
	e, known := g.classify(path)
	if g.fallback && isSource(filepath.Base(path)) {
		return true
	}
	switch e.kind {
	case ModuleFile:
		return true
	case Embedded:
		return known != there
	case Compiled, Excluded:
		if !known || !there {
			return known != there
		}
		if e.pkg >= 0 && g.Local[e.pkg].Vendored {
			return true // headers of such files are not remembered, because the files rarely change
		}
		old, kept := g.headers[path]
		if !kept {
			return false // a profile, an object file
		}
		now := headerOf(path)
		return now != old || now == broken
	}
	if !there {
		return g.packageAt(path) >= 0 // the folder of a package is gone
	}
	return info.IsDir() && slices.ContainsFunc(g.Local,
		func(p Package) bool { return leadsTo(p.Dir, p.patterns, path) })
}

// isSource reports whether go reads a file with this name in a package folder.
func isSource(base string) bool {
	if base == "" || base[0] == '_' || base[0] == '.' {
		return false
	}
	return sourceExts[filepath.Ext(base)]
}

func isTest(base string) bool { return strings.HasSuffix(base, "_test.go") }

// sourceExts are the extensions of files compiled by go, or included in the compilation (go help c and go/build).
var sourceExts = map[string]bool{
	".go": true, ".s": true, ".S": true, ".sx": true, ".syso": true,
	".c": true, ".cc": true, ".cpp": true, ".cxx": true, ".m": true,
	".h": true, ".hh": true, ".hpp": true, ".hxx": true,
	".f": true, ".F": true, ".for": true, ".f90": true, ".swig": true, ".swigcxx": true,
}
