package gobuild

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild/plan"
)

// learner makes blueprints of a program, and proves them.
type learner struct {
	b       *Builder
	t       *toolchain
	p       Program
	flags   []flag
	program string
	with    []string // flags of go build, output aside
	what    []string // and its arguments
	g       *Graph   // the runner's
}

// exported is what `go list -export` says beside listed.
type exported struct {
	listed
	Export  string
	Imports []string
}

// draw makes the blueprint of the binary that go has just built. If there can be none, why says so, a clause; an error
// means that it may work another time.
//
// What is learned must be of one and the same tree, that of the binary. So nothing may move from before the first look
// at a file until the end, and no file may be younger than that; files are not trusted within granularity of a time
// stamp. And in the end the linker, run over the archives found, must write the binary that go has written.
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
	got, err := l.t.run(ctx, nil, slices.Concat([]string{"build", "-n", "-a", "-o", filepath.Join(l.b.run.dir, "never")}, l.with, l.what)...)
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

// edited reports whether people edit files where this one is: what is vendored belongs to others and is many.
func (g *Graph) edited(file string) bool {
	if g.Foreign(file) || strings.HasPrefix(file, plan.Work) {
		return false
	}
	pkg := g.packageAt(filepath.Dir(file))
	return pkg < 0 || !g.Local[pkg].Vendored
}

// granularity is how much older than the truth a time stamp may be: the kernel's tick.
const granularity = 50 * time.Millisecond

// unfit says why a build with these flags is left to go: it does more, or other things, than its script tells.
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

// goEnv is what `go env` says.
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

// toolEnv are the variables by which go tells its tools what they are to do; those of them that only go knows (its
// defaults, go env -w) it sets.
var toolEnv = []string{"GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GOFIPS140", "CGO_ENABLED", "CC", "CXX", "AR", "GODEBUG",
	"GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM"}

// list asks go where the archives are. It has just built them; what it has not it builds.
func (l *learner) list(ctx context.Context) (*Graph, []exported, error) {
	got, err := l.t.run(ctx, nil, slices.Concat([]string{"list", "-e", "-deps", "-export", listFields + ",Export,Imports"}, l.with, l.what)...)
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

// assemble puts the blueprint together and looks at every file that it names.
func (l *learner) assemble(script *plan.Script, graph *Graph, packages []exported, env map[string]string) (*blueprint, error) {
	bp := &blueprint{args: slices.Concat(l.with, l.what), outer: l.t.env, graph: graph, link: script.Link, units: map[string]*unit{}, archives: map[string]string{},
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
		u := &unit{Compile: c, path: bp.archives[c.ImportPath], dir: dirs[c.ImportPath], sources: map[string]source{}, proof: context + c.Key()}
		files, err := embedded(c)
		if err != nil {
			return nil, err
		}
		for i, path := range slices.Concat(files, c.Files) { // what is both compiled and embedded is code
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
	tools := []string{l.t.path, env["GOENV"], filepath.Join(env["GOROOT"], "go.env"), filepath.Join(env["GOROOT"], "VERSION"), script.Link.Argv[0]}
	for _, u := range bp.units {
		tools = append(tools, u.Argv[0])
	}
	for _, path := range tools {
		bp.others.files[path] = statOrNil(path)
	}
	return bp, nil
}

// youngest is when a file of the blueprint was written last.
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

// proveLink links as the blueprint says and compares with what go has linked.
func (l *learner) proveLink(ctx context.Context, bp *blueprint) (bool, error) {
	work, err := l.b.newWork()
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	r := &remake{t: l.t, bp: bp, work: work}
	id, doubt, err := r.linkTo(ctx, filepath.Join(work, "again"))
	if err != nil {
		return false, err
	}
	same := doubt == "" && id == bp.artifact
	l.note(bp.proof, same)
	return same, nil
}

// note remembers whether a command does what go's does.
func (l *learner) note(proof string, same bool) {
	l.b.short.mu.Lock()
	defer l.b.short.mu.Unlock()
	l.b.short.at(l.program).proved[proof] = same
}

// proveSome compiles units of which that is not known yet, those edited last first, and compares the archives with
// those of go. A negative limit is none.
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

// byAge lists the units, those whose files were written last first.
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

// prove compiles one unit again, from the sources that its archive was made of. It reports whether to go on.
func (l *learner) prove(ctx context.Context, bp *blueprint, u *unit) bool {
	if u.moved() {
		return false // a build is about to begin
	}
	work, err := l.b.newWork()
	if err != nil {
		return false
	}
	defer os.RemoveAll(work)
	r := &remake{t: l.t, bp: bp, work: work}
	result := r.compile(ctx, u, bp.archivesFor(u))
	if result.err != nil || ctx.Err() != nil {
		return false
	}
	if result.unit == nil && u.moved() {
		return false
	}
	l.note(u.proof, result.unit != nil && result.unit.All == u.All)
	return true
}

// moved reports whether a source is not what it was.
func (u *unit) moved() bool {
	for path, s := range u.sources {
		if _, changed, err := s.again(path); changed || err != nil {
			return true
		}
	}
	return false
}
