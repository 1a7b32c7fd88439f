package patch

import (
	"context"
	"fmt"
	"strings"
)

// program is what the linker knows after it has read all archives: the symbols and where they are defined. It follows
// cmd/link/internal/loader. Nothing changes it after loading.
type program struct {
	objects []*object // in the order in which the linker reads them
	byPath  map[string]*object
	foreign map[string]bool // packages with objects of a C compiler

	defs  []def        // by id; entry 0 is none
	sizes []uint32     // by id; the largest of all definitions
	more  map[id][]def // further definitions of the same symbol

	byName   [2]map[string]id // by ABI
	byHash64 map[uint64]id
	byHash   map[[hashSize]byte]id
	iface    map[id]bool // types that a flag of an object says are converted to interfaces
	movable  []bool      // by id: some package outside the standard library defines it
	builtins []id        // by the number that the compiler uses
	releases []func()
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
func load(ctx context.Context, archives map[string]string) (*program, error) {
	p := &program{
		byPath: map[string]*object{}, foreign: map[string]bool{}, more: map[id][]def{},
		byName:   [2]map[string]id{make(map[string]id, 1<<12), make(map[string]id, 1<<15)},
		byHash64: make(map[uint64]id, 1<<10), byHash: make(map[[hashSize]byte]id, 1<<13), iface: map[id]bool{},
		defs: make([]def, 1, 1<<16), sizes: make([]uint32, 1, 1<<16), movable: make([]bool, 1, 1<<16),
	}
	if err := p.read(ctx, archives); err != nil {
		p.close()
		return nil, err
	}
	if err := p.define(); err != nil {
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
		p.releases = append(p.releases, a.release)
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
func (p *program) define() error {
	for _, o := range p.objects {
		for i := range uint32(o.hashed64) {
			p.definePackageSymbol(o, i)
		}
	}
	for _, o := range p.objects {
		for i := uint32(o.hashed64); i < uint32(o.refs); i++ {
			if err := p.defineShared(o, i); err != nil {
				return err
			}
		}
	}
	for _, o := range p.objects {
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
	p.builtins = p.builtinIDs(builtins126)
	for _, o := range p.objects {
		o.refFlags(func(r ref, flags2 uint8) {
			if flags2&symUsedInIface != 0 {
				p.iface[p.resolve(o, r)] = true
			}
		})
	}
	return nil
}

func (p *program) add(d def) id {
	p.defs = append(p.defs, d)
	p.sizes = append(p.sizes, 0)
	p.movable = append(p.movable, false)
	return id(len(p.defs) - 1)
}

func (p *program) record(n id, o *object, i uint32) {
	s := o.sym(i)
	o.ids[i] = n
	p.sizes[n] = max(p.sizes[n], s.size())
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
	n := p.add(def{o, i})
	if name != "" && !s.isStatic() {
		p.byName[abiIndex(s.abi())][name] = n
	}
	p.record(n, o, i)
}

// defineShared numbers a symbol that other packages find by its name or contents.
func (p *program) defineShared(o *object, i uint32) error {
	s, name := o.sym(i), o.name(i)
	if s.kind() == 0 || s.kind() >= kindDebug {
		return nil
	}
	n := id(0)
	switch {
	case int(i) < o.hashed:
		n = p.byHash64[o.hash64(i)]
	case int(i) < o.named:
		n = p.byHash[o.hash(i)]
	case name != "" && !s.isStatic():
		n = p.byName[abiIndex(s.abi())][name]
	}
	d := def{o, i}
	if n == 0 {
		n = p.add(d)
		switch {
		case int(i) < o.hashed:
			p.byHash64[o.hash64(i)] = n
		case int(i) < o.named:
			p.byHash[o.hash(i)] = n
		case name != "" && !s.isStatic():
			p.byName[abiIndex(s.abi())][name] = n
		}
		p.record(n, o, i)
		return nil
	}
	wins, fault := overrides(p.defs[n], d)
	if fault {
		return &Unfit{Why: fmt.Sprintf("%s and %s both define %s", p.defs[n].o.path, o.path, name)}
	}
	p.more[n] = append(p.more[n], d)
	if wins {
		p.more[n][len(p.more[n])-1], p.defs[n] = p.defs[n], d
	}
	p.record(n, o, i)
	return nil
}

// overrides tells whether the linker takes the later definition of a symbol: addSym in cmd/link/internal/loader.
func overrides(old, later def) (wins, fault bool) {
	s, t := old.sym(), later.sym()
	switch {
	case later.hashed() || t.dupok():
		return t.size() > s.size(), false
	case s.dupok():
		return false, false
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
	if s.isStatic() {
		return p.add(def{})
	}
	names := p.byName[abiIndex(s.abi())]
	n := names[name]
	if n == 0 {
		n = p.add(def{})
		names[name] = n
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
	if d := p.defs[n]; d.known() {
		if name := d.name(); name != "" {
			return strings.Clone(name)
		}
		return fmt.Sprintf("symbol %d of %s", d.i, d.o.path)
	}
	for abi := range p.byName {
		for name, m := range p.byName[abi] {
			if m == n {
				return strings.Clone(name)
			}
		}
	}
	return fmt.Sprintf("symbol %d", n)
}

// named returns a symbol by its name; 0 if there is none, or no definition.
func (p *program) named(name string, abi int) id {
	n := p.byName[abi][name]
	if n != 0 && !p.defs[n].known() {
		return 0
	}
	return n
}
