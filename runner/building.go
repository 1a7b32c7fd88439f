package runner

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotreload/gobuild"
)

type buildResult struct {
	serial   int
	artifact *gobuild.Artifact
	err      error
	took     time.Duration
}

type graphResult struct {
	graph *gobuild.Graph
	err   error
}

// compiling reports whether a build runs.
func (l *loop) compiling() bool { return l.state.phase == Building && l.state.held == nil }

// await lets the build that was cancelled end, so that nothing of it is left running.
func (l *loop) await() {
	if l.buildDone == nil {
		return
	}
	for {
		select {
		case <-l.builds:
		case <-l.buildDone:
			return
		}
	}
}

// lookForProgram looks whether the newest program is still there before workers are sent away for it: under stop-first
// it would be too late afterwards.
func (l *loop) lookForProgram() {
	if newest := l.artifacts[l.state.built]; newest != nil {
		if _, err := os.Stat(newest.Path); err != nil {
			l.input(programGone{})
		}
	}
}

// startBuild builds on a goroutine of its own. The build before it is dead when the new one begins: there is one at a
// time.
func (l *loop) startBuild(serial int) {
	l.cancelBuild()
	ctx, cancel := context.WithCancel(l.ctx)
	previous, done := l.buildDone, make(chan struct{})
	l.cancelBuild, l.buildDone = cancel, done
	l.buildBegan = time.Now()
	program, command, graph := l.config.Program, l.config.Command, l.graph
	rules := l.rules
	l.generating = !rules.idle()
	generating := l.generating
	l.tell(BuildStarted{})
	go func() { // ends with the build; done tells, and await waits for it
		defer close(done)
		defer cancel()
		if previous != nil {
			<-previous
		}
		began := time.Now()
		var artifact *gobuild.Artifact
		err := rules.bringUpToDate(ctx, program.Env)
		if err == nil && generating {
			select {
			case l.generated <- serial:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err == nil {
			artifact, err = l.build(ctx, program, command, graph)
		}
		result := buildResult{serial: serial, artifact: artifact, err: err, took: time.Since(began)}
		select {
		case l.builds <- result:
		case <-ctx.Done(): // nobody wants it
			if artifact != nil {
				l.forge.builder.Release(artifact)
			}
		}
	}()
}

// build builds the program; a command is there already, or is not.
func (r *Runner) build(ctx context.Context, program gobuild.Program, command []string, graph *gobuild.Graph) (*gobuild.Artifact, error) {
	if command == nil {
		return r.forge.build(ctx, program, graph)
	}
	return findCommand(program.Dir, command[0])
}

func (l *loop) built(result buildResult) {
	if result.serial == l.state.serial {
		l.generating = false
	}
	in := built{serial: result.serial, failed: result.err != nil}
	var ended BuildEnded
	switch {
	case result.serial != l.state.serial || errors.Is(result.err, context.Canceled):
		if result.artifact != nil {
			l.forge.builder.Release(result.artifact)
		}
		return
	case result.err != nil:
		var failure *gobuild.BuildError
		in.moved = errors.As(result.err, &failure) && failure.Moved
		l.failure = &result
		l.words = result.err.Error()
		if failure != nil {
			l.words = strings.TrimSpace(failure.Text)
			ended.Way = failure.Way
		}
	default:
		ended.Way = result.artifact.Way
		l.tellPlain(result.artifact.Plain)
		in.artifact, in.moved = result.artifact.ID, result.artifact.Moved
		l.lastBuild = result.took
		if l.artifacts[in.artifact] != nil {
			l.forge.builder.Release(result.artifact) // it is held already
		} else {
			l.artifacts[in.artifact] = result.artifact
		}
	}
	l.way = cmp.Or(ended.Way, l.way)
	l.tell(ended)
	l.input(in)
	l.prune()
}

// tellPlain says why a program has no agent, each reason once.
func (l *loop) tellPlain(reason string) {
	if reason != "" && !l.plain[reason] {
		l.plain[reason] = true
		l.tell(NoAgent{reason})
	}
}

// prune lets go of programs that no rule can name any more. What a generation runs is held by the generation.
func (l *loop) prune() {
	for id, artifact := range l.artifacts {
		held := l.state.held != nil && l.state.held.artifact == id
		if id != l.state.built && !held {
			delete(l.artifacts, id)
			l.forge.builder.Release(artifact)
		}
	}
}

// renewGraph asks the go command which packages the program has, on a goroutine of its own.
func (l *loop) renewGraph() {
	if l.renewing {
		l.again = true
		return
	}
	if l.config.Command != nil {
		l.takeGraph(gobuild.NoGraph())
		return
	}
	l.renewing = true
	program := l.config.Program
	go func() { // ends with go list, or with the run
		graph, err := gobuild.Load(l.ctx, program)
		select {
		case l.graphs <- graphResult{graph, err}:
		case <-l.ctx.Done():
		}
	}()
}

// renewed takes a graph into use: it decides what is watched.
func (l *loop) renewed(result graphResult) {
	l.renewing = false
	if l.again {
		l.again = false
		l.renewGraph()
	}
	if result.err != nil {
		if IsUsage(result.err) && l.serving == 0 && l.state.phase != Stopping {
			l.err = result.err
			l.input(killKey{})
			return
		}
		l.tell(GraphFailed{result.err})
	}
	if result.graph == nil {
		return
	}
	if result.err == nil {
		l.tell(Watching{Program: result.graph.Main.ImportPath, Packages: result.graph.Len(), Folders: len(result.graph.Dirs())})
	}
	l.takeGraph(result.graph)
}

// takeGraph watches what a graph names, and builds if that is news.
func (l *loop) takeGraph(now *gobuild.Graph) {
	before := l.graph
	l.graph = now
	l.watchGraph()
	switch {
	case before == nil: // starting is a change like any other
		l.input(changed{class: Rebuild, settled: true})
	case missed(before, l.graph, l.buildBegan):
		l.input(graphGrew{})
	}
}

// IsUsage reports whether an error means that what the user named cannot be run at all, whatever is saved.
func IsUsage(err error) bool {
	for _, problem := range []gobuild.Problem{
		gobuild.NoGo, gobuild.NoFolder, gobuild.NoModule, gobuild.NoPackage, gobuild.NotMain, gobuild.SeveralPackages, gobuild.BadFlag,
	} {
		if errors.Is(err, problem) {
			return true
		}
	}
	return false
}

// missed reports whether the build that began at the given time may have read something other than what is there now,
// unseen: in folders that were not watched yet, files were touched after it began.
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
