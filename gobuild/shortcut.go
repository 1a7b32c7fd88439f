package gobuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"
)

// shortcuts is the fast path's part of a Builder: what is known of each program, and the one piece of work at a time
// that is done while nothing is built.
type shortcuts struct {
	doubts chan error                                 // see Builder.Doubts
	pause  func(ctx context.Context, d time.Duration) // how idle work waits; tests do not
	pushy  bool                                       // idle work gives way to nobody; tests have no time

	mu     sync.Mutex           // guards all below
	of     map[string]*shortcut // by program
	idle   context.CancelFunc   // ends the work; nil if there is none
	ended  chan struct{}        // closed when the work has ended
	closed bool
}

// shortcut is what is known of one program, guarded by shortcuts.mu.
type shortcut struct {
	blueprint *blueprint      // nil if there is none
	stale     bool            // go has built since: the blueprint is to be made anew
	proved    map[string]bool // by proof: whether the command has been seen to write what go's wrote
	off       string          // why it is not used any more in this run
	unsure    string          // ID of a binary that was built the fast way and is not yet confirmed by go build
}

func newShortcuts() *shortcuts {
	return &shortcuts{of: map[string]*shortcut{}, doubts: make(chan error, 1), pause: rest}
}

// at finds or makes the entry of a program.
func (s *shortcuts) at(program string) *shortcut {
	if s.of[program] == nil {
		s.of[program] = &shortcut{proved: map[string]bool{}}
	}
	return s.of[program]
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Doubts yields an *Error with Problem Doubtful, at most once for each program: a fast build made another binary than go
// build. Whoever hears it builds again; it is then built by go, as everything after it.
func (b *Builder) Doubts() <-chan error { return b.short.doubts }

// halt kills what is done while nothing is built. It does not wait for its end.
func (s *shortcuts) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		s.idle()
		s.idle = nil
	}
}

// killWait is how long the end of what was killed is waited for. Who gives way to everything else on a busy machine gives
// way in dying too, and nobody should have to wait for that in order to leave.
const killWait = 500 * time.Millisecond

// close halts, and lets nothing begin any more.
func (s *shortcuts) close() {
	s.mu.Lock()
	s.closed = true
	ended := s.ended
	s.mu.Unlock()
	s.halt()
	if ended != nil {
		limit := time.NewTimer(killWait)
		defer limit.Stop()
		select {
		case <-ended:
		case <-limit.C:
		}
	}
}

// begin does the idle work of one program, after what was halted has ended.
func (s *shortcuts) begin(work func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.idle != nil {
		s.idle()
	}
	ctx, cancel := context.WithCancel(context.Background())
	previous, ended := s.ended, make(chan struct{})
	s.idle, s.ended = cancel, ended
	go func() { // ends with the work, which ends with ctx; close and the next one wait for it
		defer close(ended)
		defer cancel()
		if previous != nil {
			<-previous
		}
		work(ctx)
	}()
}

// gentle is a learner that gives way.
func (l *learner) gentle() *learner {
	gentle, idle := *l, *l.t
	idle.idle = !l.b.short.pushy
	gentle.t = &idle
	return &gentle
}

// learner is for one program as it is now to be built.
func (b *Builder) learner(t *toolchain, p Program, flags []flag, g *Graph, agent *Agent) *learner {
	l := &learner{b: b, t: t, p: p, flags: flags, program: p.key(), g: g}
	l.with, l.what = p.buildArgs(g, flags, agent)
	return l
}

// attempt is what came of building the fast way: a binary, or what go build would say of source that does not compile,
// and why is the way; or why go has to build.
type attempt struct {
	artifact  *Artifact
	text, why string
}

// quick builds the fast way if that is possible without any doubt. The error is ctx's, or one of the system.
func (b *Builder) quick(ctx context.Context, l *learner, work, name string) (attempt, error) {
	b.short.mu.Lock()
	s := b.short.at(l.program)
	bp, off := s.blueprint, s.off
	b.short.mu.Unlock()
	switch {
	case l.p.Slow:
		return attempt{why: "asked to"}, nil
	case off != "":
		return attempt{why: off}, nil
	case bp == nil:
		return attempt{why: "there is no plan of the program yet"}, nil
	case !slices.Equal(bp.args, slices.Concat(l.with, l.what)):
		return attempt{why: "it has other flags than before"}, nil
	case !slices.Equal(bp.outer, l.t.env):
		return attempt{why: "it has another environment than before"}, nil
	}
	out := filepath.Join(work, "fast", name) // not where go writes: the last binary may lie there
	if err := os.MkdirAll(filepath.Dir(out), 0o700); err != nil {
		return attempt{}, err
	}
	r := &remake{t: l.t, bp: bp, work: work, proved: func(proof string) (same, known bool) { return b.short.isProved(l.program, proof) }}
	made, why, err := r.run(ctx, out)
	if err != nil || why != "" {
		return attempt{why: why}, err
	}
	if made.text != "" {
		if AgentFault(made.text) != "" {
			return attempt{why: "the agent does not compile"}, nil
		}
		return attempt{text: made.text, why: made.way}, nil
	}
	a, err := b.keepAs(made.id, l.program, made.out, name)
	if err != nil { // the binary that would have done is gone, or the cache folder
		return attempt{why: err.Error()}, nil
	}
	a.Way = made.way
	b.commit(l.program, made)
	return attempt{artifact: a}, nil
}

// isProved reports whether a command is known to write what go's does, and whether that is known at all.
func (s *shortcuts) isProved(program, proof string) (same, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same, known = s.at(program).proved[proof]
	return same, known
}

// commit makes what a fast build found out the state of the program. The archives that it made move to where they stay;
// those that they take the place of are removed.
func (b *Builder) commit(program string, made *remade) {
	dir := filepath.Join(b.run.dir, "archives")
	_ = os.MkdirAll(dir, 0o700)
	b.short.mu.Lock()
	defer b.short.mu.Unlock()
	s := b.short.at(program)
	for name, u := range made.next.units {
		old := s.blueprint.units[name]
		if old.path == u.path {
			continue
		}
		path := filepath.Join(dir, strconv.FormatInt(b.serial.Add(1), 10)+".a")
		if err := os.Rename(u.path, path); err != nil {
			s.blueprint, s.stale = nil, true
			return
		}
		u.path = path // nobody has seen this unit yet
		if within(old.path, dir) {
			_ = os.Remove(old.path)
		}
	}
	s.blueprint = made.next
	if made.out != "" {
		s.unsure = made.id
	}
}

// learned notes that go has built the program: the blueprint is not of the newest binary any more.
func (s *shortcuts) learned(program string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(program).stale = true
	s.at(program).unsure = ""
}

// When idle work begins; felt right, not measured.
const (
	planAfter    = 200 * time.Millisecond // the workers start first
	confirmAfter = 2 * time.Second        // the next save often comes sooner
)

// idleWork is what is done for a program while nothing is built: first a blueprint, if there is none or go has built
// since, so that the next build can be fast; then, giving way to everything else on the machine, the confirmation of a
// fast build by go, and the proof that the blueprint's commands do what go's do.
func (l *learner) idleWork(ctx context.Context, artifact string) {
	s := l.b.short
	s.mu.Lock()
	entry := s.at(l.program)
	stale, off := entry.stale || entry.blueprint == nil, entry.off
	s.mu.Unlock()
	if off != "" || l.p.Slow {
		return
	}
	if s.pause(ctx, planAfter); ctx.Err() != nil {
		return
	}
	if stale && artifact != "" {
		bp, why, err := l.draw(ctx, artifact)
		for try := 1; try < 3 && err != nil; try++ { // what moves is built again, as a rule, and that ends ctx
			if s.pause(ctx, planAfter<<(2*try)); ctx.Err() != nil {
				return
			}
			bp, why, err = l.draw(ctx, artifact)
		}
		if err != nil {
			return
		}
		s.mu.Lock()
		if ctx.Err() != nil { // halt has the lock too: nothing changes under a build
			s.mu.Unlock()
			return
		}
		if bp != nil {
			entry.blueprint, entry.stale = bp, false
		} else {
			entry.off = why
		}
		s.mu.Unlock()
		l.b.tidy()
		debug.FreeOSMemory() // the script of 1,000 packages was many times as large as what was learned from it
	}
	l.proveSome(ctx, 1) // what is most likely to be edited next
	l = l.gentle()
	s.mu.Lock()
	unsure := entry.unsure
	s.mu.Unlock()
	if unsure != "" {
		if s.pause(ctx, confirmAfter); ctx.Err() != nil {
			return
		}
		l.confirm(ctx, unsure)
	}
	l.proveSome(ctx, -1)
}

// tidy removes archives that no blueprint names any more.
func (b *Builder) tidy() {
	b.short.mu.Lock()
	defer b.short.mu.Unlock()
	named := map[string]bool{}
	for _, s := range b.short.of {
		if s.blueprint != nil {
			for _, u := range s.blueprint.units {
				named[u.path] = true
			}
		}
	}
	dir := filepath.Join(b.run.dir, "archives")
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); !named[path] {
			_ = os.Remove(path)
		}
	}
}

// disagree switches the fast path off for this run and says so.
func (b *Builder) disagree(program, what string) {
	b.short.mu.Lock()
	s := b.short.at(program)
	s.off, s.blueprint, s.unsure = "it disagreed with go build", nil, ""
	b.short.mu.Unlock()
	select {
	case b.short.doubts <- &Error{Problem: Doubtful, Text: "a fast build and go build disagree about " + what + ": from now on go build builds",
		Hint: "this is a fault of hotreload; please report it, with go env and what was edited. --build=go avoids it"}:
	default: // one is enough
	}
}

// confirm builds with go what was built the fast way, which fills the build cache for go test and gopls too, and
// compares.
func (l *learner) confirm(ctx context.Context, id string) {
	bp := l.blueprint()
	if bp == nil {
		return
	}
	unmoved := func() bool {
		_, dirty, doubt := bp.look()
		return len(dirty) == 0 && doubt == ""
	}
	if !unmoved() {
		return // a build of it is about to begin
	}
	work, err := l.b.newWork()
	if err != nil {
		return
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, "confirmed")
	tmp, done := temporary(bp.graph.settings.GOTMPDIR, work)
	defer done()
	got, err := l.t.run(ctx, []string{"GOTMPDIR=" + tmp}, slices.Concat([]string{"build", "-o", out}, l.with, l.what)...)
	if err != nil || !unmoved() {
		return
	}
	what := ""
	if !got.exit.Success() {
		if failed := diagnose(l.p.Dir, got.text, false); !slices.ContainsFunc(failed.Diagnostics, func(d Diagnostic) bool { return d.File != "" }) {
			return // the machine, not the source
		}
		what = "whether it compiles"
	} else if confirmed, err := contentID(out); err != nil {
		return
	} else if confirmed != id {
		what = fmt.Sprintf("the binary (%s, %s)", id, confirmed)
	}
	l.b.short.mu.Lock()
	entry := l.b.short.at(l.program)
	if entry.unsure == id {
		entry.unsure = ""
	}
	l.b.short.mu.Unlock()
	if what != "" && ctx.Err() == nil {
		l.b.disagree(l.program, what)
	}
}

func (l *learner) blueprint() *blueprint {
	l.b.short.mu.Lock()
	defer l.b.short.mu.Unlock()
	return l.b.short.at(l.program).blueprint
}

var errMoved = errors.New("files have changed meanwhile")
