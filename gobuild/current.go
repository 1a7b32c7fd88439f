package gobuild

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A graph is valid only for the tree from which the graph was loaded. While a folder is removed and another one is
// copied to its place (git checkout, rsync, rm -rf and cp -r), `go list` sees half a tree. The answers are then
// useless: the imports, on which the agent depends, and the errors.

// mostLoads is how often a program is loaded again because of changes during loading. A caller that watches the program
// notices later changes, and loads the program again.
const mostLoads = 5

// Whole reports whether go could describe every package.
func (g *Graph) Whole() bool { return !g.fallback && len(g.Errors) == 0 && len(g.links) > 0 }

// Current reports whether the tree is unchanged since the graph was loaded, as far as go reads the tree: the module
// files, the list of sources, and their headers.
func (g *Graph) Current() bool {
	for path, old := range g.asof.files {
		now := statOrNil(path)
		if same(old, now) {
			continue
		}
		if old == nil || now == nil || g.files[path].kind == ModuleFile {
			return false
		}
		if header, read := g.headers[path]; read && (header == broken || headerOf(path) != header) {
			return false
		}
	}
	return !g.hasNews(g.asof)
}

// hasNews reports whether a folder contains a source or embedded file unknown to the graph.
func (g *Graph) hasNews(before look) bool {
	for dir, old := range before.dirs {
		if !same(old, statOrNil(dir)) && g.unknownIn(dir, func(string) bool { return true }) {
			return true
		}
	}
	return false
}

// unknownIn reports whether a folder contains a source or embedded file unknown to the graph, for which counts is true.
func (g *Graph) unknownIn(dir string, counts func(path string) bool) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if e, known := g.classify(path); !known && e.kind <= Embedded && counts(path) {
			return true
		}
	}
	return false
}

// restless reports whether an input was touched, added or removed after go was asked: then go may have seen half of a
// change.
func (g *Graph) restless(asked time.Time) bool {
	asked = asked.Add(-granularity)
	for path, info := range g.asof.files {
		kind := g.files[path].kind
		switch {
		case info == nil && kind == Compiled && isSource(filepath.Base(path)): // go has seen it
			return true
		case info != nil && kind != Embedded && touched(path).After(asked):
			return true
		}
	}
	for dir := range g.asof.dirs {
		if g.unknownIn(dir, func(path string) bool { return touched(path).After(asked) }) {
			return true
		}
	}
	return false
}

// Torn reports whether a folder of the program was removed and created again since the graph was loaded, and lacks
// files that were there before. Either a copy is still running, or the missing files were removed for good. more are
// further files to look for.
func (g *Graph) Torn(more []string) bool {
	anew := func(dir string) bool {
		now := statOrNil(dir)
		old := g.asof.dirs[dir]
		return now != nil && old != nil && (!os.SameFile(now, old) || !born(dir).Equal(g.born[dir]))
	}
	for dir := range g.asof.dirs {
		if !anew(dir) {
			continue
		}
		lacks := func(path string) bool { return within(path, dir) && statOrNil(path) == nil }
		for path, info := range g.asof.files {
			if info != nil && lacks(path) {
				return true
			}
		}
		if slices.ContainsFunc(more, lacks) {
			return true
		}
	}
	return false
}

// graphFor returns g, or a newly loaded graph if g may be wrong about the agent: whether the agent is linked, and with
// which parts.
func graphFor(ctx context.Context, p Program, g *Graph) (*Graph, error) {
	sure := g.Whole() && (p.Plain || g.Links("net/http") || g.Current())
	if sure {
		return g, nil
	}
	now, err := Load(ctx, p)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if now == nil || err != nil && now.fallback {
		return g, nil // go build will report the reason
	}
	return now, nil
}

// wholeNow reports whether a program, before impossible to load, can be loaded now. Then the finished build belongs to
// a tree completed during the build.
func wholeNow(ctx context.Context, p Program) bool {
	now, err := Load(ctx, p)
	return err == nil && now.Whole()
}
