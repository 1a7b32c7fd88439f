package patch

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// layout tells where a program's symbols lie in an image. It is found by replay: some addresses are known from the
// symbol table. The bytes of a symbol in the image and in the archive are the same, except at relocations; there, the
// image tells the address of another symbol.
type layout struct {
	program *program
	image   *image
	address []uint64 // by id; 0: not in the image
	reached []id     // everything with an address and a definition, in the order in which it was found
	defs    []spot   // the definitions whose contents are in the image
	own     bool     // defs is not the program's: for a symbol, another definition than its first choice is there
	tls     int32    // what relocTLS is relative to
	tlsSeen bool
	reflect bool // a function uses methods by reflection

	iface   []mark // calls of methods of interfaces
	names   []id   // names of methods that may be called
	used    []id   // types and itabs that are converted to interfaces
	sites   []site // references to movable symbols, by target
	absent  []site // references that the linker has left empty, by target
	copies  map[located]bool
	faults  []Difference
	checked int // symbols whose contents were compared

	forPatches          bool
	told                []located // addresses in the symbol table
	queue               []id
	visited             bits
	unreachable, noInit uint64 // runtime.unreachableMethod, runtime.mapinitnoop
}

// mark is a mark for the linker, with its argument.
type mark struct {
	target id
	add    int64
}

// site is the place of a relocation in the image.
type site struct {
	target, source id
	reloc          uint32
}

// replay finds the layout of a program in an image. tasks are the program's init tasks. Only patches need sites.
func replay(ctx context.Context, p *program, m *image, tasks []id, forPatches bool) (*layout, error) {
	l := &layout{
		forPatches: forPatches,
		program:    p, image: m, address: make([]uint64, len(p.defs)), visited: make(bits, len(p.defs)/64+1),
		defs: p.defs, unreachable: m.symbols["runtime.unreachableMethod"],
		noInit: m.symbols["runtime.mapinitnoop"],
	}
	l.seed(tasks)
	for steps := 0; len(l.queue) > 0; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n := l.queue[len(l.queue)-1]
		l.queue = l.queue[:len(l.queue)-1]
		l.visit(n)
	}
	l.queue, l.visited = nil, nil
	l.sites, l.absent = sorted(l.sites), sorted(l.absent)
	l.reached = fitting(l.reached)
	return l, nil
}

// sorted sorts sites by their target, then their place.
func sorted(sites []site) []site {
	slices.SortFunc(sites, func(a, b site) int {
		if a.target != b.target || a.source != b.source {
			return cmp.Compare(uint64(a.target)<<32|uint64(a.source), uint64(b.target)<<32|uint64(b.source))
		}
		return cmp.Compare(a.reloc, b.reloc)
	})
	return fitting(sites)
}

// seed takes the addresses of the standard library's symbols from the symbol table: a patch never moves them, unless
// other packages have copies of a symbol, of which the linker takes one. It takes those of the init tasks from their
// list, in which they must have the right order. Everything else is reached from there.
func (l *layout) seed(tasks []id) {
	p := l.program
	for name, address := range l.image.symbols {
		n, check := id(0), false
		if short, ok := strings.CutSuffix(name, ".abi0"); ok {
			n = p.named(short, 0)
		} else if n = p.named(name, 1); n != 0 && isText(p.def(n).kind()) {
			check = true
		} else {
			n = p.named(name, 0)
			check = isInitTask(name)
		}
		if check && n != 0 && l.forPatches {
			l.told = append(l.told, located{n, address})
		}
		if n != 0 && !p.movable[n] && (l.forPatches || !p.def(n).sym().dupok()) {
			l.found(n, address, 0)
		}
	}
	first := &l.image.modules[0]
	list := l.image.words(first.tasks, first.nTasks)
	if len(list) != len(tasks) {
		l.fault("init tasks", 0, fmt.Sprintf("there are %d instead of %d", len(list), len(tasks)))
		return
	}
	for i, n := range tasks {
		l.found(n, list[i], 0)
	}
}

// def returns the definition of a symbol that lies in the image.
func (l *layout) def(n id) def { return l.program.defAt(l.defs[n]) }

// found records the address of a symbol.
func (l *layout) found(n id, address uint64, from id) {
	switch l.address[n] {
	case 0:
		l.address[n] = address
		if l.program.def(n).known() {
			l.queue = append(l.queue, n)
		}
	case address:
	default:
		l.fault("address", n, fmt.Sprintf("is at %#x, and at %#x for %s", l.address[n], address, l.program.name(from)))
	}
}

func (l *layout) fault(kind string, n id, detail string) {
	if len(l.faults) < maxFaults {
		name := ""
		if n != 0 {
			name = l.program.name(n)
		}
		l.faults = append(l.faults, Difference{kind, name, detail})
	}
}

// maxFaults bounds the findings that are kept. One is enough not to use an image.
const maxFaults = 1000

// foundTable records the address of a function's table. A patched image may have a table with the same contents twice:
// a function that stays has the one of the base, and a new function another one.
func (l *layout) foundTable(n id, address uint64, from id) {
	if l.address[n] == 0 || l.address[n] == address || !l.program.def(n).hashed() {
		l.found(n, address, from)
		return
	}
	c := located{n, address}
	if l.copies[c] {
		return
	}
	if l.copies == nil {
		l.copies = map[located]bool{}
	}
	l.copies[c] = true
	d := l.def(n)
	if where, _ := l.image.areaOf(address); where > areaTables {
		l.fault("place", n, "lies among variables")
		return
	}
	if !l.equal(d, address) {
		l.fault("contents", n, fmt.Sprintf("the bytes at %#x are not those of the archive", address))
		return
	}
	memory := l.image.at(address, int(d.sym().size()))
	relocs := d.relocs()
	for j := range relocs {
		l.follow(n, d, uint32(j), &relocs[j], address, memory)
	}
}

// located is a symbol with an address.
type located struct {
	id      id
	address uint64
}

// visit compares a symbol with the image, and follows its relocations.
func (l *layout) visit(n id) {
	if l.visited.has(n) {
		return
	}
	l.visited.set(n)
	l.reached = append(l.reached, n)
	d := l.program.def(n)
	bss := isBss(d.kind())
	if !bss {
		l.checked++
		var ok bool
		if d, ok = l.match(n); !ok {
			l.fault("contents", n, fmt.Sprintf("the bytes at %#x are not those of the archive", l.address[n]))
			return
		}
	}
	s := d.sym()
	l.reflect = l.reflect || s.reflectMethod()
	relocs := d.relocs()
	var memory []byte
	if !bss {
		memory = l.image.at(l.address[n], int(s.size()))
	}
	for j := range relocs {
		l.follow(n, d, uint32(j), &relocs[j], l.address[n], memory)
	}
	if isText(s.kind()) {
		l.visitTables(n, d)
	}
}

// match finds the definition of a symbol whose contents are in the image. Copies of generic functions from several
// packages can differ in what was inlined. Copies with the same code can differ in their tables: package runtime is
// compiled without places at which goroutines are interrupted. Copies of a type can differ in whether they name the
// pointer to it.
func (l *layout) match(n id) (def, bool) {
	first, at := l.program.def(n), l.address[n]
	equal := l.equal(first, at)
	others := l.program.others(n)
	if len(others) == 0 || equal && (!isText(first.kind()) || l.equalTables(first, at)) {
		return first, equal
	}
	found := -1
	for i, d := range others {
		if !l.equal(d, at) {
			continue
		}
		tables := !isText(d.kind()) || l.equalTables(d, at)
		if found < 0 && !equal || tables {
			found = i
		}
		if tables {
			break
		}
	}
	if found < 0 {
		return first, equal
	}
	if !l.own {
		l.defs, l.own = slices.Clone(l.defs), true
	}
	d := others[found]
	l.defs[n] = spot{d.o.number, d.i}
	return d, true
}

// equalTables tells whether the image has the tables by program counter of a function's definition.
func (l *layout) equalTables(d def, address uint64) bool {
	f, ok := l.image.function(address)
	if !ok {
		return false
	}
	equal := func(a *aux, off uint32) bool {
		t := l.program.def(l.program.resolve(d.o, a.target()))
		if !t.known() || len(t.content()) == 0 {
			return off == 0
		}
		return off != 0 && bytes.HasPrefix(l.image.tail(f.module.pctab+uint64(off)), t.content())
	}
	k, auxes := uint64(0), d.auxes()
	for i := range auxes {
		same := true
		switch a := &auxes[i]; a.kind() {
		case auxPcsp:
			same = equal(a, f.u32(16))
		case auxPcfile:
			same = equal(a, f.u32(20))
		case auxPcline:
			same = equal(a, f.u32(24))
		case auxPcdata:
			b := l.image.at(f.at+funcSize+4*k, 4)
			same = k == pcdataInlTree || k < uint64(f.pcdata()) && b != nil && equal(a, le.Uint32(b))
			k++
		}
		if !same {
			return false
		}
	}
	return true
}

// equal tells whether the image has the contents of a definition, except at relocations. But a type names what its
// definition names: the linker leaves only weak references empty, and nothing that a type names has the offset 0.
func (l *layout) equal(d def, address uint64) bool {
	memory := l.image.at(address, int(d.sym().size()))
	if memory == nil {
		return d.sym().size() == 0
	}
	content := d.content()
	at := 0
	same := func(to int) bool {
		to = min(to, len(memory))
		if at >= to {
			return true
		}
		split := min(max(len(content), at), to)
		return (at >= split || bytes.Equal(content[at:split], memory[at:split])) && zeros(memory[split:to])
	}
	isType, relocs := d.sym().isType(), d.relocs()
	for j := range relocs {
		if r := &relocs[j]; r.size() > 0 {
			if !same(int(r.off())) {
				return false
			}
			if isType && r.kind() == relocAddrOff && !r.weak() && zeros(memory[r.off():][:r.size()]) {
				return false
			}
			at = max(at, int(r.off())+r.size())
		}
	}
	return same(len(memory))
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// follow reads the address of a relocation's target, and heeds marks. The symbol lies at base.
func (l *layout) follow(n id, d def, j uint32, r *reloc, base uint64, memory []byte) {
	target := l.program.resolve(d.o, r.target())
	switch r.kind() {
	case relocUseIface:
		l.used = append(l.used, target)
		return
	case relocUseIfaceMethod:
		l.iface = append(l.iface, mark{target, r.add()})
		return
	case relocUseNamedMethod:
		l.names = append(l.names, target)
		return
	}
	if r.size() == 0 || memory == nil {
		return
	}
	place := memory[r.off():]
	if r.kind() == relocTLS && r.size() == 4 {
		l.checkTLS(n, int32(le.Uint32(place))-int32(r.add()))
		return
	}
	if target == 0 {
		return
	}
	address, empty, ok := l.read(base+uint64(r.off()), place, r, target)
	switch {
	case empty:
		l.absent = append(l.absent, site{target, n, j})
		return
	case ok:
		l.found(target, address, n)
	}
	if l.forPatches && l.program.movable[target] {
		l.sites = append(l.sites, site{target, n, j})
	}
}

// read returns the address that a relocation in the image leads to, or that the linker has left it empty. It is not ok
// if the kind of relocation is unknown.
func (l *layout) read(at uint64, place []byte, r *reloc, target id) (address uint64, empty, ok bool) {
	switch kind := r.kind(); {
	case kind == relocAddr && r.size() == 8:
		address = le.Uint64(place) - uint64(r.add())
		return address, r.weak() && address == l.unreachable, true
	case kind == relocAddr && r.size() == 4:
		return uint64(le.Uint32(place)) - uint64(r.add()), false, true
	case (kind == relocCall || kind == relocPCRel) && r.size() == 4:
		address = at + 4 + uint64(int64(int32(le.Uint32(place)))) - uint64(r.add())
		return address, r.weak() && address == l.noInit, true
	case (kind == relocAddrOff || kind == relocMethodOff) && r.size() == 4:
		v := le.Uint32(place)
		if kind == relocMethodOff && v == ^uint32(0) || r.weak() && v == 0 {
			return 0, true, true
		}
		origin, ok := l.image.origin(l.program.def(target))
		return origin + uint64(v) - uint64(r.add()), false, ok
	}
	return 0, false, false
}

func (l *layout) checkTLS(n id, offset int32) {
	if l.tlsSeen && l.tls != offset {
		l.fault("address", n, fmt.Sprintf("uses another offset of a thread's memory %d %d", offset, l.tls))
	}
	l.tls, l.tlsSeen = offset, true
}

// visitTables compares a function's tables that have symbols of their own (stack maps and the like).
func (l *layout) visitTables(n id, d def) {
	f, ok := l.image.function(l.address[n])
	if !ok {
		l.fault("function", n, "is not in the table of functions")
		return
	}
	if f.name() != d.name() {
		l.fault("function", n, "has the name "+f.name())
		return
	}
	k := 0
	auxes := d.auxes()
	for i := range auxes {
		if auxes[i].kind() != auxFuncdata {
			continue
		}
		table := l.program.resolve(d.o, auxes[i].target())
		t := l.program.def(table)
		switch address := f.funcdata(k); {
		case !t.known() || k == funcdataInlTree:
		case address != 0:
			l.foundTable(table, address, n)
		case len(t.content()) > 0:
			l.fault("function", n, fmt.Sprintf("has no table %d", k))
		}
		k++
	}
}

// Numbers of a function's tables.
const (
	funcdataArgs     = 0
	funcdataLocals   = 1
	funcdataObjects  = 2
	funcdataInlTree  = 3
	funcdataOpenCode = 4
	funcdataArgInfo  = 5
	funcdataArgLive  = 6
	funcdataWrapInfo = 7

	pcdataInlTree = 2
)
