package tests

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/watch"
)

// kind is the role of a saved file in tests.
type kind uint8

const (
	source kind = iota + 1 // compiled into a package or embedded: affects importers, too
	test                   // a _test.go file
	data                   // read by the tests of a package
	module                 // go.mod and the like: everything may be different
	text                   // a source of one package that the tests of another one open
)

// saved is a saved file and its package.
type saved struct {
	path string
	kind kind
	pkg  string // import path; "" for module
	same bool   // of a source: importers can see no difference but in what functions do
}

// graph answers questions about the packages.
type graph struct {
	packages map[string]*gobuild.Tested
	files    map[string]saved  // the known files
	dirs     map[string]string // folder -> import path
	roots    []string          // of modules
	headers  map[string]string // source file -> result of gobuild.Header
}

func newGraph(g *gobuild.TestGraph) *graph {
	all := &graph{packages: map[string]*gobuild.Tested{}, files: map[string]saved{}, dirs: map[string]string{},
		roots: g.Roots}
	for i := range g.Packages {
		p := &g.Packages[i]
		all.packages[p.ImportPath], all.dirs[p.Dir] = p, p.ImportPath
		for _, path := range p.Tests {
			how := data // embedded
			if strings.HasSuffix(path, "_test.go") {
				how = test
			}
			all.files[path] = saved{path: path, kind: how, pkg: p.ImportPath}
		}
		for _, path := range p.Sources {
			all.files[path] = saved{path: path, kind: source, pkg: p.ImportPath}
		}
	}
	for _, path := range g.Files {
		all.files[path] = saved{path: path, kind: module}
	}
	return all
}

// owner returns the package of the nearest folder above a path, and whether a folder called testdata lies between.
func (g *graph) owner(path string) (pkg string, testdata bool) {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if pkg, there := g.dirs[dir]; there {
			return pkg, testdata
		}
		testdata = testdata || filepath.Base(dir) == "testdata"
		if filepath.Dir(dir) == dir {
			return "", false
		}
	}
}

// touch returns the files affected by a change; anew means: list the packages again. o is what tests have opened.
func (g *graph) touch(change watch.Change, o opened) (reached []saved, anew bool) {
	reached, anew = g.touchBuilt(change)
	how := data
	if _, built := g.files[change.Path]; built {
		how = text
	}
	for _, pkg := range o.readers(change.Path, change.Op != watch.Written) {
		known := slices.ContainsFunc(reached, func(s saved) bool { return s.pkg == pkg })
		if g.packages[pkg] != nil && !known {
			reached = append(reached, saved{path: change.Path, kind: how, pkg: pkg})
		}
	}
	return reached, anew
}

// touchBuilt is touch for files of packages and modules, and for folders called testdata.
func (g *graph) touchBuilt(change watch.Change) (reached []saved, anew bool) {
	path, base := change.Path, filepath.Base(change.Path)
	known, there := g.files[path]
	pkg, testdata := g.owner(path)
	switch {
	case there:
		reached = append(reached, known)
		anew = change.Op != watch.Written
	case change.Dir:
		anew = !testdata && !strings.HasPrefix(base, ".") && !strings.HasPrefix(base, "_") && base != "testdata"
	case testdata:
		reached = append(reached, saved{path: path, kind: data, pkg: pkg})
	case filepath.Ext(base) == ".go" && base[0] != '_' && base[0] != '.':
		anew = true
		if in := g.dirs[filepath.Dir(path)]; in != "" && change.Op != watch.Removed {
			how := source
			if strings.HasSuffix(base, "_test.go") {
				how = test
			}
			reached = append(reached, saved{path: path, kind: how, pkg: in})
		}
	}
	return reached, anew
}

// fileOf returns a known file.
func (g *graph) fileOf(path string) (saved, bool) {
	if g == nil {
		return saved{}, false
	}
	s, known := g.files[path]
	return s, known
}

// takeHeaders reads the headers of the source files, on all processors. A file written after the question to go gets no
// header, because go may have read other content.
func (g *graph) takeHeaders(asked time.Time) {
	paths := slices.DeleteFunc(sortedKeys(g.files), func(path string) bool { return filepath.Ext(path) != ".go" })
	found := gobuild.ReadBefore(paths, asked, gobuild.Header)
	g.headers = map[string]string{}
	for i, path := range paths {
		g.headers[path] = found[i]
	}
}

// watched returns the paths to watch: the folders of packages and of embedded files; the folders above packages in
// their modules, because packages may appear there; everything below folders called testdata; and the folders of files
// that tests have opened.
func (g *graph) watched(o opened) watch.Set {
	dirs, trees := map[string]bool{}, map[string]bool{}
	for dir := range g.dirs {
		trees[filepath.Join(dir, "testdata")] = true
		dirs[dir] = true
		for root := g.rootOf(dir); root != "" && dir != root && !dirs[filepath.Dir(dir)]; {
			dir = filepath.Dir(dir)
			dirs[dir] = true
		}
	}
	for _, dir := range o.folders() {
		if g.rootOf(dir) != "" {
			dirs[dir] = true
		}
	}
	set := watch.Set{Dirs: sortedKeys(dirs), Trees: sortedKeys(trees)}
	for path, s := range g.files {
		switch {
		case s.kind == module:
			set.Files = append(set.Files, path)
		case !dirs[filepath.Dir(path)]: // embedded
			dirs[filepath.Dir(path)] = true
			set.Dirs = append(set.Dirs, filepath.Dir(path))
		}
	}
	return set
}

// rootOf returns the root of a folder's module; "" if there is none.
func (g *graph) rootOf(dir string) string {
	best := ""
	for _, root := range g.roots {
		if within(dir, root) && len(root) > len(best) {
			best = root
		}
	}
	return best
}

// places returns the answers for a reader.
func (g *graph) places(root string) places {
	return places{
		dir: func(pkg string) string {
			if p := g.packages[pkg]; p != nil {
				return p.Dir
			}
			return root
		},
		line: lineOf,
		decl: func(pkg, name string) (string, int) {
			if p := g.packages[pkg]; p != nil {
				for _, path := range p.Tests {
					if line := testsIn(path)[top(name)]; line > 0 && strings.HasSuffix(path, "_test.go") {
						return path, line
					}
				}
			}
			return "", 0
		},
		mine: func(path string) bool {
			return slices.ContainsFunc(g.roots, func(root string) bool { return within(path, root) })
		},
		root: root,
	}
}
