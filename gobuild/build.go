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
	var got said
	var text string
	for {
		got, err = t.run(ctx, []string{"GOTMPDIR=" + tmp}, p.buildArgs(g, flags, agent, out)...)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, couldNot(err)
		}
		text = string(got.out) + got.text
		if agent == nil || got.exit.Success() {
			break
		}
		if plain = AgentFault(text); plain == "" {
			break
		}
		agent = nil
		b.agentFailed(p, g, plain)
	}
	if !got.exit.Success() {
		if strings.TrimSpace(text) == "" {
			text = "go build: " + got.exit.String() // killed by somebody, or for want of memory
		}
		failure := diagnose(p.Dir, text, chatty)
		for i, d := range failure.Diagnostics {
			if d.Package == "" && d.File != "" {
				_, failure.Diagnostics[i].Package = g.Classify(d.File)
			}
		}
		failure.Moved = g.moved(before)
		if cause := problemOf(p, "go build", text); cause.Problem != Failed {
			failure.Cause = cause
		}
		return nil, failure
	}

	a, err := b.keep(program, out, name)
	if errors.Is(err, errArchive) || errors.Is(err, os.ErrNotExist) {
		return nil, &Error{Problem: NotMain, Text: strings.Join(p.args(), " ") + " is not a main package: go build made nothing to run", Err: err}
	}
	if err != nil {
		return nil, couldNot(err)
	}
	a.Text, a.Agent, a.Plain = text, agent != nil, plain
	a.Moved = g.moved(before)
	a.Took = time.Since(began)
	return a, nil
}

// buildArgs are all arguments of go.
func (p Program) buildArgs(g *Graph, flags []flag, agent *Agent, out string) []string {
	with, what := buildArgs(g.settings.GOFLAGS, flags, p.Debug), p.args()
	if agent != nil {
		with, what = agent.Flags(g.settings.GOFLAGS, with), agent.Args(what)
	}
	return slices.Concat([]string{"build", "-o", out}, with, what)
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
