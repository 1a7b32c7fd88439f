package runner

import (
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/supervisor"
)

// standing has the present problems of the code, as a list for editors. The loop owns it.
type standing struct {
	failed  []problems.Problem // of the last failed build or generation; valid while the service is stale
	found   []problems.Problem // by the owner of the run: in the configuration file
	tests   []problems.Problem // of tests that fail, as the owner of the run has found them
	crashed []problems.Problem // panics in workers of the serving generation, each place once
	pages   []pageProblem      // errors in pages of the serving code
	told    ProblemsNow
}

// mostCrashes is the number of stored panics of one generation.
const mostCrashes = 20

// crash notes a panic of a worker after it has served.
func (s *standing) crash(all []problems.Problem) {
	for _, p := range all {
		same := func(q problems.Problem) bool { return q.File == p.File && q.Line == p.Line && q.Message == p.Message }
		if !slices.ContainsFunc(s.crashed, same) && len(s.crashed) < mostCrashes {
			s.crashed = append(slices.Clip(s.crashed), p)
		}
	}
}

// hear takes an event of the supervisor with the problems found there. newest and serving are the generations before
// the event.
func (s *standing) hear(event supervisor.Event, found []problems.Problem, newest, serving int) {
	switch e := event.(type) {
	case supervisor.Failed:
		s.failed = found
	case supervisor.Exited:
		switch {
		case inVain(e, newest) && found == nil:
			s.failed = wordsOf(e.Exit, e.Reason)
		case inVain(e, newest):
			s.failed = found
		case e.Generation == serving && e.State != supervisor.Starting:
			s.crash(found)
		}
	case supervisor.Serving:
		if e.Generation != serving {
			s.crashed = nil
			s.pages = without(s.pages, func(p pageProblem) bool { return p.generation != e.Generation })
		}
	}
}

// now returns the present problems, and those that only tests have found.
func (s *standing) now(stale bool) (all, byTests []problems.Problem) {
	all = []problems.Problem{}
	if stale {
		all = append(all, s.failed...)
	}
	for _, p := range slices.Concat(s.found, s.crashed) {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	for _, p := range s.tests {
		if !slices.Contains(all, p) { // a file that does not compile
			all, byTests = append(all, p), append(byTests, p)
		}
	}
	for _, p := range s.pages {
		if !slices.Contains(all, p.Problem) { // one error in several frames
			all = append(all, p.Problem)
		}
	}
	return all, byTests
}

// problems returns the present problems of the service.
func (l *loop) problems() []problems.Problem {
	all, _ := l.standing.now(l.stale())
	return all
}

// tellProblems sends the problems if different from those sent last.
func (l *loop) tellProblems() {
	all, byTests := l.standing.now(l.stale())
	now, told := ProblemsNow{all, byTests}, l.standing.told
	if !slices.Equal(now.All, told.All) || !slices.Equal(now.Tests, told.Tests) {
		l.standing.told = now
		l.emit(now)
	}
}

// problemsOf returns the problems in an error of a build.
func problemsOf(err error) []problems.Problem {
	var build *gobuild.BuildError
	var generator *GeneratorError
	var all []problems.Problem
	switch {
	case errors.As(err, &build):
		for _, d := range build.Diagnostics {
			all = append(all, problems.Problem{File: d.File, Line: d.Line, Column: d.Col, Message: d.Text,
				Package: d.Package, Tool: problems.Go})
		}
	case errors.As(err, &generator):
		if all = generator.Problems; len(all) == 0 {
			return []problems.Problem{{Message: err.Error(), Tool: toolOf(generator.Run)}}
		}
	}
	if len(all) > 0 {
		return all
	}
	tool := problems.Hotreload
	if errors.As(err, new(*gobuild.Error)) || build != nil {
		tool = problems.Go
	}
	return []problems.Problem{{Message: err.Error(), Tool: tool}}
}

// problemsIn returns the problems in an event of the supervisor: why a generation has failed, or where a worker
// panicked.
func problemsIn(event supervisor.Event, graph *gobuild.Graph) []problems.Problem {
	switch e := event.(type) {
	case supervisor.Failed:
		if all := panicked(e.Exit, graph); all != nil {
			return all
		}
		return wordsOf(e.Exit, e.Reason)
	case supervisor.Exited:
		if !e.Expected {
			return panicked(e.Exit, graph)
		}
	}
	return nil
}

// panicked returns the panic that ended a worker, if there was one.
func panicked(exit supervisor.Exit, graph *gobuild.Graph) []problems.Problem {
	p, ok := problems.OfPanic(exit.Trace, func(file string) (string, string, bool) { return ownFile(graph, file) })
	if !ok {
		return nil
	}
	return []problems.Problem{p}
}

// wordsOf returns how a worker without a panic has exited.
func wordsOf(exit supervisor.Exit, reason string) []problems.Problem {
	return []problems.Problem{{Message: lastWords(exit, reason), Tool: problems.Hotreload}}
}

// ownFile finds a file of a stack among the packages that users edit. A program built with -trimpath names its files by
// import path.
func ownFile(graph *gobuild.Graph, file string) (found, pkg string, own bool) {
	if graph == nil {
		return "", "", false
	}
	if !filepath.IsAbs(filepath.FromSlash(file)) {
		dir, base := path.Split(file)
		for _, p := range graph.Local {
			if !p.Vendored && p.ImportPath+"/" == dir {
				return filepath.Join(p.Dir, base), p.ImportPath, true
			}
		}
		return "", "", false
	}
	file = filepath.Clean(filepath.FromSlash(file))
	kind, pkg := graph.Classify(file)
	vendored := func(p gobuild.Package) bool { return p.ImportPath == pkg && p.Vendored }
	if slices.ContainsFunc(graph.Local, vendored) {
		return "", "", false
	}
	if kind == gobuild.Compiled {
		return file, pkg, true
	}
	// A //line comment of generated code names the file from which the code was made.
	within := graph.Module.Dir != "" && strings.HasPrefix(file, graph.Module.Dir+string(filepath.Separator))
	return file, pkg, within && !graph.Foreign(file) && filepath.Ext(file) != ".go"
}
