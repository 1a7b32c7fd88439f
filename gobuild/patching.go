package gobuild

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"hotreload/gobuild/patch"
	"hotreload/gobuild/plan"
)

// patcher reads linked programs, so that others can be made from them. It is package patch; tests have another.
type patcher interface {
	supported(goVersion, goos, goarch string) (why string)
	open(ctx context.Context, link patch.Link) (patchable, error)
}

// patchable is a *patch.Base.
type patchable interface {
	Patch(ctx context.Context, changes map[string]patch.Change, out string) (patch.Report, error)
	Compare(ctx context.Context, patched string, limit int) ([]patch.Difference, error)
	Close() error
}

// realPatcher is package patch.
type realPatcher struct{}

func (realPatcher) supported(goVersion, goos, goarch string) string {
	return patch.Supported(goVersion, goos, goarch)
}

func (realPatcher) open(ctx context.Context, link patch.Link) (patchable, error) {
	return patch.Open(ctx, link)
}

// patching is what is known for patches of one program. It is a part of shortcut, guarded by shortcuts.mu.
type patching struct {
	off     string   // why nothing is patched in this run
	base    *base    // the last linked program; nil if none is ready
	unready string   // why base is nil, after an attempt
	patched *patched // the newest program, until it is compared with the linked one; nil if that is linked
}

// patched is a program made by a patch.
type patched struct {
	id, path string
	changed  []string // import paths of the patched packages; none: it is the linked program of before
	relined  int      // number of packages with other lines that were not compiled again
}

// way returns the end of the clause about the way of a build.
func (p *patched) way() string {
	if len(p.changed) == 0 {
		return ", and the program is the one linked before"
	}
	if p.relined > 0 {
		return fmt.Sprintf(", moved lines in %d, and patched", p.relined)
	}
	return ", and patched"
}

// base is a linked program from which others are made. Patches never pile up: all are made from the same base, until
// the linked program with the newest code is ready and takes its place.
type base struct {
	bp      *blueprint // the program's; its artifact is the ID of the linked program
	dir     string     // a folder with a link to the program
	program string     // this link
	close   *time.Timer

	mu     sync.Mutex // guards all below
	reader patchable
	closed bool
}

// keepBase is how long a base may stay in memory without a build.
const keepBase = 10 * time.Minute

// fit returns what to patch for a blueprint, by import path; or the reason why the base is of no use. Packages may
// import others than before if the program consists of the same ones: package patch derives the order of init tasks.
// moved has what has moved for packages that are behind.
func (b *base) fit(now *blueprint, moved map[string][]patch.File) (changes map[string]patch.Change, why string) {
	was := b.bp
	if was.proof != now.proof || was.link.Config != now.link.Config || len(was.units) != len(now.units) ||
		!maps.Equal(was.archives, now.archives) {
		return nil, "other packages are linked than before"
	}
	changes = map[string]patch.Change{}
	for name, u := range now.units {
		old := was.units[name]
		if old == nil {
			return nil, "other packages are linked than before"
		}
		c := patch.Change{Moved: moved[name]}
		if old.All != u.All {
			c.Archive = u.path
		}
		if c.Archive != "" || c.Moved != nil {
			changes[now.linkedAs(name)] = c
		}
	}
	return changes, ""
}

// linkedAs returns a package's path for the linker.
func (bp *blueprint) linkedAs(importPath string) string {
	if importPath == bp.link.Main {
		return "main"
	}
	return importPath
}

// idWith returns the ID of the base with the changed packages of a blueprint. The same packages in the same base always
// give the same program, so they give its ID; the linked program has another one.
func (b *base) idWith(now *blueprint) string {
	sum := sha256.New()
	fmt.Fprintln(sum, "patched", b.bp.artifact)
	for _, name := range slices.Sorted(maps.Keys(now.units)) {
		if u := now.units[name]; u.All != b.bp.units[name].All {
			fmt.Fprintf(sum, "%s %x\n", name, u.All)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:idBytes])
}

// write writes the program with the changed packages to out.
func (b *base) write(ctx context.Context, changes map[string]patch.Change, out string) (done patch.Report, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return done, errors.New("the last linked program was put away")
	}
	if len(changes) == 0 {
		return done, os.Link(b.program, out) // an edit was undone
	}
	if done, err = b.reader.Patch(ctx, changes, out); err != nil {
		return done, err
	}
	return done, plan.Restamp(out, plan.NewID())
}

// put closes the base.
func (b *base) put() {
	if b == nil {
		return
	}
	b.close.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		_ = b.reader.Close()
		_ = os.RemoveAll(b.dir)
	}
}

// patches tells whether programs are patched at all. On systems without patches nobody asks why there are none.
func (l *learner) patches() bool {
	s := l.g.settings
	return l.p.Patch && patch.System(s.GOOS, s.GOARCH)
}

// unpatchable returns why programs of a blueprint are never patched.
func (l *learner) unpatchable(bp *blueprint) (why string) {
	if l.p.Debug || l.p.Debugged != NotDebugged {
		return "debuggers read the program's file"
	}
	if l.p.Foreign {
		return "the program is only built"
	}
	s := bp.graph.settings
	if why := l.b.short.patcher.supported(s.GOVERSION, s.GOOS, s.GOARCH); why != "" {
		return why
	}
	argv := bp.link.Argv
	for i, arg := range argv {
		name, value, joined := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") {
			continue
		}
		if !joined && i+1 < len(argv) {
			value = argv[i+1]
		}
		switch name = strings.TrimPrefix(name, "-"); {
		case name == "buildmode" && value != "exe", name == "linkmode" && value != "internal",
			slices.Contains([]string{"race", "msan", "asan", "linkshared"}, name):
			return "the linker is given " + arg
		}
	}
	for _, path := range slices.Sorted(maps.Keys(bp.packages)) {
		if known := bp.packages[path]; known.cgo && !known.standard {
			return path + " uses cgo"
		}
	}
	if _, plugins := bp.packages["plugin"]; plugins {
		return "the program opens plugins"
	}
	return ""
}

// patchTo writes the program of a blueprint to out without the linker. If that is not possible, why tells the reason,
// in a clause.
func (l *learner) patchTo(ctx context.Context, now *blueprint, out string) (made *patched, why string) {
	s := l.b.short
	s.mu.Lock()
	p, views := s.at(l.program).patching, s.at(l.program).views
	s.mu.Unlock()
	if why := cmp.Or(p.off, l.unpatchable(now)); why != "" {
		return nil, why
	}
	if p.base == nil {
		return nil, cmp.Or(p.unready, "the last linked program is not read yet")
	}
	p.base.close.Reset(keepBase)
	moved := views.moved(now)
	if moved == nil {
		return nil, "nobody knows any more which lines have moved"
	}
	changes, why := p.base.fit(now, moved)
	if why != "" {
		return nil, why
	}
	done, err := p.base.write(ctx, changes, out)
	if err != nil {
		_ = os.Remove(out)
		return nil, err.Error()
	}
	made = &patched{id: p.base.idWith(now), relined: done.Relined}
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		if changes[path].Archive != "" {
			made.changed = append(made.changed, path)
		}
	}
	if len(changes) == 0 {
		made.id = p.base.bp.artifact
	}
	return made, ""
}

// exactAfter is when the linked program is made after a patched one: the workers start first. A wrong patch serves
// about as long.
const exactAfter = time.Second

// waiveFor is how long the confirmation of a patched program gives way to everything else on the machine. Without this
// limit, a wrong patch would serve for as long as the machine is busy. Felt right, not measured.
const waiveFor = 20 * time.Second

// renewBase makes the newest linked program the base of patches. A patched program is linked for this, and compared.
// This work has a low priority. If a patched program is not confirmed after waiveFor, the work begins again without.
func (l *learner) renewBase(ctx context.Context) {
	l.b.short.mu.Lock()
	patched := l.b.short.at(l.program).patching.patched != nil
	l.b.short.mu.Unlock()
	if !patched {
		l.gentle().renewBaseNow(ctx)
		return
	}
	if l.b.short.pause(ctx, exactAfter); ctx.Err() != nil {
		return
	}
	waived, cancel := context.WithTimeout(ctx, l.b.short.waive)
	defer cancel()
	l.gentle().renewBaseNow(waived)
	if waived.Err() != nil && ctx.Err() == nil {
		l.renewBaseNow(ctx)
	}
}

// renewBaseNow is renewBase with the learner's priority.
func (l *learner) renewBaseNow(ctx context.Context) {
	s := l.b.short
	s.mu.Lock()
	entry := s.at(l.program)
	bp, p := entry.blueprint, entry.patching
	s.mu.Unlock()
	if bp == nil || p.off != "" || l.unpatchable(bp) != "" {
		return
	}
	if p.patched == nil && p.base != nil && p.base.bp.artifact == bp.artifact {
		return
	}
	work, err := l.b.newWork()
	if err != nil {
		return
	}
	defer os.RemoveAll(work)
	if len(bp.behind()) > 0 {
		if bp = l.catchUp(ctx, bp, work, p.patched); bp == nil {
			return
		}
	}
	program, id := filepath.Join(work, "linked"), bp.artifact
	if p.patched != nil || l.b.linkOf(id, program) != nil {
		r := &remake{t: l.t, bp: bp, work: work, thrift: &l.b.thrift}
		linked, doubt, err := r.linkTo(ctx, program)
		switch {
		case err != nil || ctx.Err() != nil || strings.HasPrefix(doubt, linkerKilled):
			return
		case doubt != "" && p.patched != nil:
			l.b.distrust(ctx, l.program, p.patched, []string{doubt})
			return
		case doubt != "" || p.patched == nil && linked != id:
			return
		}
		id = linked
	}
	fresh, unready := l.openBase(ctx, bp, id, program, p.patched)
	if ctx.Err() != nil {
		fresh.put()
		return
	}
	same := false
	if p.patched != nil {
		wrong, compared := l.compare(ctx, fresh, p.patched, unready)
		if len(wrong) > 0 {
			l.b.distrust(ctx, l.program, p.patched, wrong)
		}
		if ctx.Err() != nil || len(wrong) > 0 {
			fresh.put()
			return
		}
		same = compared
	}
	l.adopt(ctx, bp, fresh, unready, id, p.patched, same).put()
	debug.FreeOSMemory() // reading and comparing need more than what is kept
}

// openBase reads a linked program. p is the patched one that has the same code, or nil. The result is nil if the
// program cannot be read.
func (l *learner) openBase(ctx context.Context, bp *blueprint, id, program string, p *patched) (b *base,
	unready string) {
	dir := filepath.Join(l.b.run.dir, "bases", fmt.Sprint(l.b.serial.Add(1)))
	b = &base{dir: dir, program: filepath.Join(dir, "program")}
	exact := *bp
	exact.artifact = id
	b.bp = &exact
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.Link(program, b.program)
	}
	if err == nil {
		archives := map[string]string{}
		for _, importPath := range bp.link.Imports {
			archives[bp.linkedAs(importPath)] = bp.archiveOf(importPath)
		}
		link := patch.Link{Image: b.program, Archives: archives, Set: setBy(bp.link.Argv),
			GoVersion: bp.graph.settings.GOVERSION}
		if p != nil {
			link.Likely = p.changed
		}
		l.work(func() { b.reader, err = l.b.short.patcher.open(ctx, link) })
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err.Error()
	}
	b.close = time.AfterFunc(keepBase, func() { l.b.putAway(l.program, b) })
	return b, ""
}

// setBy returns the arguments of the flags -X of a link command.
func setBy(argv []string) (set []string) {
	for i, arg := range argv {
		name, value, joined := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		switch {
		case strings.TrimPrefix(name, "-") != "X" || !strings.HasPrefix(arg, "-"):
		case joined:
			set = append(set, value)
		case i+1 < len(argv):
			set = append(set, argv[i+1])
		}
	}
	return set
}

// mostDifferences is how many differences a report lists.
const mostDifferences = 100

// compare returns in what a patched program differs from the linked one. compared is false if the patched one is gone.
func (l *learner) compare(ctx context.Context, fresh *base, p *patched, unready string) (wrong []string,
	compared bool) {
	if _, err := os.Stat(p.path); err != nil {
		return nil, false
	}
	if fresh == nil {
		return []string{"the linked program cannot be read: " + unready}, true
	}
	var differences []patch.Difference
	var err error
	l.work(func() { differences, err = fresh.reader.Compare(ctx, p.path, mostDifferences) })
	if err != nil {
		return []string{err.Error()}, true
	}
	for _, d := range differences {
		wrong = append(wrong, d.String())
	}
	return wrong, true
}

// adopt makes a linked program the base; with fresh nil there is none. If a patched program has the same code, the next
// builds go by the linked one. The result is the base to put away: the old one, or the new one if a build has begun.
func (l *learner) adopt(ctx context.Context, bp *blueprint, fresh *base, unready, id string, p *patched,
	same bool) (old *base) {
	s := l.b.short
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.at(l.program)
	if ctx.Err() != nil || entry.blueprint != bp { // halt needs the same lock: nothing changes during a build
		return fresh
	}
	old = entry.patching.base
	entry.patching.base, entry.patching.unready = fresh, unready
	if p == nil {
		if fresh != nil {
			s.tell(Adopted{ID: id})
		}
		return old
	}
	now := *bp
	now.artifact = id
	entry.blueprint, entry.patching.patched, entry.unsure = &now, nil, id
	if same {
		l.b.confirmed(id, p.id)
	}
	return old
}

// putAway frees the memory of a base that nobody has needed for long.
func (b *Builder) putAway(program string, old *base) {
	b.short.mu.Lock()
	if p := &b.short.at(program).patching; p.base == old {
		p.base, p.unready = nil, "the last linked program was put away"
	}
	b.short.mu.Unlock()
	old.put()
	debug.FreeOSMemory()
}

// confirmed records that a patched program is the linked one with this ID, and tells it.
func (b *Builder) confirmed(exact, id string) {
	b.mu.Lock()
	if b.kept[id] != nil {
		b.same[exact] = id
	}
	b.mu.Unlock()
	b.short.tell(Adopted{ID: id, Confirmed: true})
}

// Adopted is the news that a linked program has been read, so that the next builds can patch. If Confirmed, it is the
// same as the patched artifact with this ID; else it is itself the artifact with this ID.
type Adopted struct {
	ID        string
	Confirmed bool
}

// Adopted yields news for programs with Patch. What nobody receives in time is dropped.
func (b *Builder) Adopted() <-chan Adopted { return b.short.adopted }

// tell sends news. s.mu is held.
func (s *shortcuts) tell(news Adopted) {
	for {
		select {
		case s.adopted <- news:
			return
		default:
		}
		select {
		case <-s.adopted: // the oldest
		default:
		}
	}
}

// distrust switches patching off for this run, because a patched program was wrong, and reports it. The next build is
// go's.
func (b *Builder) distrust(ctx context.Context, program string, p *patched, wrong []string) {
	b.short.mu.Lock()
	if ctx.Err() != nil { // a build has begun, and makes another program
		b.short.mu.Unlock()
		return
	}
	s := b.short.at(program)
	old, bp := s.patching.base, s.blueprint
	s.patching = patching{off: "a patch was wrong"}
	s.blueprint, s.stale, s.unsure = nil, true, ""
	b.short.mu.Unlock()
	old.put()
	hint := "this is a fault of hotreload; please report it, with go env and what was edited. --build=link avoids it"
	if path, err := b.report(bp, p, wrong); err == nil {
		hint = "this is a fault of hotreload; please report it, with " + path + ". --build=link avoids it"
	}
	select {
	case b.short.doubts <- &Error{Problem: Doubtful, Text: "the linker does not confirm a patched program (" + wrong[0] +
		"): go build builds it again, and from now on hotreload links", Hint: hint}:
	default: // one report is enough
	}
}

// report writes what is known of a wrong patch to a file that outlives this run.
func (b *Builder) report(bp *blueprint, p *patched, wrong []string) (path string, err error) {
	file, err := os.Create(filepath.Join(b.Root(), "patch-"+time.Now().Format("20060102-150405")+".txt"))
	if err != nil {
		return "", err
	}
	version := ""
	if bp != nil {
		version = fmt.Sprintf("%s %s/%s", bp.graph.settings.GOVERSION, bp.graph.settings.GOOS, bp.graph.settings.GOARCH)
	}
	_, err = io.WriteString(file, fmt.Sprintf("hotreload has made a program by a patch (as --build=auto does), and it "+
		"is not the one of the linker.\n\n%s\npatched packages: %s\ndifferences (at most %d):\n%s\n", version,
		strings.Join(p.changed, " "), mostDifferences, strings.Join(wrong, "\n")))
	return file.Name(), errors.Join(err, file.Close())
}
