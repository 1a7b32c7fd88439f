package runner

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"hotreload/gobuild"
)

// listing is the run of go list for the packages of the program. The loop owns the listing.
//
// Invariant: at most one go list runs. If the answer will be out of date (again), another run follows. due: go list has
// to run when the build has ended, because both need processor time.
type listing struct {
	runs, again, due bool
	results          chan graphResult
}

type graphResult struct {
	graph *gobuild.Graph
	err   error
}

// begin reports whether go list has to be started now.
func (g *listing) begin() bool {
	start := !g.runs
	g.again, g.runs = g.runs, true
	return start
}

// end notes an answer, and reports whether the answer is out of date.
func (g *listing) end() (again bool) {
	again = g.again
	g.runs, g.again = false, false
	return again
}

// take reports whether go list is due.
func (g *listing) take() bool {
	due := g.due
	g.due = false
	return due
}

// listPackages asks the go command for the packages of the program, on a goroutine of its own.
func (l *loop) listPackages() {
	if l.config.Command != nil {
		l.takeGraph(gobuild.NoGraph())
		return
	}
	if !l.listing.begin() {
		return
	}
	program, results := l.config.Built(), l.listing.results
	go func() { // ends with go list, or with the run
		graph, err := gobuild.Load(l.ctx, program)
		select {
		case results <- graphResult{graph, err}:
		case <-l.ctx.Done():
		}
	}()
}

// listed takes the answer of go list.
func (l *loop) listed(result graphResult) {
	if l.listing.end() {
		l.listPackages()
	}
	if result.err != nil {
		if IsUsage(result.err) && l.crew.serving == 0 && l.state.phase != Stopping {
			l.err = result.err
			l.input(killKey{})
			return
		}
		l.emit(GraphFailed{result.err})
	}
	if result.graph == nil {
		return
	}
	if result.err == nil {
		l.emit(Watching{Program: result.graph.Main.ImportPath, Packages: result.graph.Len(),
			Folders: len(result.graph.Dirs()), FastHTTP: result.graph.Links(fastHTTP)})
	}
	l.takeGraph(result.graph)
}

// takeGraph has everything in a new graph watched, and builds if the graph is the first one or has grown.
func (l *loop) takeGraph(now *gobuild.Graph) {
	before := l.known.graph
	l.known.graph = now
	l.watchGraph()
	switch {
	case before == nil: // the start is a change like any other
		l.input(changed{class: Rebuild, settled: true})
	case missed(before, now, l.builds.began):
		l.input(graphGrew{})
	}
}

// IsUsage reports whether an error is the user's: the named program cannot be run, whatever is saved.
func IsUsage(err error) bool {
	for _, problem := range []gobuild.Problem{
		gobuild.NoGo, gobuild.NoFolder, gobuild.NoModule, gobuild.NoPackage, gobuild.NotMain, gobuild.SeveralPackages,
		gobuild.BadFlag, gobuild.CannotRun,
	} {
		if errors.Is(err, problem) {
			return true
		}
	}
	return false
}

// missed reports whether the build since began may have read older files unnoticed: in folders not watched until now,
// files were changed after the build began.
func missed(before, now *gobuild.Graph, began time.Time) bool {
	watched := map[string]bool{}
	for _, dir := range before.Dirs() {
		watched[dir] = true
	}
	for _, path := range now.Inputs() {
		if watched[filepath.Dir(path)] {
			continue
		}
		if info, err := os.Stat(path); err == nil && !info.ModTime().Before(began) {
			return true
		}
	}
	return false
}

// fastHTTP is the server below Fiber and others. The agent's gate stands before net/http alone.
const fastHTTP = "github.com/valyala/fasthttp"
