package gobuild

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what a file is to the build. Where a file is several things, the first of this order counts.
type Kind int

const (
	Compiled   Kind = iota // the compiler or linker reads it
	Embedded               // //go:embed takes it
	ModuleFile             // go.mod and its like: decides what else is read
	Test                   // compiled into tests alone
	Excluded               // a source file that build constraints or its name rule out
	Other                  // no input
)

func (k Kind) String() string {
	return [...]string{"compiled", "embedded", "module", "test", "excluded", "other"}[k]
}

// Classify says what a change of the file means, and to which package it belongs ("" for none, and for module files).
// It looks at the path alone, not at the disk. A source file in a package folder that is new since Load counts as
// compiled; Renews is true of it, and the next graph knows better.
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

// Renews reports whether the program may be made of other packages or files after a change of this path, so that it
// has to be loaded again. It reads the file as it is now, if need be.
func (g *Graph) Renews(path string) bool {
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
			return true // its headers are not remembered: nobody edits these often
		}
		old, kept := g.headers[path]
		if !kept {
			return false // a profile, an object file
		}
		now := headerOf(path)
		return now != old || now == broken
	}
	if !there {
		return g.packageAt(path) >= 0 // a package folder has gone
	}
	return info.IsDir() && slices.ContainsFunc(g.Local, func(p Package) bool { return leadsTo(p.Dir, p.patterns, path) })
}

// isSource reports whether go looks at a file of this name in a package folder.
func isSource(base string) bool {
	if base == "" || base[0] == '_' || base[0] == '.' {
		return false
	}
	return sourceExts[filepath.Ext(base)]
}

func isTest(base string) bool { return strings.HasSuffix(base, "_test.go") }

// sourceExts are the extensions of files that go compiles, or includes where it compiles (go help c and go/build).
var sourceExts = map[string]bool{
	".go": true, ".s": true, ".S": true, ".sx": true, ".syso": true,
	".c": true, ".cc": true, ".cpp": true, ".cxx": true, ".m": true,
	".h": true, ".hh": true, ".hpp": true, ".hxx": true,
	".f": true, ".F": true, ".for": true, ".f90": true, ".swig": true, ".swigcxx": true,
}
