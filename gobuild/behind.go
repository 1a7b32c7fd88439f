package gobuild

import (
	"context"
	"crypto/sha256"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hotreload/gobuild/lines"
	"hotreload/gobuild/patch"
	"hotreload/gobuild/plan"
)

// This file spares importers the compiler, if an edit changes nothing for them except lines. They fall behind: their
// archives have former lines of one package, and patches correct these. The importers catch up on the idle machine,
// before the linker confirms the patch; or in the next build, if that is about anything else.

// view is what the importers of a package see of it, apart from the lines.
type view struct {
	layouts map[string]*lines.Layout // of its Go files, by path; none: the package cannot be spread
	spread  plan.Sum                 // of the export data of the spread files
}

// views has what importers see of packages, by the packages' export data.
type views struct {
	mu sync.Mutex // guards of
	of map[plan.Sum]*view
}

func newViews() *views { return &views{of: map[plan.Sum]*view{}} }

func (t *views) get(export plan.Sum) *view {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of[export]
}

func (t *views) put(export plan.Sum, now *view) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of[export] = now
}

// prune forgets what no blueprint needs any more.
func (t *views) prune(bp *blueprint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	needed := map[plan.Sum]bool{}
	for _, u := range bp.units {
		needed[u.seen], needed[u.Export] = true, true
	}
	maps.DeleteFunc(t.of, func(export plan.Sum, _ *view) bool { return !needed[export] })
}

// behind lists the units whose importers have seen former lines: one at most.
func (bp *blueprint) behind() (names []string) {
	for name, u := range bp.units {
		if u.seen != u.Export {
			names = append(names, name)
		}
	}
	return names
}

// mayStayBehind reports whether importers that are behind can stay so when the dirty units are compiled: if the next
// change is one of the same package.
func (bp *blueprint) mayStayBehind(dirty []string) bool {
	behind := bp.behind()
	return len(behind) == 0 || len(dirty) == 0 || slices.Equal(behind, dirty)
}

// catchUp adds to the dirty units those that have to be compiled because they are behind. The blueprint is changed: it
// must be new.
func (bp *blueprint) catchUp(dirty []string) []string {
	for _, name := range bp.behind() {
		if slices.Contains(dirty, name) {
			continue // its own compilation will tell
		}
		u := *bp.units[name]
		u.seen = u.Export
		bp.units[name] = &u
		for _, importer := range u.importers {
			if !slices.Contains(dirty, importer) {
				dirty = append(dirty, importer)
			}
		}
	}
	return dirty
}

// compileSparing compiles a unit, and finds out whether nothing but lines has changed for its importers. It runs the
// compiler twice, at the same time, if declarations have moved.
func (r *remake) compileSparing(ctx context.Context, u *unit, archives map[string]string) (got result) {
	before := r.views.get(u.seen)
	now, texts := u.nextView(before)
	if now == nil {
		return r.compile(ctx, u, archives)
	}
	needed, cancel := context.WithCancel(ctx)
	defer cancel()
	same, ended := false, make(chan struct{})
	go func() { // ends with the compiler; received below
		defer close(ended)
		var ok bool
		now.spread, ok = r.compileSpread(needed, u, archives, texts)
		same = ok && now.spread == before.spread
	}()
	got = r.compile(ctx, u, archives)
	changed := got.unit != nil && got.unit.Export != u.seen
	if !changed {
		cancel()
	}
	<-ended
	if changed && same {
		got.onlyMoved = true
		r.views.put(got.unit.Export, now)
	}
	return got
}

// nextView returns the view of a unit's present files, except the sum, and the spread files. It is nil if nothing has
// moved, or if more than that is sure to have changed since before.
func (u *unit) nextView(before *view) (now *view, texts map[string][]byte) {
	if before == nil {
		return nil, nil
	}
	now, texts = u.spreadBy(func(path string, file []byte) (*lines.Layout, []byte, bool) {
		if l := before.layouts[path]; l != nil {
			return l.Next(file)
		}
		return nil, nil, false
	})
	if now == nil || len(now.layouts) != len(before.layouts) {
		return nil, nil
	}
	for path, layout := range now.layouts {
		if slices.ContainsFunc(before.layouts[path].Moves(layout), func(m lines.Move) bool { return m.Down != 0 }) {
			return now, texts
		}
	}
	return nil, nil
}

// worthSparing reports whether the direct importers of a unit need more time than another run of the compiler for it.
func (bp *blueprint) worthSparing(u *unit) bool {
	importers := int64(0)
	for _, name := range u.importers {
		importers += compilerStart + bp.units[name].codeSize()
	}
	return importers >= compilerStart+u.codeSize()
}

// compilerStart is how much code is compiled in the time in which a compiler starts and reads imports: 12 to 50 ms.
const compilerStart = 4 << 10

// spreadBy spreads the Go files of a unit. The result is nil if a file has no layout, or another text than the compiler
// has seen.
func (u *unit) spreadBy(spread func(path string, file []byte) (*lines.Layout, []byte, bool)) (now *view,
	texts map[string][]byte) {
	now, texts = &view{layouts: map[string]*lines.Layout{}}, map[string][]byte{}
	for _, path := range u.Files {
		file, err := os.ReadFile(path)
		if err != nil || sha256.Sum256(file) != u.sources[path].sum {
			return nil, nil
		}
		layout, text, ok := spread(path, file)
		if !ok {
			return nil, nil
		}
		now.layouts[path], texts[path] = layout, text
	}
	return now, texts
}

// compileSpread compiles a unit from spread files, by path, and returns the sum of the export data.
func (r *remake) compileSpread(ctx context.Context, u *unit, archives map[string]string,
	texts map[string][]byte) (export plan.Sum, ok bool) {
	dir := filepath.Join(r.work, filepath.Base(u.Folder)+"-spread")
	command, err := r.prepare(u, dir, archives)
	if err != nil {
		return export, false
	}
	trimmed := false
	for i, arg := range command.Argv {
		if text, found := texts[arg]; found {
			command.Argv[i] = filepath.Join(dir, filepath.Base(arg))
			if os.WriteFile(command.Argv[i], text, 0o600) != nil {
				return export, false
			}
		}
		if i > 0 && command.Argv[i-1] == "-trimpath" && arg == dir+"=>" {
			command.Argv[i] = dir + "=>" + u.dir // the files keep their names
			trimmed = true
		}
	}
	if !trimmed {
		return export, false // go build -trimpath
	}
	got, err := r.tool(ctx, command)
	if err != nil || !got.exit.Success() || len(got.out)+len(got.text) > 0 {
		return export, false
	}
	archive, err := plan.ReadArchive(filepath.Join(dir, "_pkg_.a"))
	return archive.Export, err == nil
}

// moved returns what has moved for the importers that are behind, by import path; nil if that is not known any more.
func (t *views) moved(bp *blueprint) map[string][]patch.File {
	files := map[string][]patch.File{}
	for _, name := range bp.behind() {
		u := bp.units[name]
		before, now := t.get(u.seen), t.get(u.Export)
		if before == nil || now == nil {
			return nil
		}
		var moved []patch.File
		for _, path := range slices.Sorted(maps.Keys(before.layouts)) {
			f := patch.File{Path: path}
			for _, m := range before.layouts[path].Moves(now.layouts[path]) {
				f.Spans = append(f.Spans, patch.Span(m))
			}
			moved = append(moved, f)
		}
		for importer := range bp.above([]string{name}) {
			if importer != name {
				files[importer] = moved
			}
		}
	}
	return files
}

// learnViews finds out what importers see of packages that are worth it, the most recently edited first. A negative
// limit means all.
func (l *learner) learnViews(ctx context.Context, limit int) {
	bp := l.blueprint()
	if bp == nil || len(bp.behind()) > 0 {
		return
	}
	l.b.short.mu.Lock()
	t := l.b.short.at(l.program).views
	l.b.short.mu.Unlock()
	t.prune(bp)
	for _, u := range bp.byAge() {
		same, _ := l.b.short.isProved(l.program, u.proof)
		if !same || u.Odd != "" || !bp.worthSparing(u) || t.get(u.Export) != nil {
			continue
		}
		if limit == 0 || ctx.Err() != nil {
			return
		}
		now := l.learnView(ctx, bp, u)
		if ctx.Err() != nil || u.moved() {
			return // a build is about to begin
		}
		t.put(u.Export, now)
		limit--
	}
}

// learnView finds out what importers see of one unit.
func (l *learner) learnView(ctx context.Context, bp *blueprint, u *unit) *view {
	now, texts := u.spreadBy(func(_ string, file []byte) (*lines.Layout, []byte, bool) { return lines.New(file) })
	if now == nil {
		return &view{}
	}
	work, err := l.b.newWork()
	if err != nil {
		return &view{}
	}
	defer os.RemoveAll(work)
	r := &remake{t: l.t, bp: bp, work: work, thrift: &l.b.thrift}
	var ok bool
	if now.spread, ok = r.compileSpread(ctx, u, bp.archivesFor(u), texts); !ok {
		return &view{}
	}
	return now
}

// catchUp compiles the importers that are behind, and makes the result the state of the program. It returns nil if a
// build has begun, or if the importers cannot be compiled. p is the patched program, which has their lines corrected.
func (l *learner) catchUp(ctx context.Context, bp *blueprint, work string, p *patched) *blueprint {
	next := *bp
	next.units = maps.Clone(bp.units)
	r := &remake{t: l.t, bp: &next, work: work, thrift: &l.b.thrift,
		proved: func(proof string) (same, known bool) { return l.b.short.isProved(l.program, proof) }}
	_, failed, doubt, err := r.compileAll(ctx, next.catchUp(nil), false)
	if failed != nil {
		doubt = failed.unit.ImportPath + " does not compile"
	}
	if doubt != "" && p != nil && !strings.HasPrefix(doubt, compilerKilled) && bp.unmoved() {
		l.b.distrust(ctx, l.program, p, []string{doubt})
	}
	if doubt != "" || err != nil {
		return nil
	}
	s := l.b.short
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.at(l.program)
	if ctx.Err() != nil || entry.blueprint != bp {
		return nil
	}
	if !l.b.keepArchives(bp, &next) {
		entry.blueprint, entry.stale = nil, true
		return nil
	}
	entry.blueprint = &next
	return &next
}
