package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// program is what the linker knows after it has read all archives: the symbols and where they are defined. It follows
// cmd/link/internal/loader. Nothing changes it after loading.
type program struct {
	version *version
	objects []*object // in the order in which the linker reads them
	byPath  map[string]*object
	foreign map[string]bool // packages with objects of a C compiler

	defs []spot    // by id; entry 0 is none
	more []further // further definitions of the same symbol, by id; without those that are the same to the byte
	same bits      // by id: there are such

	byName   [2]index // by ABI
	byHash64 index
	byHash   index
	iface    map[id]bool // types that a flag of an object says are converted to interfaces
	movable  []bool      // by id: some package outside the standard library defines it
	builtins []id        // by the number that the compiler uses
	releases []func()
	mapped   [][]byte
}

// def is a place where a symbol is defined.
type def struct {
	o *object
	i uint32 // local number
}

func (d def) sym() *symbol    { return d.o.sym(d.i) }
func (d def) name() string    { return d.o.name(d.i) }
func (d def) relocs() []reloc { return d.o.relocs(d.i) }
func (d def) content() []byte { return d.o.content(d.i) }
func (d def) auxes() []aux    { return d.o.auxes(d.i) }
func (d def) kind() uint8     { return d.sym().kind() }
func (d def) known() bool     { return d.o != nil }
func (d def) hashed() bool    { return d.o.isHashed(d.i) }

// abiIndex returns the index of an ABI in byName. Go knows two.
func abiIndex(abi uint16) int { return int(abi & 1) }

// load reads the archives in the linker's order: package main, then each imported package as it is met, then the
// runtime.
func load(ctx context.Context, v *version, archives map[string]string) (*program, error) {
	p := &program{
		version: v,
		byPath:  map[string]*object{}, foreign: map[string]bool{}, iface: map[id]bool{}, defs: make([]spot, 1),
		movable: make([]bool, 1),
	}
	if err := p.read(ctx, archives); err != nil {
		p.close()
		return nil, err
	}
	if err := p.define(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *program) close() {
	for _, release := range p.releases {
		release()
	}
	*p = program{}
}

func (p *program) read(ctx context.Context, archives map[string]string) error {
	queue, seen := []string{"main"}, map[string]bool{"main": true, "unsafe": true}
	add := func(importPath string) {
		if !seen[importPath] {
			seen[importPath] = true
			queue = append(queue, importPath)
		}
	}
	for n := 0; ; n++ {
		if n == len(queue) {
			if add("runtime"); n == len(queue) {
				return nil
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		importPath := queue[n]
		file := archives[importPath]
		if file == "" {
			return &Unfit{Why: "nobody knows where the archive of " + importPath + " is"}
		}
		a, err := readArchive(importPath, file)
		if err != nil {
			return err
		}
		p.releases, p.mapped = append(p.releases, a.release), append(p.mapped, a.data)
		p.foreign[importPath] = a.foreign
		if len(a.objects) == 0 {
			return &Unfit{Why: "the archive of " + importPath + " has no object"}
		}
		if why := unfitPackage(importPath, a); why != "" {
			return &Unfit{Why: why}
		}
		p.byPath[escaped(importPath)] = a.objects[0]
		for _, o := range a.objects {
			p.objects = append(p.objects, o)
			o.number = int32(len(p.objects))
			o.standard = a.objects[0].flags&flagStandard != 0 // the assembler does not say it
			for _, i := range o.imports() {
				add(strings.TrimSuffix(i.path, ".a"))
			}
		}
	}
}

// unfitPackage tells why programs with a package cannot be patched; "" if they can.
func unfitPackage(importPath string, a *archive) string {
	switch importPath {
	case "runtime/race", "runtime/msan", "runtime/asan":
		return "the program is built for a detector of errors (" + importPath + ")"
	case "plugin":
		return "the program uses plugins"
	}
	if standard := a.objects[0].flags&flagStandard != 0; a.foreign && !standard {
		return "package " + importPath + " has C"
	}
	return ""
}

// define numbers all symbols: first the definitions, then the references by name.
func (p *program) define(ctx context.Context) error {
	own := 0
	for _, o := range p.objects {
		own += o.hashed64
	}
	p.defs, p.movable = slices.Grow(p.defs, 3*own/2), slices.Grow(p.movable, 3*own/2)
	for _, o := range p.objects {
		for i := range uint32(o.hashed64) {
			p.definePackageSymbol(o, i)
		}
	}
	for _, o := range p.objects {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := uint32(o.hashed64); i < uint32(o.refs); i++ {
			if err := p.defineShared(o, i); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(p.more, func(a, b further) int { return cmp.Compare(a.id, b.id) })
	for _, o := range p.objects {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := uint32(o.refs); i < uint32(o.all); i++ {
			o.ids[i] = p.reference(o, i)
		}
		names := o.packageNames()
		o.packages = make([]*object, len(names))
		for i, name := range names {
			if o.packages[i] = p.byPath[name]; o.packages[i] == nil && i > 0 {
				return &Unfit{Why: fmt.Sprintf("%s refers to package %s, which is not linked", o.path, name)}
			}
		}
	}
	p.defs, p.movable, p.more = fitting(p.defs), fitting(p.movable), fitting(p.more)
	p.builtins = p.builtinIDs(p.version.builtins)
	for _, o := range p.objects {
		o.refFlags(func(r ref, flags2 uint8) {
			if flags2&symUsedInIface != 0 {
				p.iface[p.resolve(o, r)] = true
			}
		})
	}
	return nil
}

func (p *program) add(at spot) id {
	p.defs = append(p.defs, at)
	p.movable = append(p.movable, false)
	return id(len(p.defs) - 1)
}

// def returns the first definition of a symbol; one without an object if there is none.
func (p *program) def(n id) def { return p.defAt(p.defs[n]) }

func (p *program) defAt(at spot) def {
	if at.object <= 0 {
		return def{}
	}
	return def{p.objects[at.object-1], at.i}
}

// nameOf returns a symbol's name, also if nothing defines it.
func (p *program) nameOf(n id) string {
	at := p.defs[n]
	if at.object == 0 {
		return ""
	}
	return p.objects[max(at.object, -at.object)-1].name(at.i)
}

// slotOf returns the place in an index of a symbol that other packages find by its name or contents; nil if it is not
// found so.
func (p *program) slotOf(o *object, i uint32) (x *index, at *slot, hash uint32) {
	s, name := o.sym(i), o.name(i)
	switch {
	case int(i) >= o.hashed64 && int(i) < o.hashed:
		x, hash = &p.byHash64, hash64(o.hash64(i))
		return x, p.hash64Slot(o.hash64(i)), hash
	case o.isHashed(i):
		x, hash = &p.byHash, hash64(le.Uint64(o.data[o.hashAt(i):]))
		return x, p.hashSlot(o.hash(i)), hash
	case name != "" && !s.isStatic():
		return &p.byName[abiIndex(s.abi())], p.nameSlot(name, abiIndex(s.abi())), hashName(name)
	}
	return nil, nil, 0
}

func (p *program) nameSlot(name string, abi int) *slot {
	return p.byName[abi].find(hashName(name), func(n id) bool { return p.nameOf(n) == name })
}

func (p *program) hash64Slot(h uint64) *slot {
	return p.byHash64.find(hash64(h), func(n id) bool { d := p.def(n); return d.o.hash64(d.i) == h })
}

func (p *program) hashSlot(h [hashSize]byte) *slot {
	return p.byHash.find(hash64(le.Uint64(h[:])), func(n id) bool { d := p.def(n); return d.o.hash(d.i) == h })
}

// size returns the size of a symbol: the largest of all definitions.
func (p *program) size(n id) uint32 {
	size := p.def(n).sym().size()
	for _, d := range p.others(n) {
		size = max(size, d.sym().size())
	}
	return size
}

func (p *program) record(n id, o *object, i uint32) {
	s := o.sym(i)
	o.ids[i] = n
	// The mask of a small type is the beginning of a larger one's, and the linker takes the largest. So a patch can move
	// masks of the standard library, too.
	p.movable[n] = p.movable[n] || !o.standard || o.isHashed(i) && strings.HasPrefix(o.name(i), "runtime.gcbits.")
	if s.flags2()&symUsedInIface != 0 {
		p.iface[n] = true
	}
}

// definePackageSymbol numbers a symbol that other packages find by its place in the package.
func (p *program) definePackageSymbol(o *object, i uint32) {
	s, name := o.sym(i), o.name(i)
	if s.kind() == 0 || s.kind() >= kindDebug {
		return // never comes to memory
	}
	n := p.add(spot{o.number, i})
	if name != "" && !s.isStatic() {
		abi := abiIndex(s.abi())
		p.byName[abi].put(p.nameSlot(name, abi), hashName(name), n)
	}
	p.record(n, o, i)
}

// defineShared numbers a symbol that other packages find by its name or contents.
func (p *program) defineShared(o *object, i uint32) error {
	if s := o.sym(i); s.kind() == 0 || s.kind() >= kindDebug {
		return nil
	}
	x, slot, hash := p.slotOf(o, i)
	at := spot{o.number, i}
	if slot == nil || slot.id == 0 {
		n := p.add(at)
		if slot != nil {
			x.put(slot, hash, n)
		}
		p.record(n, o, i)
		return nil
	}
	n := slot.id
	wins, fault := p.overrides(p.def(n), def{o, i})
	if fault {
		return &Unfit{Why: fmt.Sprintf("%s and %s both define %s", p.def(n).o.path, o.path, o.name(i))}
	}
	if wins {
		at, p.defs[n] = p.defs[n], at
	}
	// Functions with the same code can differ in their tables: see layout.match.
	if o.isHashed(i) && !isText(o.sym(i).kind()) && p.def(n).sym().size() == p.defAt(at).sym().size() {
		p.same.set(n)
	} else {
		p.more = append(p.more, further{n, at})
	}
	p.record(n, o, i)
	return nil
}

// overrides tells whether the linker takes the later definition of a symbol: addSym in cmd/link/internal/loader.
func (p *program) overrides(old, later def) (wins, fault bool) {
	s, t := old.sym(), later.sym()
	switch {
	case later.hashed() || t.dupok() && (s.dupok() || !p.version.properWins):
		return t.size() > s.size(), false
	case t.dupok():
		return false, false
	case s.dupok():
		return p.version.properWins, false
	}
	oldBss := !isText(s.kind()) && len(old.content()) == 0
	laterBss := !isText(t.kind()) && len(later.content()) == 0
	switch {
	case isText(t.kind()) && oldBss, len(later.content()) > 0 && oldBss, laterBss && oldBss && t.size() > s.size():
		return true, false
	case laterBss:
		return false, false
	}
	return false, true
}

// reference numbers a reference by name.
func (p *program) reference(o *object, i uint32) id {
	s, name := o.sym(i), o.name(i)
	none := spot{-o.number, i}
	if s.isStatic() {
		return p.add(none)
	}
	abi := abiIndex(s.abi())
	slot := p.nameSlot(name, abi)
	n := slot.id
	if n == 0 {
		n = p.add(none)
		p.byName[abi].put(slot, hashName(name), n)
	}
	if s.flags2()&symUsedInIface != 0 {
		p.iface[n] = true
	}
	return n
}

// resolve returns the symbol that a reference in o means; 0 if none.
func (p *program) resolve(o *object, r ref) id {
	switch r.pkg {
	case 0:
		return 0
	case refSelf:
		return o.ids[r.sym]
	case refHashed64:
		return o.ids[int(r.sym)+o.hashed64]
	case refHashed:
		return o.ids[int(r.sym)+o.hashed]
	case refNone:
		return o.ids[int(r.sym)+o.named]
	case refBuiltin:
		return p.builtin(r.sym)
	}
	return o.packages[r.pkg].ids[r.sym]
}

// name returns a symbol's name for people.
func (p *program) name(n id) string {
	if name := p.nameOf(n); name != "" {
		return strings.Clone(name)
	}
	if d := p.def(n); d.known() {
		return fmt.Sprintf("symbol %d of %s", d.i, d.o.path)
	}
	return fmt.Sprintf("symbol %d", n)
}

// mentioned returns a symbol by its name, even if nothing defines it; 0 if there is none.
func (p *program) mentioned(name string, abi int) id { return p.nameSlot(name, abi).id }

// named returns a symbol by its name; 0 if there is none, or no definition.
func (p *program) named(name string, abi int) id {
	n := p.mentioned(name, abi)
	if n != 0 && !p.def(n).known() {
		return 0
	}
	return n
}
