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

// shortcuts is a Builder's part for fast builds: the facts about each program, and the one piece of work between
// builds.
type shortcuts struct {
	doubts  chan error                                 // see Builder.Doubts
	adopted chan Adopted                               // see Builder.Adopted
	pause   func(ctx context.Context, d time.Duration) // how idle work waits; tests do not wait
	pushy   bool                                       // idle work does not give way; tests have no time
	patcher patcher
	waive   time.Duration // waiveFor; tests have less

	mu     sync.Mutex           // guards all below
	of     map[string]*shortcut // by program
	idle   context.CancelFunc   // ends the work; nil if there is none
	ended  chan struct{}        // closed when the work has ended
	closed bool
}

// shortcut holds the facts about one program, guarded by shortcuts.mu.
type shortcut struct {
	blueprint *blueprint      // nil if there is none
	stale     bool            // go has built since: a new blueprint is needed
	proved    map[string]bool // by proof: whether the command has written the same as go's
	off       string          // why fast builds are off for this run
	unsure    string          // ID of a linked fast build's binary not yet confirmed by go build
	patching  patching
	views     *views
}

func newShortcuts() *shortcuts {
	return &shortcuts{of: map[string]*shortcut{}, doubts: make(chan error, 1), adopted: make(chan Adopted, 4),
		pause: rest, patcher: realPatcher{}, waive: waiveFor}
}

// at finds or makes the entry of a program.
func (s *shortcuts) at(program string) *shortcut {
	if s.of[program] == nil {
		s.of[program] = &shortcut{proved: map[string]bool{}, views: newViews()}
	}
	return s.of[program]
}

// rest waits for the time d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Doubts yields an *Error with Problem Doubtful, at most once per program: a fast build made another binary than go
// build. The receiver builds again; go then makes this build and all later ones.
func (b *Builder) Doubts() <-chan error { return b.short.doubts }

// halt kills the background work. halt does not wait for the end of the work.
func (s *shortcuts) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		s.idle()
		s.idle = nil
	}
}

// killWait is how long to wait for the end of killed work. On a busy machine, low-priority processes also die slowly,
// and hotreload's exit should not wait for such processes.
const killWait = 500 * time.Millisecond

// close halts the work, and prevents more.
func (s *shortcuts) close() {
	s.mu.Lock()
	s.closed = true
	ended := s.ended
	var bases []*base
	for _, entry := range s.of {
		bases = append(bases, entry.patching.base)
		entry.patching.base = nil
	}
	s.mu.Unlock()
	s.halt()
	for _, b := range bases {
		b.put()
	}
	if ended != nil {
		limit := time.NewTimer(killWait)
		defer limit.Stop()
		select {
		case <-ended:
		case <-limit.C:
		}
	}
}

// begin runs the idle work of one program, after the previous work has ended.
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

// gentle returns a learner with tools that give way to everything else.
func (l *learner) gentle() *learner {
	gentle, idle := *l, *l.t
	idle.idle = !l.b.short.pushy
	gentle.t = &idle
	return &gentle
}

// work does work in this process, with the priority of the learner's tools.
func (l *learner) work(do func()) {
	if l.t.idle {
		giveWay(do)
	} else {
		do()
	}
}

// learner returns a learner for one program as it is built now.
func (b *Builder) learner(t *toolchain, p Program, flags []flag, g *Graph, agent *Agent) *learner {
	l := &learner{b: b, t: t, p: p, flags: flags, program: p.key(), g: g, agent: agent}
	l.with, l.what = p.buildArgs(g, flags, agent)
	return l
}

// attempt is the result of a fast build: a binary, or go build's message for broken source, with the way; or the reason
// why go has to build.
type attempt struct {
	artifact  *Artifact
	text, why string
}

// quick builds the fast way if there is no doubt at all. The error is ctx's, or one of the system.
func (b *Builder) quick(ctx context.Context, l *learner, work, name string) (attempt, error) {
	b.short.mu.Lock()
	s := b.short.at(l.program)
	bp, off, unpatched, views := s.blueprint, s.off, s.patching.off, s.views
	if s.patching.base == nil {
		views = nil
	}
	b.short.mu.Unlock()
	switch {
	case l.p.Slow:
		return attempt{why: "asked to"}, nil
	case off != "":
		return attempt{why: off}, nil
	case bp == nil && unpatched != "":
		return attempt{why: "the program has no build plan yet, and nothing is patched: " + unpatched}, nil
	case bp == nil:
		return attempt{why: "the program has no build plan yet"}, nil
	case !slices.Equal(bp.args, slices.Concat(l.with, l.what)):
		return attempt{why: "it has other flags than before"}, nil
	case !slices.Equal(bp.outer, l.t.env):
		return attempt{why: "it has another environment than before"}, nil
	}
	out := filepath.Join(work, "fast", name) // not where go writes: the last binary may be there
	if err := os.MkdirAll(filepath.Dir(out), 0o700); err != nil {
		return attempt{}, err
	}
	r := &remake{t: l.t, bp: bp, work: work, thrift: &b.thrift,
		proved: func(proof string) (same, known bool) { return b.short.isProved(l.program, proof) }, kept: b.has}
	if l.patches() {
		r.patch, r.views = l.patchTo, views
	}
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
	if err != nil { // the identical binary is gone, or the cache folder
		return attempt{why: err.Error()}, nil
	}
	a.Way, a.Steps = made.way, made.steps
	if made.patched != nil {
		made.patched.path = a.Path
	}
	b.commit(l.program, made)
	return attempt{artifact: a}, nil
}

// isProved reports whether a command writes the same as go's, and whether the answer is known.
func (s *shortcuts) isProved(program, proof string) (same, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same, known = s.at(program).proved[proof]
	return same, known
}

// commit records the results of a fast build as the state of the program. The new archives move to their place, and the
// replaced ones are removed.
func (b *Builder) commit(program string, made *remade) {
	b.short.mu.Lock()
	defer b.short.mu.Unlock()
	s := b.short.at(program)
	if !b.keepArchives(s.blueprint, made.next) {
		s.blueprint, s.stale = nil, true
		return
	}
	s.blueprint = made.next
	s.views.prune(made.next)
	switch {
	case made.out == "":
	case made.patched != nil && len(made.patched.changed) > 0:
		s.unsure, s.patching.patched = "", made.patched
	default:
		s.unsure, s.patching.patched = made.id, nil
	}
}

// keepArchives moves the archives of a new blueprint to their place, and removes those that they replace.
func (b *Builder) keepArchives(old, next *blueprint) bool {
	dir := filepath.Join(b.run.dir, "archives")
	_ = os.MkdirAll(dir, 0o700)
	for name, u := range next.units {
		replaced := old.units[name].path
		if replaced == u.path {
			continue
		}
		path := filepath.Join(dir, strconv.FormatInt(b.serial.Add(1), 10)+".a")
		if err := os.Rename(u.path, path); err != nil {
			return false
		}
		u.path = path // this unit is not shared yet
		if within(replaced, dir) {
			_ = os.Remove(replaced)
		}
	}
	return true
}

// learned records that go has built the program: the blueprint is not the newest binary's any more.
func (s *shortcuts) learned(program string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(program).stale = true
	s.at(program).unsure = ""
	s.at(program).patching.patched = nil
}

// When idle work begins. Felt right, not measured.
const (
	planAfter    = 200 * time.Millisecond // the workers start first
	confirmAfter = 2 * time.Second        // the next save often comes sooner
)

// idleWork is done for a program while no build runs: first a blueprint, if there is none or go has built since, so
// that the next build can be fast; then, with low priority, the confirmation of a fast build by go, and the proof that
// the blueprint's commands have the same results as go's.
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
		for try := 1; try < 3 && err != nil; try++ { // a change usually starts a new build, which ends ctx
			if s.pause(ctx, planAfter<<(2*try)); ctx.Err() != nil {
				return
			}
			bp, why, err = l.draw(ctx, artifact)
		}
		if err != nil {
			return
		}
		s.mu.Lock()
		if ctx.Err() != nil { // halt needs the same lock: nothing changes during a build
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
		debug.FreeOSMemory() // the script of 1,000 packages is many times as large as the result
	}
	l.proveSome(ctx, 1) // the unit that is most likely to be edited next
	if l.patches() {
		l.renewBase(ctx)
	}
	l = l.gentle()
	if l.patches() {
		l.learnViews(ctx, 1)
	}
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
	if l.patches() {
		l.learnViews(ctx, -1)
	}
	debug.FreeOSMemory() // syntax trees, and what compilers and go have told
}

// tidy removes archives that no blueprint uses any more.
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

// disagree switches fast builds off for this run and reports it.
func (b *Builder) disagree(program, what string) {
	b.short.mu.Lock()
	s := b.short.at(program)
	s.off, s.blueprint, s.unsure = "it disagreed with go build", nil, ""
	base := s.patching.base
	s.patching = patching{}
	b.short.mu.Unlock()
	base.put()
	select {
	case b.short.doubts <- &Error{Problem: Doubtful, Text: "a fast build and go build disagree about " + what +
		": from now on go build builds",
		Hint: "this is a fault of hotreload; please report it, with go env and what was edited. --build=go avoids it"}:
	default: // one report is enough
	}
}

// confirm builds with go what was built the fast way, and compares. This also fills the build cache for go test and
// gopls.
func (l *learner) confirm(ctx context.Context, id string) {
	bp := l.blueprint()
	if bp == nil {
		return
	}
	if !bp.unmoved() {
		return // a build of the change is about to begin
	}
	work, err := l.b.newWork()
	if err != nil {
		return
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, "confirmed")
	tmp, done := temporary(bp.graph.settings.GOTMPDIR, work)
	defer done()
	got, err := l.t.run(ctx, []string{"GOTMPDIR=" + tmp}, slices.Concat([]string{"build", "-o", out}, l.with,
		l.what)...)
	if err != nil || !bp.unmoved() {
		return
	}
	what := ""
	if !got.exit.Success() {
		if failed := diagnose(l.p.Dir, got.text, false); !slices.ContainsFunc(failed.Diagnostics,
			func(d Diagnostic) bool { return d.File != "" }) {
			return // the machine's fault, not the source's
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
