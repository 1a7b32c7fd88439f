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
	"sync"

	"hotreload/gobuild/plan"
)

// remake is one build by a blueprint: the compiler for what has changed, the linker, and nothing else.
type remake struct {
	t      *toolchain
	bp     *blueprint // becomes true of the tree as we go along
	work   string
	proved func(proof string) bool
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
	if !r.proved(next.proof) {
		return nil, "the link is not proved yet", nil
	}
	compiled, failure, doubt, err := r.compileAll(ctx, dirty)
	if doubt != "" || err != nil {
		return nil, doubt, err
	}
	if failure != nil {
		return &remade{text: failure.goText(r.t.dir)}, "", nil
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

// compileAll compiles the dirty units, then whoever imports one whose export data have changed, and so on. Units on one
// level do not import each other and are compiled together.
func (r *remake) compileAll(ctx context.Context, changed []string) (compiled []string, failure *failure, doubt string, err error) {
	dirty := map[string]bool{}
	for _, name := range changed {
		dirty[name] = true
	}
	for len(dirty) > 0 {
		var now []string
		level := r.bp.units[slices.MinFunc(slices.Collect(maps.Keys(dirty)), func(a, b string) int {
			return r.bp.units[a].level - r.bp.units[b].level
		})].level
		for name := range dirty {
			u := r.bp.units[name]
			switch {
			case u.Odd != "":
				return nil, nil, u.ImportPath + ": " + u.Odd, nil
			case !r.proved(u.proof):
				return nil, nil, u.ImportPath + " is not proved yet", nil
			case u.level == level:
				now = append(now, name)
			}
		}
		results := r.compileEach(ctx, now)
		var grown []string
		for i, result := range results {
			switch {
			case result.err != nil:
				return nil, nil, "", result.err
			case result.failure != nil && len(changed) > 1: // go may have to say more, in an order of its own
				return nil, nil, now[i] + " does not compile", nil
			case result.failure != nil:
				return nil, result.failure, "", nil
			case result.doubt != "":
				return nil, nil, result.doubt, nil
			}
			if result.unit.Export != r.bp.units[now[i]].Export {
				grown = append(grown, now[i])
			}
			r.bp.units[now[i]] = result.unit
			delete(dirty, now[i])
		}
		compiled = append(compiled, now...)
		r.bp.importersOf(grown, dirty)
	}
	return compiled, nil, "", nil
}

// result is what came of one run of the compiler.
type result struct {
	unit    *unit
	failure *failure
	doubt   string
	err     error
}

// compileEach compiles units, as many at once as there are processors, and waits for them all.
func (r *remake) compileEach(ctx context.Context, names []string) []result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]result, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { // ends with the compiler; waited for below
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] = r.compile(ctx, r.bp.units[name])
		})
	}
	group.Wait()
	return results
}

// compile makes a unit's archive anew. It has the build ID of the one before, so that the same content is the same file.
func (r *remake) compile(ctx context.Context, u *unit) result {
	dir := filepath.Join(r.work, filepath.Base(u.Folder))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return result{err: err}
	}
	config := plan.Fill(u.Config, r.bp.archiveOf)
	if err := os.WriteFile(filepath.Join(dir, "importcfg"), []byte(config), 0o600); err != nil {
		return result{err: err}
	}
	if u.Embed != "" {
		if err := os.WriteFile(filepath.Join(dir, "embedcfg"), []byte(u.Embed), 0o600); err != nil {
			return result{err: err}
		}
	}
	got, err := r.tool(ctx, u.In(u.Folder, dir, u.ID))
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
	case !got.exit.Success() && slices.ContainsFunc(u.Imports, func(path string) bool { return statOrNil(r.bp.archiveOf(path)) == nil }):
		return result{doubt: "an archive is gone"} // somebody has emptied a cache
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
	command.Env = append(slices.Clip(command.Env), linkerGC(r.t.env)...)
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

// linkerGC lets the linker, which lives for a moment and keeps nearly all that it allocates, collect no garbage while it
// has little of it, unless the user has a word to say.
func linkerGC(env []string) []string {
	if getenv(env, "GOGC")+getenv(env, "GOMEMLIMIT") != "" {
		return nil
	}
	return []string{"GOGC=off", "GOMEMLIMIT=" + strconv.Itoa(linkerMemory)}
}

// linkerMemory is from where on the linker collects garbage all the same: twice what it takes for 60 MB.
const linkerMemory = 1 << 30

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
