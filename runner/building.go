package runner

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"hotreload/gobuild"
)

// builds has the build that runs: the commands of rules, and then the compiler. The loop owns it.
//
// Invariant: at most one build runs; the next one waits for done. Results of cancelled builds are dropped.
type builds struct {
	rules  *generators
	cancel context.CancelFunc
	began  time.Time     // the newest build
	done   chan struct{} // closed when the newest build has ended; nil before the first

	generating bool                 // the commands of rules run: the build has not begun to read
	noted      map[string]time.Time // files of rules -> the newest change that has led to a build

	results   chan buildResult
	generated chan generated
}

func newBuilds(rules *generators) builds {
	return builds{
		rules: rules, cancel: func() {}, noted: map[string]time.Time{},
		results: make(chan buildResult), generated: make(chan generated),
	}
}

type buildResult struct {
	serial   int
	artifact *gobuild.Artifact // nil if only commands were run
	err      error
	took     time.Duration
}

// generated reports the end of the commands of rules, and asks whether there is something to build now.
type generated struct {
	serial int
	build  chan bool // with room for the answer
}

// await waits until the cancelled build and all its processes have ended.
func (b *builds) await() {
	if b.done == nil {
		return
	}
	for {
		select {
		case <-b.results:
		case <-b.done:
			return
		}
	}
}

// begins reports whether a change of a file with commands is a reason to run the commands, or to run them again.
func (b *builds) begins(c classified, touched time.Time) bool {
	if b.generating && b.noted[c.Path].Equal(touched) && !touched.IsZero() {
		return false // the commands run for this change
	}
	b.noted[c.Path] = touched
	return b.rules.changed(c.commands, c.Path, touched)
}

// compiling reports whether a build runs.
func (l *loop) compiling() bool { return l.state.phase == Building && l.state.held == nil }

// lookForProgram looks whether the newest program still exists before workers are stopped for it: with stop-first, the
// old workers exit first.
func (l *loop) lookForProgram() {
	if l.programs.gone(l.state.built) {
		l.input(programGone{})
	}
}

// startBuild runs the commands of rules and builds, on a goroutine of its own. light: skip the build if the commands
// change no compiled file. The build begins when the one before it has ended.
func (l *loop) startBuild(serial int, light bool) {
	b := &l.builds
	b.cancel()
	ctx, cancel := context.WithCancel(l.ctx)
	previous, done := b.done, make(chan struct{})
	b.cancel, b.done = cancel, done
	b.began = time.Now()
	program, command, graph := l.config.Built(), l.config.Command, l.known.graph
	rules, ignored, results := b.rules, l.known.ignored(), b.results
	b.generating = !rules.idle()
	ask := b.generating || light
	l.emit(BuildStarted{})
	go func() { // ends with the build; done tells, and await waits for it
		defer close(done)
		defer cancel()
		if previous != nil {
			<-previous
		}
		result := buildResult{serial: serial}
		began, build := time.Now(), true
		if result.err = rules.bringUpToDate(ctx, program.Env, ignored); result.err == nil && ask {
			build, result.err = l.askWhetherToBuild(ctx, serial)
		}
		if result.err == nil && build {
			result.artifact, result.err = l.build(ctx, program, command, graph)
		}
		result.took = time.Since(began)
		select {
		case results <- result:
		case <-ctx.Done(): // nobody wants it
			if result.artifact != nil {
				l.forge.builder.Release(result.artifact)
			}
		}
	}()
}

// askWhetherToBuild is called by the goroutine of the build after the commands of rules: only the loop knows the
// changes since then. After the question, the loop no longer counts changes as output of the commands.
func (l *loop) askWhetherToBuild(ctx context.Context, serial int) (build bool, err error) {
	g := generated{serial, make(chan bool, 1)}
	select {
	case l.builds.generated <- g:
		return <-g.build, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// ran answers the question whether to build.
func (l *loop) ran(g generated) {
	current := g.serial == l.state.serial
	l.builds.generating = l.builds.generating && !current
	g.build <- current && !l.state.light
}

// build builds the program, or finds the command.
func (r *Runner) build(ctx context.Context, program gobuild.Program, command []string, graph *gobuild.Graph) (
	*gobuild.Artifact, error) {
	if command == nil {
		return r.forge.build(ctx, program, graph)
	}
	return findCommand(program.Dir, command[0])
}

// built takes the result of a build.
func (l *loop) built(result buildResult) {
	current := result.serial == l.state.serial
	if current {
		l.builds.generating = false
	}
	switch {
	case !current || errors.Is(result.err, context.Canceled):
		if result.artifact != nil {
			l.programs.release(result.artifact)
		}
		return
	case result.err == nil && result.artifact == nil:
		l.programs.ran = result.took
		l.emit(BuildEnded{})
		l.input(ran{result.serial})
		return
	}
	in, way := built{serial: result.serial, failed: result.err != nil}, ""
	if result.err != nil {
		way, in.moved = l.failed(result)
	} else {
		way = result.artifact.Way
		l.tellPlain(result.artifact.Plain)
		in.artifact, in.moved = result.artifact.ID, result.artifact.Moved
		l.programs.add(result.artifact, result.took)
	}
	l.programs.way = cmp.Or(way, l.programs.way)
	l.emit(BuildEnded{Way: way})
	l.input(in)
	l.programs.prune(l.state)
}

// adoptedByBuilds takes the news that the next builds can patch a linked program.
func (l *loop) adoptedByBuilds(news gobuild.Adopted) {
	switch {
	case news.ID != l.state.built: // of another service, or of an older program
	case news.Confirmed:
		l.programs.way += ", and confirmed by the linker"
		l.emit(Confirmed{})
	default:
		l.emit(Patchable{})
	}
}

// failed stores why a build has failed.
func (l *loop) failed(result buildResult) (way string, moved bool) {
	l.programs.failure = &result
	l.crew.words, l.standing.failed = result.err.Error(), problemsOf(result.err)
	var failure *gobuild.BuildError
	if errors.As(result.err, &failure) {
		l.crew.words = strings.TrimSpace(failure.Text)
		return failure.Way, failure.Moved
	}
	return "", false
}

// tellPlain tells why a program has no agent, each reason once.
func (l *loop) tellPlain(reason string) {
	if reason != "" && !l.programs.plain[reason] {
		l.programs.plain[reason] = true
		l.emit(NoAgent{reason})
	}
}
