package patch

import (
	"cmp"
	"maps"
	"slices"
)

// reach is what the new module has to contain, and the state of the rule for dead code: see live.go.
type reach struct {
	emitted map[id]*emission
	order   []*emission // as they were found

	queue   []visit
	used    map[id]bool        // as in liveness, beyond the base's
	called  map[signature]bool //
	named   map[string]bool    //
	methods []method           // of used types in the next program, not live yet
	weak    []id               // initializers of maps that are called if they are live
	revived map[methodKey]bool // of the base's dropped methods
}

// emission is a symbol in the new module.
type emission struct {
	id      id
	d       def
	address uint64
	memory  []byte // its bytes in the module; nil for variables without contents
}

type visit struct {
	id id
	d  def
}

type methodKey struct {
	typ   id
	reloc uint32
}

// flood finds everything that the new module has to contain.
func (x *patch) flood() {
	slices.Sort(x.fated)
	x.fated = slices.Compact(x.fated) // a variable can move for two reasons
	for _, n := range x.fated {
		switch x.fate(n) {
		case moves:
			x.emit(n)
		case rewrite:
			x.queue = append(x.queue, visit{n, x.def(n)})
		}
	}
	for _, n := range sortedKeys(x.iface) {
		x.use(n)
	}
	x.settle()
	x.orderTasks()
	for x.settle(); x.reviveMaps(); {
		x.settle()
	}
	// The linker sets runtime.disableMemoryProfiling if this function is not reached.
	if n := x.p.named("runtime.memProfileInternal", 1); x.emitted[n] != nil {
		refuse("the program is the first that can profile its memory")
	}
}

func sortedKeys[V any](m map[id]V) []id {
	keys := make([]id, 0, len(m))
	for n := range m {
		keys = append(keys, n)
	}
	slices.SortFunc(keys, cmp.Compare[id])
	return keys
}

// settle follows all references until nothing new is found.
func (x *patch) settle() {
	for again := true; again; again = x.reviveMethods() {
		for len(x.queue) > 0 {
			v := x.queue[len(x.queue)-1]
			x.queue = x.queue[:len(x.queue)-1]
			x.visit(v.id, v.d)
		}
	}
}

// reachable tells whether a symbol is in the next program so far.
func (x *patch) reachable(n id) bool {
	return x.emitted[n] != nil || x.inBase(n) && (x.fate(n) == stays || x.fate(n) == rewrite)
}

// mark makes sure that a symbol is in the next program.
func (x *patch) mark(n id) {
	if n != 0 && !x.reachable(n) {
		x.emit(n)
	}
}

// emit puts a symbol into the new module.
func (x *patch) emit(n id) {
	if x.emitted[n] != nil {
		return
	}
	d := x.def(n)
	if !d.known() {
		refuse("%s is not defined", x.nameOf(n))
	}
	s := d.sym()
	switch kind := s.kind(); {
	case kind == 0 || kind > kindNoptrbss:
		refuse("%s is of an unknown kind", x.nameOf(n))
	case isFIPS(kind):
		refuse("%s belongs to the FIPS 140 module", x.nameOf(n))
	case !isText(kind) && d.name() != "" && x.b.set[d.name()]:
		refuse("the linker sets %s", d.name()) // dead in the base, so its value is not known
	case isText(kind) && s.size() == 0:
		refuse("function %s is empty", x.nameOf(n))
	case s.reflectMethod() && !x.b.live.reflect:
		refuse("%s is the first function that finds methods by reflection", x.nameOf(n))
	case x.p.foreign[d.o.path] && d.o.assembly():
		refuse("%s belongs to a package with C", x.nameOf(n))
	}
	e := &emission{id: n, d: d}
	x.emitted[n] = e
	x.order = append(x.order, e)
	x.queue = append(x.queue, visit{n, d})
	if !slices.Contains(x.news, d.o) {
		x.report.Pulled++
	}
}

func (x *patch) nameOf(n id) string {
	if d := x.def(n); d.known() && d.name() != "" {
		return d.name()
	}
	if int(n) < len(x.p.defs) {
		return x.p.name(n)
	}
	for abi := range x.byName {
		for name, m := range x.byName[abi] {
			if m == n {
				return name
			}
		}
	}
	return "a symbol without a name"
}

// visit follows the references of a symbol whose contents are new.
func (x *patch) visit(n id, d def) {
	isType := d.sym().isType()
	used := isType && x.isUsed(n)
	if used {
		x.visitType(n, d)
	}
	relocs := d.relocs()
	for j := 0; j < len(relocs); j++ {
		r := &relocs[j]
		kind, target := r.kind(), x.resolve(d.o, r.target())
		switch kind {
		case relocUseIface:
			x.use(typeOf(x, target))
			continue
		case relocUseIfaceMethod:
			s, ok := interfaceMethod(x, x.def(target), r.add())
			if !ok {
				refuse("a method of %s cannot be read", x.nameOf(target))
			}
			x.called[s] = true
			continue
		case relocUseNamedMethod:
			x.named[string(x.def(target).content())] = true
			continue
		case relocUseType, relocCallInd, relocUseField, x.p.version.initOrder:
			continue
		case relocAddr, relocCall, relocPCRel, relocAddrOff, relocKeep:
		case relocTLS:
			continue
		case relocMethodOff:
			j += 2 // see visitType
			continue
		default:
			refuse("%s has a relocation of the unknown kind %d", x.nameOf(n), kind)
		}
		switch {
		case !r.weak():
			x.mark(target)
		case kind == relocCall:
			x.weak = append(x.weak, target)
		}
	}
	if isText(d.kind()) {
		x.visitTables(d)
	}
}

// visitTables follows the references of a function's tables.
func (x *patch) visitTables(d def) {
	auxes := d.auxes()
	for i := range auxes {
		if auxes[i].kind() != auxFuncdata {
			continue
		}
		t := x.def(x.resolve(d.o, auxes[i].target()))
		if !t.known() {
			continue
		}
		relocs := t.relocs()
		for j := range relocs {
			if relocs[j].kind() != relocAddrOff || relocs[j].size() != 4 {
				refuse("a table of %s has a relocation of an unknown kind", d.name())
			}
			if !relocs[j].weak() {
				x.mark(x.resolve(t.o, relocs[j].target()))
			}
		}
	}
}

func (x *patch) isUsed(n id) bool { return x.used[n] || x.b.live.used[n] }

// use notes that a type is converted to an interface.
func (x *patch) use(n id) {
	if n == 0 || x.isUsed(n) {
		return
	}
	x.used[n] = true
	d := x.def(n)
	if d.known() && d.sym().isType() && x.reachable(n) {
		x.queue = append(x.queue, visit{n, d})
	}
}

// visitType notes the parts and methods of a type that is converted to an interface.
func (x *patch) visitType(n id, d def) {
	for _, part := range parts(x, d) {
		x.use(part)
	}
	methods, ok := methodsOf(x, n, d)
	if !ok {
		refuse("the methods of %s cannot be read", x.nameOf(n))
	}
	x.methods = append(x.methods, methods...)
}

// reviveMethods keeps the methods that have become live. It reports whether there were any.
func (x *patch) reviveMethods() (any bool) {
	live := func(s signature) bool { return x.called[s] || x.named[s.name] || x.b.live.live(s) }
	keep := func(m method) {
		any = true
		d := x.def(m.source)
		for k := range uint32(3) {
			x.mark(x.resolve(d.o, d.relocs()[m.reloc+k].target()))
		}
	}
	rest := x.methods[:0]
	for _, m := range x.methods {
		if live(m.signature) {
			keep(m)
		} else {
			rest = append(rest, m)
		}
	}
	x.methods = rest
	if len(x.called) == 0 && len(x.named) == 0 {
		return any
	}
	for _, m := range x.b.live.dropped {
		key := methodKey{m.source, m.reloc}
		if (x.called[m.signature] || x.named[m.name]) && !x.revived[key] && x.fate(m.source) == stays {
			x.revived[key] = true
			keep(m)
		}
	}
	return any
}

// reviveMaps makes sure that a call of a map's initializer has a target: the linker replaces the call if nothing else
// keeps the map.
func (x *patch) reviveMaps() bool {
	noInit := x.p.mentioned(noInitName, 1)
	if noInit == 0 {
		refuse("%s is not defined", noInitName)
	}
	for _, n := range x.weak {
		if !x.reachable(n) && !x.reachable(noInit) {
			x.mark(noInit)
			return true
		}
	}
	return false
}

// noInitName is the function that the linker calls in place of a dropped map's initializer.
const noInitName = "runtime.mapinitnoop"

// orderTasks finds the init tasks of the next program.
func (x *patch) orderTasks() {
	order, err := initOrder(x, x.b.main, x.p.version.initOrder, maps.Clone(x.b.known))
	if err != nil {
		refuse("%v", err)
	}
	x.module.tasks = order
	for _, n := range order {
		x.mark(n)
	}
}
