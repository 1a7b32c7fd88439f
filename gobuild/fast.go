package gobuild

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hotreload/gobuild/plan"
)

// remake is one build by a blueprint. A remake runs the compiler for changed packages and the linker, and nothing else.
type remake struct {
	t      *toolchain
	bp     *blueprint // updated during the build to describe the new tree
	work   string
	proved func(proof string) (same, known bool)                                             // see shortcut.proved
	kept   func(id string) bool                                                              // see Builder.has
	patch  func(ctx context.Context, now *blueprint, out string) (made *patched, why string) // nil: always link

	views *views // nil: importers never stay behind

	thrift    *thrift
	compiling atomic.Int32 // number of running compilers
}

// remade is the result of a remake.
type remade struct {
	next *blueprint
	out  string // the binary; "" if identical to the blueprint's
	id   string

	patched *patched // nil if the binary is linked
	way     string   // the way of the build: a clause
	text    string   // go build's message; the build has failed

	steps Steps
}

// run builds. A doubt tells why go has to build instead; then nothing was changed. The error is ctx's, or one of the
// system that go is likely to meet, too.
func (r *remake) run(ctx context.Context, out string) (made *remade, doubt string, err error) {
	next, dirty, doubt := r.bp.look()
	if doubt != "" {
		return nil, doubt, nil
	}
	before := r.bp
	r.bp = next
	kept := r.kept(next.artifact) // if not, the same archives make the same program again
	if len(dirty) == 0 && kept {
		return &remade{next: next, id: next.artifact, way: "nothing that is compiled has changed"}, "", nil
	}
	if same, _ := r.proved(next.proof); !same {
		return nil, "the link is not proved yet", nil
	}
	spare := r.views != nil && next.mayStayBehind(dirty)
	if !spare {
		dirty = next.catchUp(dirty)
	}
	began := time.Now()
	compiled, failed, doubt, err := r.compileAll(ctx, dirty, spare)
	if doubt != "" || err != nil {
		return nil, doubt, err
	}
	if failed != nil {
		return &remade{text: failed.goText(r.t.dir), way: failed.unit.ImportPath + " does not compile"}, "", nil
	}
	steps := Steps{Compile: time.Since(began)}
	way := fmt.Sprintf("compiled %d of %d packages", len(compiled), len(next.units))
	if kept && !slices.ContainsFunc(compiled,
		func(name string) bool { return next.units[name].All != before.units[name].All }) {
		return &remade{next: next, id: next.artifact, way: way + ", which changed nothing", steps: steps}, "",
			nil
	}
	began = time.Now()
	made, doubt, err = r.write(ctx, out)
	if doubt != "" || err != nil {
		return nil, doubt, err
	}
	steps.Link = time.Since(began)
	next.artifact, made.next, made.way, made.steps = made.id, next, way+made.way, steps
	return made, "", nil
}

// write writes the program to out: patched if possible, else linked. The way in the result is the end of the clause.
func (r *remake) write(ctx context.Context, out string) (made *remade, doubt string, err error) {
	why := ""
	if r.patch != nil {
		var made *patched
		if made, why = r.patch(ctx, r.bp, out); made == nil && len(r.bp.behind()) > 0 {
			if doubt, err := r.catchUp(ctx); doubt != "" || err != nil {
				return nil, doubt, err
			}
			made, why = r.patch(ctx, r.bp, out)
		}
		if made != nil {
			return &remade{out: out, id: made.id, way: made.way(), patched: made}, "", nil
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
	}
	id, doubt, err := r.linkTo(ctx, out)
	if doubt != "" || err != nil {
		return nil, doubt, err
	}
	way := " and linked"
	if why != "" {
		way += ", not patched: " + why
	}
	return &remade{out: out, id: id, way: way}, "", nil
}

// catchUp compiles the importers that are behind.
func (r *remake) catchUp(ctx context.Context) (doubt string, err error) {
	_, failed, doubt, err := r.compileAll(ctx, r.bp.catchUp(nil), false)
	if failed != nil {
		doubt = failed.unit.ImportPath + " does not compile"
	}
	return doubt, err
}

// compileAll compiles the changed units, then the importers of each unit whose export data have changed, and so on. A
// unit is compiled once the results of all its imports are known, compiled or not. As many compilers run at the same
// time as there are processors.
//
// Doubts are found as early as possible, because go then starts from scratch. When the export data of a unit have
// changed, all importers that may follow are checked.
//
// If one package does not compile, the error of that package is the result: go build would report no more, because no
// importer is compiled. If several packages fail, go build reports them in its own order.
//
// With spare, the importers of a single changed unit stay behind if nothing but lines has changed for them.
func (r *remake) compileAll(ctx context.Context, changed []string, spare bool) (compiled []string, failed *failure,
	doubt string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dirty := map[string]bool{}
	for _, name := range changed {
		if dirty[name] = true; doubt == "" {
			doubt = r.unfit(name)
		}
	}
	waits := r.bp.above(changed)
	var ready []string
	for name, n := range waits {
		if n == 0 {
			ready = append(ready, name)
		}
	}
	slices.Sort(ready)
	settle := func(name string, grown bool) {
		if grown && doubt == "" {
			doubt = r.unfitAbove(name)
		}
		for _, importer := range r.bp.units[name].importers {
			dirty[importer] = dirty[importer] || grown
			if waits[importer]--; waits[importer] == 0 {
				ready = append(ready, importer)
			}
		}
	}
	results := make(chan result)
	running := 0
	for {
		for len(ready) > 0 && running < runtime.GOMAXPROCS(0) && doubt == "" && err == nil {
			u := r.bp.units[ready[0]]
			ready = ready[1:]
			switch {
			case !dirty[u.ImportPath]:
				settle(u.ImportPath, false)
			default:
				archives := r.bp.archivesFor(u)
				running++
				r.compiling.Store(int32(running))
				compile := r.compile
				if spare && slices.Equal(changed, []string{u.ImportPath}) {
					compile = r.compileSparing
				}
				go func() { results <- compile(ctx, u, archives) }() // ends with the compiler; received below
			}
		}
		if doubt != "" || err != nil {
			cancel()
		}
		if running == 0 {
			return compiled, failed, doubt, err
		}
		got := <-results
		running--
		switch {
		case doubt != "" || err != nil: // this compiler was killed, or its result is not needed
		case got.err != nil:
			err = got.err
		case got.doubt != "":
			doubt = got.doubt
		case got.failure != nil && failed != nil:
			doubt = "several packages do not compile"
		case got.failure != nil:
			failed = got.failure
		default:
			name := got.unit.ImportPath
			grown := got.unit.Export != got.unit.seen && !got.onlyMoved
			if grown {
				got.unit.seen = got.unit.Export
			}
			if got.onlyMoved && doubt == "" {
				doubt = r.unfitAbove(name) // the importers catch up later
			}
			r.bp.units[name] = got.unit
			compiled = append(compiled, name)
			settle(name, grown)
		}
	}
}

// unfit returns why a unit cannot be compiled here: a clause, "" if fit.
func (r *remake) unfit(name string) (doubt string) {
	u := r.bp.units[name]
	if u.Odd != "" {
		return u.ImportPath + ": " + u.Odd
	}
	if same, _ := r.proved(u.proof); !same {
		return u.ImportPath + " is not proved yet"
	}
	return ""
}

// unfitAbove returns why a unit's importers cannot be compiled, or might not be. All direct and indirect importers must
// be known to be fit: otherwise minutes of compilation could be wasted on a late doubt.
func (r *remake) unfitAbove(name string) (doubt string) {
	for _, importer := range r.bp.units[name].importers {
		if doubt := r.unfit(importer); doubt != "" {
			return doubt
		}
	}
	for _, above := range slices.Sorted(maps.Keys(r.bp.above([]string{name}))) {
		u := r.bp.units[above]
		if _, known := r.proved(u.proof); !known && u.Odd == "" {
			return u.ImportPath + " is not proved yet"
		}
	}
	return ""
}

// result is the result of one run of the compiler.
type result struct {
	unit    *unit
	failure *failure
	doubt   string
	err     error

	onlyMoved bool // the importers need not be compiled now
}

// compile writes a unit's archive again, from its sources and those archives. The archive keeps its previous build ID,
// so the same content gives the same file.
func (r *remake) compile(ctx context.Context, u *unit, archives map[string]string) result {
	dir := filepath.Join(r.work, filepath.Base(u.Folder))
	command, err := r.prepare(u, dir, archives)
	if err != nil {
		return result{err: err}
	}
	got, err := r.tool(ctx, command)
	if err != nil {
		return result{err: err}
	}
	r.thrift.heed(got.exit)
	text := string(got.out) + got.text
	for path, source := range u.sources {
		if _, changed, err := source.again(path); changed || err != nil {
			return result{doubt: filepath.Base(path) + " " + errRestless.Error()}
		}
	}
	switch {
	case !got.exit.Success() && (got.exit.Code != 2 || text == "" || strings.Contains(text, "internal compiler error")):
		// killed, or a bug in the compiler
		doubt := u.ImportPath + ": the compiler ended with " + got.exit.String()
		if got.exit.Signal != 0 {
			doubt = compilerKilled + got.exit.String()
		}
		return result{doubt: doubt}
	case !got.exit.Success() &&
		slices.ContainsFunc(u.Imports, func(path string) bool { return statOrNil(archives[path]) == nil }):
		return result{doubt: "an archive is gone"} // a cache was emptied
	case !got.exit.Success() && strings.Contains(text, "could not import"):
		return result{doubt: u.ImportPath + ": the compiler does not find what it imports"} // go knows better
	case !got.exit.Success():
		return result{failure: &failure{unit: u, text: text}}
	case text != "":
		// go build prints this output, now and at each later build
		return result{doubt: u.ImportPath + ": the compiler has something to say"}
	}
	path := filepath.Join(dir, "_pkg_.a")
	archive, err := plan.ReadArchive(path)
	if err != nil {
		return result{doubt: err.Error()}
	}
	made := *u
	made.path, made.Archive = path, archive
	return result{unit: &made}
}

// prepare returns the command that compiles a unit in dir, and writes its configuration.
func (r *remake) prepare(u *unit, dir string, archives map[string]string) (command plan.Command, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return command, err
	}
	config := plan.Fill(u.Config, func(importPath string) string { return archives[importPath] })
	if err := os.WriteFile(filepath.Join(dir, "importcfg"), []byte(config), 0o600); err != nil {
		return command, err
	}
	if u.Embed != "" {
		if err := os.WriteFile(filepath.Join(dir, "embedcfg"), []byte(u.Embed), 0o600); err != nil {
			return command, err
		}
	}
	command = u.In(u.Folder, dir, u.ID)
	if u.codeSize() <= lazyCode {
		command.Env = append(slices.Clip(command.Env), r.thrift.lazy(r.t.env, compilerMemory, int(r.compiling.Load()))...)
	}
	return command, nil
}

// linkTo links the program to out and returns the binary's ID.
func (r *remake) linkTo(ctx context.Context, out string) (id, doubt string, err error) {
	l := r.bp.link
	dir := filepath.Join(r.work, "link")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", err
	}
	for _, importPath := range l.Imports {
		if r.bp.archiveOf(importPath) == "" {
			return "", "nobody knows where the archive of " + importPath + " is", nil
		}
	}
	config := filepath.Join(dir, "importcfg.link")
	if err := os.WriteFile(config, []byte(plan.Fill(l.Config, r.bp.archiveOf)), 0o600); err != nil {
		return "", "", err
	}
	stamp := plan.NewID()
	command := l.In(l.Folder, dir, stamp)
	last := len(command.Argv) - 1
	command.Argv[last] = r.bp.archiveOf(l.Main)
	for i, arg := range command.Argv[:last] {
		switch arg {
		case "-o":
			command.Argv[i+1] = out
		case "-importcfg":
			command.Argv[i+1] = config
		}
	}
	command.Env = append(slices.Clip(command.Env), r.thrift.lazy(r.t.env, linkerMemory, 1)...)
	got, err := r.tool(ctx, command)
	if err != nil {
		return "", "", err
	}
	r.thrift.heed(got.exit)
	if got.exit.Signal != 0 {
		return "", linkerKilled + got.exit.String(), nil
	}
	if !got.exit.Success() {
		return "", "the linker fails", nil // an archive may be missing, or main: go build will tell
	}
	if len(got.out)+len(got.text) > 0 {
		return "", "the linker has something to say", nil
	}
	id, err = idOf(out, stamp)
	if err != nil {
		return "", err.Error(), nil
	}
	return id, "", nil
}

// Doubts about a tool that was killed begin with these words.
const (
	linkerKilled   = "the linker was "
	compilerKilled = "the compiler was "
)

// idOf returns the artifact ID of a binary linked with the build ID stamp: the ID that go would have written.
func idOf(path, stamp string) (string, error) {
	hash, found, err := plan.ContentHash(path, stamp)
	if err != nil {
		return "", err
	}
	if found == 0 { // the user's linker flags set another ID, or none
		return contentID(path)
	}
	return hex.EncodeToString(hash[:idBytes]), nil
}

// idBytes is how much of a hash go uses in a build ID: 20 letters of base64.
const idBytes = 15

// tool runs a command of a blueprint.
func (r *remake) tool(ctx context.Context, c plan.Command) (said, error) {
	env := slices.Concat(r.bp.env, c.Env, []string{"PWD=" + c.Dir, "TMPDIR=" + r.work})
	return r.t.runTool(ctx, c.Dir, env, c.Argv[0], c.Argv[1:]...)
}

// Above these limits tools collect garbage all the same. With a limit below the real need, tools would do little else
// (7.2 s instead of 4.2 s for 630 KB of code and 256 MB), so a compiler for very much code is left alone.
const (
	linkerMemory   = 2 << 30   // four times the need for a binary of 60 MB
	compilerMemory = 1 << 30   // 630 KB of code need 690 MB, or 330 MB with garbage collection
	lazyCode       = 768 << 10 // bytes
)

// failure is a package that does not compile.
type failure struct {
	unit *unit
	text string
}

// goText returns what go build in cwd prints: the package, and the compiler's messages with paths relative to cwd where
// shorter.
func (f *failure) goText(cwd string) string {
	text := f.text
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	for dir := f.unit.dir; ; dir = filepath.Dir(dir) {
		if rel, err := filepath.Rel(cwd, dir); err == nil && len(rel) < len(dir) {
			text = shorten(text, dir, rel)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "# " + f.unit.ImportPath + "\n" + text
}

// shorten replaces dir where a path can begin: at the start of a line, after a space, and after a tab at the start of a
// line.
func shorten(text, dir, rel string) string {
	var b bytes.Buffer
	for i, rest := 0, text; ; {
		at := strings.Index(rest[i:], dir)
		if at < 0 {
			b.WriteString(rest)
			return b.String()
		}
		at += i
		head := rest[:at]
		starts := head == "" && b.Len() == 0 || strings.HasSuffix(head, " ") || strings.HasSuffix(head, "\n") ||
			strings.HasSuffix(head, "\n\t")
		if !starts {
			i = at + len(dir)
			continue
		}
		b.WriteString(head)
		b.WriteString(rel)
		rest, i = rest[at+len(dir):], 0
	}
}
