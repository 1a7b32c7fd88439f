package patch

import (
	"bytes"
	"slices"
)

// This file decides what becomes of the base's symbols: what is the same stays, variables of the same form get new
// contents at their place, and everything else moves to the new module. References are redirected, so what refers to a
// moved symbol can stay.

// decide finds the fates of all symbols of the changed packages.
func (x *patch) decide() {
	for _, old := range x.p.objects {
		o := x.changed[old]
		if o == nil {
			continue
		}
		for i := range uint32(o.refs) {
			if n := o.ids[i]; n != 0 {
				x.decideOne(n, def{o, i})
			}
		}
		for i := range uint32(old.refs) { // what only another package defines now
			n := old.ids[i]
			if d := x.now.at(n); n != 0 && d.known() && x.changed[d.o] == nil && !slices.Contains(x.news, d.o) {
				x.decideOne(n, d)
			}
		}
	}
	x.moveTyped()
	x.checkInlined()
	x.checkNumbers()
}

func (x *patch) decideOne(n id, d def) {
	if kind := d.kind(); kind == 0 || kind >= kindDebug || x.now.at(n) != d || !x.inBase(n) {
		return
	}
	old := x.l.def(n)
	switch {
	case old == d:
	case d.hashed() && !isText(d.kind()) && len(d.relocs()) == 0 && d.sym().size() <= old.sym().size():
		// A hash of contents without references means the same in each version of a package. A reference counts in the
		// hash as a number, which can mean another symbol. Functions, which have hashes since Go 1.27, also have tables.
	case x.same(old, d):
	case x.fitsInPlace(n, old, d):
		x.setFate(n, rewrite)
	default:
		x.setFate(n, moves)
	}
	switch {
	case x.fate(n) == stays:
	case x.madeByLinker(n, old):
		refuse("the linker sets %s", d.name())
	case !x.p.movable[n]:
		refuse("a constant of the standard library, %s, has to become larger", d.name())
	}
}

// inBase tells whether a symbol lies in the base.
func (x *patch) inBase(n id) bool { return int(n) < len(x.l.address) && x.l.address[n] != 0 }

// madeByLinker tells whether the linker has given a variable its value: by the flag -X, for example. It is known for
// that, or the archive has no contents for it, but the image has.
func (x *patch) madeByLinker(n id, old def) bool {
	return x.b.set[old.name()] && !isText(old.kind()) ||
		isBss(old.kind()) && x.l.image.offset(x.l.address[n]) >= 0 && old.sym().size() > 0
}

// same tells whether two definitions of a symbol are the same for the linker.
func (x *patch) same(old, d def) bool {
	if !x.sameData(old, d) {
		return false
	}
	if isText(d.kind()) {
		return x.sameTables(old, d)
	}
	return x.gotype(x.p, old) == x.gotype(x, d)
}

// sameData compares contents and relocations.
func (x *patch) sameData(old, d def) bool {
	if !bytes.Equal(old.sym()[10:], d.sym()[10:]) || !bytes.Equal(old.content(), d.content()) {
		return false
	}
	before, after := old.relocs(), d.relocs()
	if len(before) != len(after) {
		return false
	}
	for j := range before {
		if before[j].place() != after[j].place() || before[j].kind() != relocUseType && // symbols for debuggers
			x.p.resolve(old.o, before[j].target()) != x.resolve(d.o, after[j].target()) {
			return false
		}
	}
	return true
}

type resolver interface{ resolve(o *object, r ref) id }

// gotype returns the type of a variable; 0 if it is not known.
func (x *patch) gotype(in resolver, d def) id {
	auxes := d.auxes()
	for i := range auxes {
		if auxes[i].kind() == auxGotype {
			return in.resolve(d.o, auxes[i].target())
		}
	}
	return 0
}

// tables returns the auxiliary symbols of a function that come to memory, or decide what does.
func tables(d def) (list []aux) {
	for _, a := range d.auxes() {
		switch a.kind() {
		case auxGotype, auxFuncInfo, auxFuncdata, auxPcsp, auxPcfile, auxPcline, auxPcinline, auxPcdata:
			list = append(list, a)
		}
	}
	return list
}

// sameTables compares what the runtime knows of a function: lines, files, stack maps and so on.
func (x *patch) sameTables(old, d def) bool {
	before, after := tables(old), tables(d)
	if len(before) != len(after) {
		return false
	}
	for k := range before {
		if before[k].kind() != after[k].kind() {
			return false
		}
		n, m := x.p.resolve(old.o, before[k].target()), x.resolve(d.o, after[k].target())
		ok := true
		switch before[k].kind() {
		case auxGotype:
			ok = n == m
		case auxFuncInfo:
			ok = x.sameInfo(old.o, d.o, old.o.info(old.i), d.o.info(d.i))
		default:
			ok = x.sameTable(n, m)
			if now, moved := d.o.relined[d.i]; moved && before[k].kind() == auxPcline {
				ok = bytes.Equal(old.o.table(old.i, auxPcline), now.lines)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func (x *patch) sameTable(n, m id) bool {
	if n == 0 || m == 0 {
		return n == m
	}
	before, after := x.p.def(n), x.def(m)
	if !before.known() || !after.known() {
		return false
	}
	return before == after || x.sameData(before, after)
}

func (x *patch) sameInfo(old, o *object, before, after funcInfo) bool {
	if !bytes.Equal(before[:16], after[:16]) || !slices.Equal(before.files(), after.files()) {
		return false
	}
	for _, i := range after.files() {
		if old.file(i) != o.file(i) {
			return false
		}
	}
	a, b := before.inlined(), after.inlined()
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		n, m := x.p.resolve(old, a[k].function), x.resolve(o, b[k].function)
		if n != m || a[k].parent != b[k].parent || a[k].line != b[k].line || a[k].parentPC != b[k].parentPC ||
			old.file(a[k].file) != o.file(b[k].file) || !x.sameHead(n) {
			return false
		}
	}
	return true
}

// sameHead tells whether the tables of other functions say the same of function n, which they have inlined.
func (x *patch) sameHead(n id) bool {
	before, after := x.p.def(n), x.def(n)
	if !before.known() || !after.known() {
		return false
	}
	a, b := before.o.info(before.i), after.o.info(after.i)
	return len(a) > 0 && len(b) > 0 && a.id() == b.id() && a.startLine() == b.startLine()
}

// fitsInPlace tells whether a variable can get new contents at its place: the garbage collector must find pointers
// where it found them before.
func (x *patch) fitsInPlace(n id, old, d def) bool {
	s, t := old.sym(), d.sym()
	return s.kind() == t.kind() && !isText(t.kind()) && !isBss(t.kind()) && s.size() == t.size() &&
		x.p.size(n) == s.size() && !t.isType() && !t.isItab() && !d.hashed() && !old.hashed() &&
		s.align() == t.align() && x.gotype(x.p, old) == x.gotype(x, d)
}

// moveTyped moves the variables whose type has changed.
func (x *patch) moveTyped() {
	for _, v := range x.b.variables {
		if x.fate(v.typ) != moves {
			continue
		}
		d := x.def(v.id)
		switch {
		case x.fate(v.id) == moves || x.fate(v.id) == gone:
		case !slices.Contains(x.news, d.o):
			refuse("the type of %s has changed, but not its package", d.name())
		case x.madeByLinker(v.id, x.l.def(v.id)):
			refuse("the linker sets %s", d.name())
		default:
			x.setFate(v.id, moves)
		}
	}
}

// checkInlined refuses a change of a function's first line if a package that has inlined it was not compiled again.
func (x *patch) checkInlined() {
	for n, paths := range x.b.inlined {
		if x.changed[x.p.def(n).o] == nil || x.sameHead(n) {
			continue
		}
		for _, path := range paths {
			if x.changed[x.p.byPath[escaped(path)]] == nil {
				refuse("package %s has inlined %s, which has changed", path, x.p.name(n))
			}
		}
	}
}

// checkNumbers refuses a package that numbers its symbols anew while unchanged packages refer to the old numbers, or
// that has lost symbols to which unchanged packages refer.
func (x *patch) checkNumbers() {
	for old, o := range x.changed {
		for i := range uint32(old.hashed64) {
			n := old.ids[i]
			if n == 0 {
				continue
			}
			lost := x.fate(n) == gone
			if !lost && i < uint32(o.hashed64) && o.ids[i] == n {
				continue
			}
			for _, s := range x.l.sitesOf(n) {
				d := x.l.def(s.source)
				if r := d.relocs()[s.reloc].target(); x.changed[d.o] == nil && (lost || byNumber(r)) {
					refuse("package %s still refers to the former %s", d.o.path, x.p.name(n))
				}
			}
		}
	}
}

// byNumber tells whether a reference names a package and a number in it.
func byNumber(r ref) bool { return r.pkg != 0 && r.pkg < refSelf }

// sitesOf returns the references to a symbol in the image.
func (l *layout) sitesOf(n id) []site { return ofTarget(l.sites, n) }

func ofTarget(sites []site, n id) []site {
	compare := func(s site, n id) int { return int(s.target) - int(n) }
	from, _ := slices.BinarySearchFunc(sites, n, compare)
	to := from
	for to < len(sites) && sites[to].target == n {
		to++
	}
	return sites[from:to]
}
