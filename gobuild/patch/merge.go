package patch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// patch is a base with changed packages: the next program. It is a scope. Symbols that base and next program share have
// one id; new ones get ids behind those of the base.
type patch struct {
	b *base
	p *program
	l *layout

	changed map[*object]*object // the base's object -> its successor
	behind  map[*object]bool    // compiled before what they import got other lines: objects of the base, successors
	news    []*object           // successors, in the linker's order
	release []func()

	byName   [2]map[string]id // new ids
	byHash64 map[uint64]id
	byHash   map[[hashSize]byte]id
	now      sparse[def] // definitions in changed packages, by id; nothing: as in the base
	next     id          // the next new id
	fates    sparse[fate]
	fated    []id        // those that do not stay as they are
	iface    map[id]bool // types that flags of the new objects say are converted to interfaces

	reach
	module newModule
	edits  []edit // of the base's part of the file
	report Report
}

// fate tells what becomes of a symbol in the base.
type fate uint8

const (
	stays   fate = iota
	rewrite      // same place, new contents
	moves        // to the new module
	gone         // nothing defines it any more
)

func (x *patch) setFate(n id, f fate) {
	x.fates.set(n, f)
	x.fated = append(x.fated, n)
}

// fate returns what becomes of a symbol of the base.
func (x *patch) fate(n id) fate {
	return x.fates.at(n)
}

// newID returns an id that no symbol has.
func (x *patch) newID() id {
	x.next++
	return x.next - 1
}

func (x *patch) close() {
	for _, release := range x.release {
		release()
	}
}

// def returns the definition of a symbol in the next program.
func (x *patch) def(n id) def {
	if d := x.now.at(n); d.known() || int(n) >= len(x.p.defs) || x.fate(n) == gone {
		return d
	}
	return x.l.def(n)
}

// resolve returns the symbol that a reference means in the next program.
func (x *patch) resolve(o *object, r ref) id {
	switch r.pkg {
	case 0, refSelf, refHashed64, refHashed, refNone, refBuiltin:
		return x.p.resolve(o, r)
	}
	q := o.packages[r.pkg]
	if successor := x.changed[q]; successor != nil {
		if x.behind[o] && (int(r.sym) >= min(q.hashed64, successor.hashed64) || q.ids[r.sym] != successor.ids[r.sym]) {
			refuse("package %s refers to the former numbers of symbols of %s", o.path, q.path)
		}
		q = successor
	}
	if int(r.sym) >= q.hashed64 {
		refuse("package %s refers to a symbol of %s that is not there any more", o.path, q.path)
	}
	return q.ids[r.sym]
}

// merge reads the archives of the changed packages and numbers their symbols.
func (x *patch) merge(changes map[string]Change) error {
	if err := x.readChanges(changes); err != nil {
		return err
	}
	for _, o := range x.p.objects {
		if n := x.changed[o]; n != nil {
			x.news = append(x.news, n)
		}
	}
	if err := x.checkImports(); err != nil {
		return err
	}
	for _, o := range x.p.objects {
		if n := x.changed[o]; n != nil {
			x.number(o, n)
		}
	}
	for _, n := range x.news {
		x.refer(n)
	}
	lost := map[id]bool{}
	for _, o := range x.p.objects {
		if x.changed[o] != nil {
			x.succeed(o, lost)
		}
	}
	if len(lost) > 0 {
		x.p.elsewhere(lost, func(o *object) bool { return x.changed[o] == nil }, func(n id, d def) {
			x.now.set(n, d)
			delete(lost, n)
		})
	}
	for n := range lost {
		x.setFate(n, gone)
	}
	return nil
}

// readChanges finds the successors of the changed objects.
func (x *patch) readChanges(changes map[string]Change) error {
	for importPath, change := range changes {
		o := x.p.byPath[escaped(importPath)]
		if o == nil {
			return &Unfit{Why: "package " + importPath + " is not linked"}
		}
		several := slices.ContainsFunc(x.p.objects, func(q *object) bool { return q != o && q.path == o.path })
		switch {
		case o.standard:
			return &Unfit{Why: o.path + " is a package of the standard library"}
		case several || x.p.foreign[o.path]:
			return &Unfit{Why: "package " + o.path + " has assembly or C"}
		}
		x.behind[o] = len(change.Moved) > 0
		if change.Archive != "" {
			n, err := x.readSuccessor(o, change.Archive)
			if err != nil {
				return err
			}
			x.behind[n] = x.behind[o]
			if n.reline(change.Moved) {
				x.report.Relined++
			}
			x.changed[o] = n
		}
	}
	for _, change := range changes {
		for _, file := range change.Moved {
			if !x.compiledFrom(file.Path) {
				return &Unfit{Why: "nobody knows how the compiler names " + file.Path}
			}
		}
	}
	inlining := map[string]bool{} // packages that have inlined functions of these
	for f, paths := range x.b.inlined {
		if x.changed[x.p.def(f).o] != nil {
			for _, path := range paths {
				inlining[path] = true
			}
		}
	}
	for importPath, change := range changes {
		o := x.p.byPath[escaped(importPath)]
		if change.Archive != "" {
			continue
		}
		n := o.copied()
		x.behind[n] = true
		if n.reline(change.Moved) || inlining[o.path] {
			x.changed[o] = n
			x.report.Relined++
		}
	}
	return nil
}

// compiledFrom tells whether the program has code from a file with this name.
func (x *patch) compiledFrom(path string) bool {
	for _, o := range x.changed {
		if _, found := o.fileNumber(path); found {
			return true
		}
	}
	return slices.ContainsFunc(x.p.objects, func(o *object) bool {
		_, found := o.fileNumber(path)
		return found && !o.standard
	})
}

func (x *patch) readSuccessor(o *object, file string) (*object, error) {
	a, err := readArchive(o.path, file)
	if err != nil {
		return nil, err
	}
	x.release = append(x.release, a.release)
	if a.foreign || len(a.objects) != 1 {
		return nil, &Unfit{Why: "package " + o.path + " has assembly or C now"}
	}
	if a.objects[0].flags != o.flags {
		return nil, &Unfit{Why: "package " + o.path + " was compiled with other flags"}
	}
	if name := newLinkname(o, a.objects[0], x.p.version.linkname); name != "" {
		return nil, &Unfit{Why: "//go:linkname for " + name + " is new"} // the linker allows some, and not others
	}
	return a.objects[0], nil
}

// newLinkname returns a name that only the new object refers to by //go:linkname.
func newLinkname(old, o *object, linkname uint8) string {
	known := map[string]bool{}
	for i := range uint32(old.all) {
		if old.sym(i).flags2()&linkname != 0 {
			known[old.name(i)] = true
		}
	}
	for i := range uint32(o.all) {
		if o.sym(i).flags2()&linkname != 0 && !known[o.name(i)] {
			return strings.Clone(o.name(i))
		}
	}
	return ""
}

// checkImports compares the fingerprints of export data that the importers of changed packages, and these, have seen,
// as the linker does. Importers refer to symbols by numbers that only hold for these export data. Packages that are
// behind have seen others, which differ in lines alone.
func (x *patch) checkImports() error {
	for _, o := range x.p.objects {
		changed := func(q *object) bool { return x.changed[q] != nil }
		if x.changed[o] != nil || x.behind[o] || !slices.ContainsFunc(o.imported, changed) {
			continue
		}
		if _, err := x.p.importsOf(o, x.changed); err != nil {
			return err
		}
	}
	for _, n := range x.news {
		if x.behind[n] {
			continue
		}
		if _, err := x.p.importsOf(n, x.changed); err != nil {
			return err
		}
	}
	return nil
}

// checkImports does the same for the whole program.
func (p *program) checkImports() (err error) {
	for _, o := range p.objects {
		if o.standard || o.assembly() {
			continue
		}
		if o.imported, err = p.importsOf(o, nil); err != nil {
			return err
		}
	}
	return nil
}

// importsOf returns the packages that an object imports, after a look at their fingerprints.
func (p *program) importsOf(o *object, changed map[*object]*object) (list []*object, err error) {
	for _, i := range o.imports() {
		if i.path == "unsafe" {
			continue
		}
		q := p.byPath[escaped(i.path)]
		if q == nil {
			return nil, &Unfit{Why: fmt.Sprintf("package %s imports %s, which is not linked yet", o.path, i.path)}
		}
		list = append(list, q)
		if n := changed[q]; n != nil {
			q = n
		}
		if q.fingerprint != i.fingerprint {
			return nil, &Unfit{Why: fmt.Sprintf("package %s was compiled with another version of %s", o.path, i.path)}
		}
	}
	return list, nil
}

// number gives the definitions of a new object the ids of the base's symbols, or new ones.
func (x *patch) number(old, o *object) {
	statics := map[string]id{}
	for i := range uint32(old.hashed64) {
		if name := old.name(i); name != "" && old.sym(i).isStatic() {
			if _, twice := statics[name]; twice {
				statics[name] = 0
			} else {
				statics[name] = old.ids[i]
			}
		}
	}
	taken := map[id]bool{}
	cursor := matcher{old: old}
	for i := range uint32(o.refs) {
		s := o.sym(i)
		if kind := s.kind(); kind == 0 || kind >= kindDebug {
			continue
		}
		n := cursor.find(o, i)
		if n == 0 {
			n = x.find(o, i, statics)
			cursor.follow(x.l, n)
		}
		if n != 0 && s.isStatic() && int(i) < o.hashed64 {
			if taken[n] {
				n = 0 // a name that the package uses twice
			}
			taken[n] = true
		}
		if n == 0 {
			n = x.fresh(o, i)
		}
		o.ids[i] = n
		if s.flags2()&symUsedInIface != 0 {
			x.iface[n] = true
		}
		x.define(n, def{o, i})
	}
}

// matcher finds the same symbols in two objects fast, because most of them come in the same order.
type matcher struct {
	old  *object
	next uint32
}

// find returns the id of symbol i in the old object, if it is the next one there, or one of the next. Static symbols
// and those without a name are left to patch.find.
func (m *matcher) find(o *object, i uint32) id {
	s, name := o.sym(i), o.name(i)
	hashed := int(i) >= o.hashed64 && int(i) < o.named
	if !hashed && (name == "" || s.isStatic()) {
		return 0
	}
	for k := m.next; k < min(m.next+4, uint32(m.old.refs)); k++ {
		t := m.old.sym(k)
		same := false
		switch {
		case int(i) < o.hashed64 || int(i) >= o.named:
			same = (int(k) < m.old.hashed64 || int(k) >= m.old.named) && s.abi() == t.abi() && name == m.old.name(k)
		case int(i) < o.hashed:
			same = int(k) >= m.old.hashed64 && int(k) < m.old.hashed && o.hash64(i) == m.old.hash64(k)
		default:
			same = m.old.isHashed(k) && int(k) >= m.old.hashed && o.hash(i) == m.old.hash(k)
		}
		if same && m.old.ids[k] != 0 {
			m.next = k + 1
			return m.old.ids[k]
		}
	}
	return 0
}

// follow goes on behind a symbol that was found in another way.
func (m *matcher) follow(l *layout, n id) {
	if n != 0 && int(n) < len(l.defs) {
		if d := l.def(n); d.o == m.old {
			m.next = d.i + 1
		}
	}
}

// find returns the id of a symbol that the base, or another new object, defines or names, too.
func (x *patch) find(o *object, i uint32, statics map[string]id) id {
	s, name := o.sym(i), o.name(i)
	switch {
	case int(i) >= o.hashed64 && int(i) < o.hashed:
		return cmp.Or(x.p.hash64Slot(o.hash64(i)).id, x.byHash64[o.hash64(i)])
	case o.isHashed(i):
		return cmp.Or(x.p.hashSlot(o.hash(i)).id, x.byHash[o.hash(i)])
	case name == "":
		return 0
	case s.isStatic():
		return statics[name]
	}
	abi := abiIndex(s.abi())
	return cmp.Or(x.p.mentioned(name, abi), x.byName[abi][name])
}

func (x *patch) fresh(o *object, i uint32) id {
	n := x.newID()
	s, name := o.sym(i), o.name(i)
	switch {
	case int(i) >= o.hashed64 && int(i) < o.hashed:
		x.byHash64[o.hash64(i)] = n
	case o.isHashed(i):
		x.byHash[o.hash(i)] = n
	case name != "" && !s.isStatic():
		x.byName[abiIndex(s.abi())][name] = n
	}
	return n
}

// define notes a definition in a new object, if the linker would take it.
func (x *patch) define(n id, d def) {
	before := x.now.at(n)
	if !before.known() && int(n) < len(x.p.defs) {
		before = x.l.def(n)
		if successor := x.changed[before.o]; successor != nil {
			if successor == d.o || before.sym().dupok() || before.hashed() {
				x.now.set(n, d) // takes the place of the definition in the old object
				return
			}
			before = def{} // a definition moves to another package
		}
	}
	if !before.known() {
		x.now.set(n, d)
		return
	}
	// The definition from the package whose copy the base has is the first choice: its copy is in other tables, too.
	if int(n) < len(x.p.defs) {
		if o := x.l.def(n).o; o != nil && x.changed[o] == d.o && d.sym().size() >= before.sym().size() {
			x.now.set(n, d)
			return
		}
	}
	wins, fault := x.p.overrides(before, d)
	if fault {
		refuse("%s and %s both define %s", before.o.path, d.o.path, d.name())
	}
	if wins {
		x.now.set(n, d)
	}
}

// refer resolves the references of a new object.
func (x *patch) refer(o *object) {
	for i := uint32(o.refs); i < uint32(o.all); i++ {
		s, name := o.sym(i), o.name(i)
		abi := abiIndex(s.abi())
		n := id(0)
		if !s.isStatic() {
			n = cmp.Or(x.p.mentioned(name, abi), x.byName[abi][name])
		}
		if n == 0 {
			n = x.newID()
			if !s.isStatic() {
				x.byName[abi][name] = n
			}
		}
		o.ids[i] = n
		if s.flags2()&symUsedInIface != 0 {
			x.iface[n] = true
		}
	}
	names := o.packageNames()
	o.packages = make([]*object, len(names))
	for i, name := range names {
		if i == 0 {
			continue
		}
		q := x.p.byPath[name]
		if q == nil {
			refuse("package %s refers to %s, which is not linked yet", o.path, name)
		}
		if successor := x.changed[q]; successor != nil && !x.behind[o] {
			q = successor
		}
		o.packages[i] = q
	}
	o.refFlags(func(r ref, flags2 uint8) {
		if flags2&symUsedInIface != 0 {
			x.iface[x.resolve(o, r)] = true
		}
	})
}

// succeed finds another definition for the symbols of a changed package that it does not define any more: a copy in
// another package. What may have one that is the same to the byte is added to lost.
func (x *patch) succeed(old *object, lost map[id]bool) {
	for i := range uint32(old.refs) {
		n := old.ids[i]
		if n == 0 || x.now.at(n).known() || x.l.def(n).o != old {
			continue
		}
		for _, d := range append([]def{x.p.def(n)}, x.p.others(n)...) {
			if x.changed[d.o] == nil {
				x.now.set(n, d)
				break
			}
		}
		switch {
		case x.now.at(n).known():
		case x.p.same.has(n):
			lost[n] = true
		default:
			x.setFate(n, gone)
		}
	}
}
