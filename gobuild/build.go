package gobuild

import (
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

// Build runs `go build` and returns the binary, with one reference that the caller gives back with Release. g is the
// program's graph; it says which files are looked at before and after, and need not be the newest.
//
// A failed build is a *BuildError; one that could not begin, an *Error. If ctx ends, everything the build started is
// killed and gone when Build returns ctx's error.
func (b *Builder) Build(ctx context.Context, p Program, g *Graph) (*Artifact, error) {
	began := time.Now()
	flags, err := parseFlags(p.Flags)
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
	chatty := slices.ContainsFunc(flags, func(f flag) bool { return f.name == "v" || f.name == "x" || f.name == "work" })
	keepsWork := slices.ContainsFunc(flags, func(f flag) bool { return f.name == "work" }) // the user wants to look at it
	if !keepsWork {
		defer os.RemoveAll(work)
	}

	name := p.name(g.Main.ImportPath) + g.settings.GOEXE
	out := filepath.Join(work, name)
	program := p.key()
	if latest := b.latestOf(program); latest != "" {
		reuse(latest, out)
	}

	before := g.lookAt()
	tmp, done := temporary(g.settings.GOTMPDIR, work)
	if !keepsWork {
		defer done()
	}
	agent, plain, err := b.agentOf(p, g)
	if err != nil {
		return nil, couldNot(err)
	}
	b.short.halt()
	l := b.learner(t, p, flags, g, agent)
	fast, err := b.quick(ctx, l, work, name)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	a, text, failed := fast.artifact, fast.text, fast.text != ""
	if a == nil && !failed {
		var exit process.Exit
		for {
			got, err := t.run(ctx, []string{"GOTMPDIR=" + tmp}, slices.Concat([]string{"build", "-o", out}, l.with, l.what)...)
			if err != nil {
				return nil, stopped(ctx, err)
			}
			text, exit = string(got.out)+got.text, got.exit
			if agent == nil || exit.Success() {
				break
			}
			if plain = AgentFault(text); plain == "" {
				break
			}
			agent = nil
			b.agentFailed(p, g, plain)
			l = b.learner(t, p, flags, g, nil)
		}
		if failed = !exit.Success(); failed && strings.TrimSpace(text) == "" {
			text = "go build: " + exit.String() // killed by somebody, or for want of memory
		}
	}
	if failed {
		failure := diagnose(p.Dir, text, chatty)
		if failure.Way = fast.why; fast.text == "" {
			failure.Way = "go build: " + fast.why
		}
		for i, d := range failure.Diagnostics {
			if d.Package == "" && d.File != "" {
				_, failure.Diagnostics[i].Package = g.Classify(d.File)
			}
		}
		failure.Moved = g.moved(before)
		if cause := problemOf(p, "go build", text); cause.Problem != Failed {
			failure.Cause = cause
		}
		b.short.begin(func(ctx context.Context) { l.idleWork(ctx, "") }) // what was not done before
		return nil, failure
	}

	if a == nil {
		a, err = b.keep(program, out, name)
		if errors.Is(err, errArchive) || errors.Is(err, os.ErrNotExist) {
			return nil, &Error{Problem: NotMain, Text: strings.Join(p.args(), " ") + " is not a main package: go build made nothing to run", Err: err}
		}
		if err != nil {
			return nil, couldNot(err)
		}
		a.Text, a.Way = text, "go build: "+fast.why
		b.short.learned(program)
	}
	a.Agent, a.Plain = agent != nil, plain
	a.Moved = g.moved(before)
	a.Took = time.Since(began)
	if !a.Moved { // else it is built again at once
		b.short.begin(func(ctx context.Context) { l.idleWork(ctx, a.ID) })
	}
	return a, nil
}

// stopped is the error of a build that did not come to its end: ctx's, if that is why.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return couldNot(err)
}

// buildArgs are the flags of go build, output aside, and its arguments.
func (p Program) buildArgs(g *Graph, flags []flag, agent *Agent) (with, what []string) {
	with, what = buildArgs(g.settings.GOFLAGS, flags, p.Debug), p.args()
	if agent != nil {
		with, what = agent.Flags(g.settings.GOFLAGS, with), agent.Args(what)
	}
	return with, what
}

// couldNot makes an error of the system, not of the source, one of ours.
func couldNot(err error) error {
	if diskFull(err.Error()) {
		return &BuildError{Text: err.Error(), DiskFull: true}
	}
	return wrap(err, "build")
}

// key tells programs of one Builder apart.
func (p Program) key() string {
	return fmt.Sprintf("%q %q %q %v %v", p.Dir, p.args(), p.Flags, p.Debug, p.Plain)
}

// temporary is the GOTMPDIR for one build, so that nothing of a build that is killed stays: in work, or where the user
// has chosen to have temporary files, whose folder done removes.
func temporary(chosen, work string) (dir string, done func()) {
	if chosen == "" {
		return filepath.Join(work, "tmp"), func() {}
	}
	dir, err := os.MkdirTemp(chosen, "hotreload-")
	if err != nil {
		return chosen, func() {} // go will say what is wrong with it
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}
