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
	"strconv"
	"strings"

	"hotreload/gobuild/plan"
)

// remake is one build by a blueprint: the compiler for what has changed, the linker, and nothing else.
type remake struct {
	t      *toolchain
	bp     *blueprint // becomes true of the tree as we go along
	work   string
	proved func(proof string) (same, known bool) // see shortcut.proved
}

// remade is what came of it.
type remade struct {
	next *blueprint
	out  string // the binary; "" if it is the one that the blueprint was made with
	id   string
	way  string // what was done: a clause
	text string // what go build would say; the build has failed
}

// run builds. A doubt says why go has to build instead; then nothing has been changed. The error is ctx's, or one of the
// system that go is likely to meet too.
func (r *remake) run(ctx context.Context, out string) (made *remade, doubt string, err error) {
	next, dirty, doubt := r.bp.look()
	if doubt != "" {
		return nil, doubt, nil
	}
	before := r.bp
	r.bp = next
	if len(dirty) == 0 {
		return &remade{next: next, id: next.artifact, way: "nothing that is compiled has changed"}, "", nil
	}
	if same, _ := r.proved(next.proof); !same {
		return nil, "the link is not proved yet", nil
	}
	compiled, failed, doubt, err := r.compileAll(ctx, dirty)
	if doubt != "" || err != nil {
		return nil, doubt, err
	}
	if failed != nil {
		return &remade{text: failed.goText(r.t.dir), way: failed.unit.ImportPath + " does not compile"}, "", nil
	}
	way := fmt.Sprintf("compiled %d of %d packages", len(compiled), len(next.units))
	if !slices.ContainsFunc(compiled, func(name string) bool { return next.units[name].All != before.units[name].All }) {
		return &remade{next: next, id: next.artifact, way: way + ", which changed nothing"}, "", nil
	}
	id, doubt, err := r.linkTo(ctx, out)
	if doubt != "" || err != nil {
		return nil, doubt, err
	}
	next.artifact = id
	return &remade{next: next, out: out, id: id, way: way + " and linked"}, "", nil
}

// compileAll compiles the changed units, then whoever imports one whose export data have changed, and so on. A unit's turn
// comes when it is known of all that it imports whether it is compiled, and to what; as many are compiled at once as there
// are processors.
//
// A doubt comes as early as it can, for go then does everything again: when export data are found to be different, whoever
// is compiled next, and perhaps everybody above.
//
// One package that does not compile is told of, for go would say no more: nothing that imports it is compiled. Of several
// go tells, in an order of its own.
func (r *remake) compileAll(ctx context.Context, changed []string) (compiled []string, failed *failure, doubt string, err error) {
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
				go func() { results <- r.compile(ctx, u, archives) }() // ends with the compiler; received below
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
		case doubt != "" || err != nil: // and this one was killed, or might as well have been
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
			grown := got.unit.Export != r.bp.units[name].Export
			r.bp.units[name] = got.unit
			compiled = append(compiled, name)
			settle(name, grown)
		}
	}
}

// unfit says why a unit cannot be compiled here: a clause, "" if it can.
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

// unfitAbove says why a unit's importers cannot be compiled, or might not be: all above have to be known to be fit, for
// one that is reached after minutes may have been worth none of them. What is known not to be is not reached as a rule.
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

// result is what came of one run of the compiler.
type result struct {
	unit    *unit
	failure *failure
	doubt   string
	err     error
}

// compile makes a unit's archive anew, of its sources and those archives. It has the build ID of the one before, so that
// the same content is the same file.
func (r *remake) compile(ctx context.Context, u *unit, archives map[string]string) result {
	dir := filepath.Join(r.work, filepath.Base(u.Folder))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return result{err: err}
	}
	config := plan.Fill(u.Config, func(importPath string) string { return archives[importPath] })
	if err := os.WriteFile(filepath.Join(dir, "importcfg"), []byte(config), 0o600); err != nil {
		return result{err: err}
	}
	if u.Embed != "" {
		if err := os.WriteFile(filepath.Join(dir, "embedcfg"), []byte(u.Embed), 0o600); err != nil {
			return result{err: err}
		}
	}
	command := u.In(u.Folder, dir, u.ID)
	if u.codeSize() <= lazyCode {
		command.Env = append(slices.Clip(command.Env), lazyGC(r.t.env, compilerMemory)...)
	}
	got, err := r.tool(ctx, command)
	if err != nil {
		return result{err: err}
	}
	text := string(got.out) + got.text
	for path, source := range u.sources {
		if _, changed, err := source.again(path); changed || err != nil {
			return result{doubt: filepath.Base(path) + " " + errRestless.Error()}
		}
	}
	switch {
	case !got.exit.Success() && (got.exit.Code != 2 || text == "" || strings.Contains(text, "internal compiler error")):
		return result{doubt: u.ImportPath + ": the compiler ended with " + got.exit.String()} // killed, or a bug of its own
	case !got.exit.Success() && slices.ContainsFunc(u.Imports, func(path string) bool { return statOrNil(archives[path]) == nil }):
		return result{doubt: "an archive is gone"} // somebody has emptied a cache
	case !got.exit.Success() && strings.Contains(text, "could not import"):
		return result{doubt: u.ImportPath + ": the compiler does not find what it imports"} // go knows better
	case !got.exit.Success():
		return result{failure: &failure{unit: u, text: text}}
	case text != "":
		return result{doubt: u.ImportPath + ": the compiler has something to say"} // go says it now and at each later build
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
	command.Env = append(slices.Clip(command.Env), lazyGC(r.t.env, linkerMemory)...)
	got, err := r.tool(ctx, command)
	if err != nil {
		return "", "", err
	}
	if !got.exit.Success() {
		return "", "the linker fails", nil // an archive is gone, say, or main is: go tells
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

// idOf is the artifact ID of a binary that was linked with the build ID stamp: the one that go would have made.
func idOf(path, stamp string) (string, error) {
	hash, found, err := plan.ContentHash(path, stamp)
	if err != nil {
		return "", err
	}
	if found == 0 { // the user's linker flags name another ID, or none
		return contentID(path)
	}
	return hex.EncodeToString(hash[:idBytes]), nil
}

// idBytes is how much of a hash go puts into a build ID: 20 letters of base64.
const idBytes = 15

// tool runs a command of a blueprint.
func (r *remake) tool(ctx context.Context, c plan.Command) (said, error) {
	env := slices.Concat(r.bp.env, c.Env, []string{"PWD=" + c.Dir, "TMPDIR=" + r.work})
	return r.t.runTool(ctx, c.Dir, env, c.Argv[0], c.Argv[1:]...)
}

// lazyGC lets a tool, which lives for a moment and keeps nearly all that it allocates, collect no garbage while it has
// little of it, unless the user has a word to say.
func lazyGC(env []string, limit int) []string {
	if getenv(env, "GOGC")+getenv(env, "GOMEMLIMIT") != "" {
		return nil
	}
	return []string{"GOGC=off", "GOMEMLIMIT=" + strconv.Itoa(limit)}
}

// From here on tools collect garbage all the same. A limit below what a tool really needs makes it do little else (7.2 s
// instead of 4.2 s for 630 KB of code and 256 MB), so a compiler for very much code is left as it is.
const (
	linkerMemory   = 2 << 30   // four times what it takes for a binary of 60 MB
	compilerMemory = 1 << 30   // 630 KB of code take 690 MB, and 330 MB if garbage is collected
	lazyCode       = 768 << 10 // bytes
)

// failure is a package that does not compile.
type failure struct {
	unit *unit
	text string
}

// goText is what go build, run in cwd, prints: the package, and what the compiler says with paths that are relative to
// cwd where that is shorter.
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

// shorten replaces dir where a path can begin: at the start of a line, after a space, and after a tab that starts one.
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
		starts := head == "" && b.Len() == 0 || strings.HasSuffix(head, " ") || strings.HasSuffix(head, "\n") || strings.HasSuffix(head, "\n\t")
		if !starts {
			i = at + len(dir)
			continue
		}
		b.WriteString(head)
		b.WriteString(rel)
		rest, i = rest[at+len(dir):], 0
	}
}
