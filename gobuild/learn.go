package gobuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild/plan"
)

// learner makes and proves the blueprints of a program.
type learner struct {
	b       *Builder
	t       *toolchain
	p       Program
	flags   []flag
	program string
	with    []string // flags of go build, without the output
	what    []string // and its arguments
	g       *Graph   // the runner's
	agent   *Agent   // the linked agent; nil if there is none
}

// exported is what `go list -export` reports in addition to listed.
type exported struct {
	listed
	Export  string
	Imports []string
}

// draw makes the blueprint of the binary just built by go. If there can be no blueprint, why tells the reason, in a
// clause. After an error, another attempt may succeed.
//
// Everything must come from one and the same tree, the binary's. So nothing may change from before the first look at a
// file until the end, and no file may be younger than that look; files younger than granularity are not trusted. And
// finally, the linker must write go's binary from the found archives.
func (l *learner) draw(ctx context.Context, artifact string) (bp *blueprint, why string, err error) {
	asked := time.Now().Add(-granularity)
	before := l.g.lookAt()
	if why := unfit(l.flags, l.g.settings.GOFLAGS); why != "" {
		return nil, why, nil
	}
	env, err := l.goEnv(ctx)
	if err != nil {
		return nil, "", err
	}
	graph, packages, err := l.list(ctx)
	if err != nil {
		return nil, "", err
	}
	got, err := l.t.run(ctx, nil,
		slices.Concat([]string{"build", "-n", "-a", "-o", filepath.Join(l.b.run.dir, "never")}, l.with, l.what)...)
	if err != nil {
		return nil, "", err
	}
	if !got.exit.Success() {
		return nil, "", errMoved
	}
	script, err := plan.Parse(got.text, l.p.Dir, graph.edited)
	if err != nil {
		return nil, err.Error(), nil
	}
	bp, err = l.assemble(script, graph, packages, env)
	if err != nil {
		return nil, "", err
	}
	if l.g.moved(before) || bp.youngest().After(asked) {
		return nil, "", errMoved
	}
	bp.artifact = artifact
	if same, _ := l.b.short.isProved(l.program, bp.proof); !same {
		same, err := l.proveLink(ctx, bp)
		if err != nil {
			return nil, "", err
		}
		if !same {
			return nil, "linking again does not make the same binary", nil
		}
	}
	if _, dirty, doubt := bp.look(); len(dirty) > 0 || doubt != "" || l.g.moved(before) {
		return nil, "", errMoved
	}
	return bp, "", nil
}

// edited reports whether people edit files in this place. Vendored files do not count: such files belong to other
// modules, and there are many.
func (g *Graph) edited(file string) bool {
	if g.Foreign(file) || strings.HasPrefix(file, plan.Work) {
		return false
	}
	pkg := g.packageAt(filepath.Dir(file))
	return pkg < 0 || !g.Local[pkg].Vendored
}

// granularity is how much a time stamp may be too old: the kernel's tick.
const granularity = 50 * time.Millisecond

// unfit returns why a build with these flags is left to go: go does more than its script shows, or something else.
func unfit(flags []flag, goflags string) string {
	for _, f := range slices.Concat(fromGOFLAGS(goflags), flags) {
		switch on := !f.joined || f.value != "false"; {
		case f.name == "toolexec", f.name == "compiler" && f.value != "gc", f.name == "pkgdir",
			f.name == "buildvcs" && f.value != "false" && f.value != "auto",
			on && slices.Contains([]string{"a", "v", "x", "work", "cover", "linkshared"}, f.name):
			return "go build is given " + f.String()
		}
	}
	return ""
}

// goEnv returns the answer of `go env`.
func (l *learner) goEnv(ctx context.Context) (map[string]string, error) {
	got, err := l.t.run(ctx, nil, "env", "-json")
	if err != nil {
		return nil, err
	}
	var all map[string]string
	if err := json.Unmarshal(got.out, &all); err != nil {
		return nil, fmt.Errorf("read the answer of go env: %w", err)
	}
	return all, nil
}

// toolEnv are the variables by which go instructs its tools. go sets variables known to go alone (its defaults, go env
// -w).
var toolEnv = []string{"GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GOFIPS140", "CGO_ENABLED", "CC", "CXX", "AR",
	"GODEBUG",
	"GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM"}

// list asks go for the paths of the archives. go has just built most of them, and builds the others.
func (l *learner) list(ctx context.Context) (*Graph, []exported, error) {
	got, err := l.t.run(ctx, nil,
		slices.Concat([]string{"list", "-e", "-deps", "-export", listFields + ",Export,Imports"}, l.with, l.what)...)
	if err != nil {
		return nil, nil, err
	}
	if !got.exit.Success() {
		return nil, nil, errMoved
	}
	packages, err := decode[exported](got.out)
	if err != nil {
		return nil, nil, err
	}
	var bare []listed
	for i := range packages {
		if packages[i].Error != nil {
			return nil, nil, errMoved
		}
		bare = append(bare, packages[i].listed)
	}
	return assemble(l.p, l.flags, l.g.settings, bare), packages, nil
}

// assemble puts the blueprint together and looks at every file in it.
func (l *learner) assemble(script *plan.Script, graph *Graph, packages []exported,
	env map[string]string) (*blueprint, error) {
	bp := &blueprint{args: slices.Concat(l.with, l.what), outer: l.t.env, graph: graph, link: script.Link,
		units: map[string]*unit{}, archives: map[string]string{},
		packages: knownPackages(packages)}
	for _, name := range toolEnv {
		if env[name] != "" && getenv(l.t.env, name) != env[name] {
			bp.env = append(bp.env, name+"="+env[name])
		}
	}
	context := fmt.Sprintf("%q %q", graph.settings.GOVERSION, bp.env)
	bp.proof = context + script.Link.Key()
	dirs := map[string]string{}
	for _, p := range packages {
		bp.archives[p.ImportPath] = p.Export
		dirs[p.ImportPath] = p.Dir
	}
	ours := map[string]bool{}
	for _, c := range script.Compiles {
		u := &unit{Compile: c, path: bp.archives[c.ImportPath], dir: dirs[c.ImportPath],
			sources: map[string]source{}, proof: context + c.Key()}
		files, err := embedded(c)
		if err != nil {
			return nil, err
		}
		for i, path := range slices.Concat(files, c.Files) { // a compiled and embedded file is code
			if strings.HasPrefix(path, plan.Work) {
				continue // the unit is odd
			}
			if u.sources[path], err = readSource(path, i >= len(files)); err != nil {
				return nil, err
			}
			ours[path] = true
		}
		if u.Archive, err = plan.ReadArchive(u.path); err != nil {
			return nil, err
		}
		u.seen = u.Export
		delete(bp.archives, c.ImportPath)
		bp.units[c.ImportPath] = u
	}
	connect(bp.units)
	bp.others = graph.lookAt()
	for path := range ours {
		delete(bp.others.files, path)
	}
	for path, e := range graph.files {
		if e.kind == Excluded && !ours[path] {
			bp.others.files[path] = statOrNil(path)
		}
	}
	tools := []string{l.t.path, env["GOENV"], filepath.Join(env["GOROOT"], "go.env"),
		filepath.Join(env["GOROOT"], "VERSION"), script.Link.Argv[0]}
	for _, u := range bp.units {
		tools = append(tools, u.Argv[0])
	}
	for _, path := range tools {
		bp.others.files[path] = statOrNil(path)
	}
	return bp, nil
}

// youngest returns when a file of the blueprint was written last.
func (bp *blueprint) youngest() time.Time {
	var last time.Time
	take := func(info os.FileInfo) {
		if info != nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	for _, info := range bp.others.files {
		take(info)
	}
	for _, u := range bp.units {
		for _, s := range u.sources {
			take(s.info)
		}
	}
	return last
}

// proveLink runs the blueprint's link command and compares the result with go's binary.
func (l *learner) proveLink(ctx context.Context, bp *blueprint) (bool, error) {
	work, err := l.b.newWork()
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	r := &remake{t: l.t, bp: bp, work: work, thrift: &l.b.thrift}
	id, doubt, err := r.linkTo(ctx, filepath.Join(work, "again"))
	if err != nil {
		return false, err
	}
	if strings.HasPrefix(doubt, linkerKilled) { // not because of the command
		return false, errors.New(doubt)
	}
	same := doubt == "" && id == bp.artifact
	l.note(bp.proof, same)
	return same, nil
}

// note records whether a command has the same result as go's.
func (l *learner) note(proof string, same bool) {
	l.b.short.mu.Lock()
	defer l.b.short.mu.Unlock()
	l.b.short.at(l.program).proved[proof] = same
}

// proveSome compiles unproved units, the most recently edited first, and compares the archives with go's. A negative
// limit means all units.
func (l *learner) proveSome(ctx context.Context, limit int) {
	bp := l.blueprint()
	if bp == nil {
		return
	}
	for _, u := range bp.byAge() {
		if _, known := l.b.short.isProved(l.program, u.proof); known || u.Odd != "" {
			continue
		}
		if limit == 0 || ctx.Err() != nil || !l.prove(ctx, bp, u) {
			return
		}
		limit--
	}
}

// byAge lists the units, the most recently written first.
func (bp *blueprint) byAge() []*unit {
	age := map[*unit]time.Time{}
	for _, u := range bp.units {
		for _, s := range u.sources {
			if t := s.info.ModTime(); t.After(age[u]) {
				age[u] = t
			}
		}
	}
	return slices.SortedFunc(maps.Values(bp.units), func(a, b *unit) int {
		if c := age[b].Compare(age[a]); c != 0 {
			return c
		}
		return strings.Compare(a.ImportPath, b.ImportPath)
	})
}

// prove compiles one unit again, from the sources of its archive. prove returns whether to go on.
func (l *learner) prove(ctx context.Context, bp *blueprint, u *unit) bool {
	if u.moved() {
		return false // a build is about to begin
	}
	work, err := l.b.newWork()
	if err != nil {
		return false
	}
	defer os.RemoveAll(work)
	r := &remake{t: l.t, bp: bp, work: work, thrift: &l.b.thrift}
	result := r.compile(ctx, u, bp.archivesFor(u))
	if result.err != nil || ctx.Err() != nil {
		return false
	}
	if strings.HasPrefix(result.doubt, compilerKilled) || result.unit == nil && u.moved() {
		return false
	}
	l.note(u.proof, result.unit != nil && result.unit.All == u.All)
	return true
}

// moved reports whether a source has changed.
func (u *unit) moved() bool {
	for path, s := range u.sources {
		if _, changed, err := s.again(path); changed || err != nil {
			return true
		}
	}
	return false
}
