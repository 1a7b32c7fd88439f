package gobuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/process"
)

// Build runs `go build` and returns the binary, with one reference for the caller to Release. g is the program's graph,
// with the files to check before and after. g may be outdated: if the build cannot rely on g, the program is loaded
// again.
//
// A failed build is a *BuildError; a build that could not start, an *Error. If ctx ends, all processes of the build are
// gone when Build returns ctx's error.
func (b *Builder) Build(ctx context.Context, p Program, g *Graph) (*Artifact, error) {
	began := time.Now()
	flags, err := p.parseFlags()
	if err != nil {
		return nil, err
	}
	t, err := p.toolchain()
	if err != nil {
		return nil, err
	}
	work, err := b.newWork()
	if err != nil {
		return nil, couldNot(err)
	}
	keepsWork := given(flags, "work") // the user wants to see the folder
	if !keepsWork {
		defer os.RemoveAll(work)
	}
	b.short.halt()
	if g, err = graphFor(ctx, p, g); err != nil {
		return nil, err
	}
	tmp, done := temporary(g.settings.GOTMPDIR, work)
	if !keepsWork {
		defer done()
	}
	name := p.name(g.Main.ImportPath) + g.settings.GOEXE
	out := filepath.Join(work, name)
	if latest := b.latestOf(p.key(), b.homeOf(p, name)); latest != "" {
		reuse(latest, out)
	}
	before := g.lookAt()
	agent, plain, err := b.agentOf(p, g)
	if err != nil {
		return nil, couldNot(err)
	}
	l := b.learner(t, p, flags, g, agent)
	fast, err := b.quick(ctx, l, work, name)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	a, text, failed, fault := fast.artifact, fast.text, fast.text != "", ""
	if a == nil && !failed {
		if l, text, failed, fault, err = l.byGo(ctx, out, tmp); err != nil {
			return nil, stopped(ctx, err)
		}
	}
	if failed {
		failure := l.failure(text, fast)
		failure.Moved = g.moved(before)
		b.short.begin(func(ctx context.Context) { l.idleWork(ctx, "") }) // the remaining idle work
		return nil, failure
	}
	if a == nil {
		if a, err = l.keep(out, name, text); err != nil {
			return nil, err
		}
		a.Way = "go build: " + fast.why
	}
	a.Agent, a.Plain = l.agent != nil, cmp.Or(fault, plain)
	a.Moved = g.moved(before) || !g.Whole() && wholeNow(ctx, p)
	if fault != "" && !a.Moved { // else the tree may have been incomplete
		b.agentFailed(p, g, fault)
	}
	a.Took = time.Since(began)
	if !a.Moved { // else the next build follows at once
		b.short.begin(func(ctx context.Context) { l.idleWork(ctx, a.linked) })
	}
	return a, nil
}

// given reports whether the flags contain a switch.
func given(flags []flag, name string) bool {
	return slices.ContainsFunc(flags, func(f flag) bool { return f.name == name })
}

// byGo runs go build, and once more without the agent if the agent fails; fault is then the reason. byGo returns the
// learner of the last run.
func (l *learner) byGo(ctx context.Context, out, tmp string) (last *learner, text string, failed bool, fault string,
	err error) {
	var exit process.Exit
	for {
		args := slices.Concat([]string{"build", "-o", out}, l.with, l.what)
		got, err := l.t.run(ctx, []string{"GOTMPDIR=" + tmp}, args...)
		if err != nil {
			return l, "", false, "", err
		}
		text, exit = string(got.out)+got.text, got.exit
		if l.agent == nil || exit.Success() {
			break
		}
		if fault = AgentFault(text); fault == "" {
			break
		}
		l = l.b.learner(l.t, l.p, l.flags, l.g, nil)
	}
	if failed = !exit.Success(); failed && strings.TrimSpace(text) == "" {
		text = "go build: " + exit.String() // killed by somebody, or for lack of memory
	}
	return l, text, failed, fault, nil
}

// failure returns the error of a failed build.
func (l *learner) failure(text string, fast attempt) *BuildError {
	failure := diagnose(l.p.Dir, text, given(l.flags, "v") || given(l.flags, "x") || given(l.flags, "work"))
	if failure.Way = fast.why; fast.text == "" {
		failure.Way = "go build: " + fast.why
	}
	for i, d := range failure.Diagnostics {
		if d.Package == "" && d.File != "" {
			_, failure.Diagnostics[i].Package = l.g.Classify(d.File)
		}
	}
	if cause := problemOf(l.p, "go build", text); cause.Problem != Failed {
		failure.Cause = cause
	}
	return failure
}

// keep takes the result of go build at out.
func (l *learner) keep(out, name, text string) (*Artifact, error) {
	a, err := l.b.keep(l.program, out, name)
	if errors.Is(err, errArchive) && l.p.Foreign {
		a, err = l.b.keepArchive(l.program, out, name)
	}
	if header := HeaderOf(out); err == nil && l.p.Foreign && statOrNil(header) != nil {
		_ = os.Rename(header, a.Header())
	}
	if errors.Is(err, errArchive) || errors.Is(err, errNothing) {
		what := strings.Join(l.p.args(), " ")
		return nil, &Error{Problem: NotMain, Text: what + " is not a main package: go build made nothing to run",
			Err: err}
	}
	if err != nil {
		return nil, couldNot(err)
	}
	a.Text = text
	l.b.short.learned(l.program)
	return a, nil
}

// stopped returns the error of an interrupted build: ctx's, if ctx is the reason.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return couldNot(err)
}

// buildArgs returns the flags of go build, without the output, and its arguments.
func (p Program) buildArgs(g *Graph, flags []flag, agent *Agent) (with, what []string) {
	with, what = buildArgs(g.settings.GOFLAGS, flags, p.Debug || p.Debugged != NotDebugged), p.args()
	with = append(with, p.Debugged.flags(g)...)
	if agent != nil {
		with, what = agent.Flags(g.settings.GOFLAGS, with), agent.Args(what)
	}
	return with, what
}

// couldNot turns an error of the system, not of the source, into an *Error.
func couldNot(err error) error {
	if diskFull(err.Error()) {
		return &BuildError{Text: err.Error(), DiskFull: true}
	}
	return wrap(err, "build")
}

// key identifies a program within a Builder.
func (p Program) key() string {
	return fmt.Sprintf("%q %q %q %q %v %v %v", p.Dir, p.args(), p.Flags, p.Set, p.Debug, p.Plain, p.Debugged)
}

// temporary returns the GOTMPDIR for one build, so that a killed build leaves nothing: in work, or in the user's folder
// for temporary files, where done removes it.
func temporary(chosen, work string) (dir string, done func()) {
	if chosen == "" {
		return filepath.Join(work, "tmp"), func() {}
	}
	dir, err := os.MkdirTemp(chosen, "hotreload-")
	if err != nil {
		return chosen, func() {} // go will report the folder's fault
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}
