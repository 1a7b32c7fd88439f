package tests

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// step is one run of `go test`.
type step struct {
	packages []string // import paths, in the order of their importance
	only     []string // names of the tests to run; nil: all
}

// wish is the input of order.
type wish struct {
	fresh   []saved                            // from the last batch
	earlier []saved                            // from batches whose tests were interrupted
	all     bool                               // test everything
	failing map[string][]string                // package -> tests that failed last; none: the package as a whole
	inFile  func(path string) (names []string) // names of the tests in a file
	whole   bool                               // the user's flags choose tests, so steps choose none
}

// order returns the steps for a wish.
func order(g *graph, w wish) []step {
	ranks := g.reached(w)
	for pkg := range ranks {
		if p := g.packages[pkg]; p == nil || !p.Wanted || !p.HasTests() {
			delete(ranks, pkg)
		}
	}
	var steps []step
	if first := g.soonest(w, ranks); len(first.packages) > 0 && !w.whole {
		steps = append(steps, first)
	}
	var own, importers []string
	for _, pkg := range slices.SortedFunc(maps.Keys(ranks), byRank(ranks, w.failing)) {
		if w.all || ranks[pkg].distance == 0 {
			own = append(own, pkg)
		} else {
			importers = append(importers, pkg)
		}
	}
	for _, packages := range [][]string{own, importers} {
		if len(packages) > 0 {
			steps = append(steps, step{packages: packages})
		}
	}
	return steps
}

// rank is the place of a package in the order; lower ranks come first.
type rank struct {
	late     int  // 0: reached by the last save; 1: by earlier ones
	distance int  // 0: saved; 1: imports a saved one; and so on
	same     bool // it imports only packages whose declarations are what they were
}

func (r rank) before(other rank) int {
	last := func(r rank) int {
		if r.same {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(min(r.distance, 1), min(other.distance, 1)), cmp.Compare(last(r), last(other)),
		cmp.Compare(r.late, other.late), cmp.Compare(r.distance, other.distance))
}

// byRank compares packages by rank; between equal ranks, packages that failed last come first.
func byRank(ranks map[string]rank, failing map[string][]string) func(a, b string) int {
	fails := func(pkg string) int {
		if _, yes := failing[pkg]; yes {
			return 0
		}
		return 1
	}
	return func(a, b string) int {
		return cmp.Or(cmp.Compare(min(ranks[a].distance, 1), min(ranks[b].distance, 1)),
			cmp.Compare(fails(a), fails(b)), ranks[a].before(ranks[b]), cmp.Compare(a, b))
	}
}

// reached returns every package affected by a wish.
func (g *graph) reached(w wish) map[string]rank {
	ranks := map[string]rank{}
	better := func(pkg string, r rank) {
		if old, there := ranks[pkg]; !there || r.before(old) < 0 {
			ranks[pkg] = r
		}
	}
	everything := w.all
	for late, list := range [][]saved{w.fresh, w.earlier} {
		for _, s := range list {
			everything = everything || s.kind == module
			if s.kind == source {
				for pkg, distance := range g.importers(s.pkg) {
					better(pkg, rank{late, distance, s.same && distance > 0})
				}
			} else if s.kind == text {
				better(s.pkg, rank{late, 1, false}) // as if it imported the saved package
			} else if s.pkg != "" {
				better(s.pkg, rank{late, 0, false})
			}
		}
	}
	if everything {
		for pkg := range g.packages {
			better(pkg, rank{1, math.MaxInt, true})
		}
	}
	return ranks
}

// importers returns a package and the packages whose tests contain it, with their distances. An import in tests alone
// ends the chain: the importers of such a package are not affected.
func (g *graph) importers(of string) map[string]int {
	distances := map[string]int{of: 0}
	onlyTests := map[string]int{}
	for front, distance := []string{of}, 1; len(front) > 0; distance++ {
		var next []string
		for path, p := range g.packages {
			imports := func(list []string) bool {
				return slices.ContainsFunc(list, func(i string) bool { return slices.Contains(front, i) })
			}
			if _, done := distances[path]; !done && imports(p.Imports) {
				next = append(next, path)
			}
			if _, done := onlyTests[path]; !done && imports(p.TestImports) {
				onlyTests[path] = distance
			}
		}
		for _, path := range next {
			distances[path] = distance
		}
		front = next
	}
	for path, distance := range onlyTests {
		if known, there := distances[path]; !there || distance < known {
			distances[path] = distance
		}
	}
	return distances
}

// soonest returns the step for the earliest possible failure: tests that failed last time, and the tests of a saved
// file if it is the only saved one of its package.
func (g *graph) soonest(w wish, ranks map[string]rank) step {
	names := map[string][]string{}
	for pkg, failed := range w.failing {
		if _, reached := ranks[pkg]; reached && len(failed) > 0 {
			names[pkg] = failed
		}
	}
	for pkg := range ranks {
		if files := savedIn(pkg, w); len(files) == 1 && files[0].kind == test {
			names[pkg] = append(slices.Clone(names[pkg]), w.inFile(files[0].path)...)
		}
	}
	s := step{}
	for _, pkg := range slices.SortedFunc(maps.Keys(names), byRank(ranks, w.failing)) {
		if len(names[pkg]) > 0 {
			s.packages, s.only = append(s.packages, pkg), append(s.only, names[pkg]...)
		}
	}
	slices.Sort(s.only)
	s.only = slices.Compact(s.only)
	return s
}

// savedIn lists the saved files of a package, without repetitions.
func savedIn(pkg string, w wish) (files []saved) {
	for _, s := range slices.Concat(w.fresh, w.earlier) {
		if s.pkg == pkg && !slices.Contains(files, s) {
			files = append(files, s)
		}
	}
	return files
}
