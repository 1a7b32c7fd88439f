package patch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// base is an exact link that was verified.
type base struct {
	mu     sync.Mutex // guards all below: one patch or comparison at a time
	closed bool

	program *program
	layout  *layout
	live    *liveness
	likely  map[string]Change // packages that are likely to change, unchanged
	main    id                // main..inittask
	tasks   []id              // the init tasks in their order
	known   initTasks         // the same, as the base has them
	inlined map[id][]string   // functions of packages that may change -> other packages that have inlined them

	variables []variable // outside the standard library, with a type

	set map[string]bool // names of variables that get their value from the linker, if they are in the program
}

func open(ctx context.Context, link Link) (opened *Base, err error) {
	if versionOf(link.GoVersion) == nil {
		return nil, &Unfit{Why: supported(link.GoVersion, "linux", "amd64")}
	}
	b := &Base{base{set: setByLinker(link.Set)}}
	defer func() {
		if err != nil {
			_ = b.close()
		}
	}()
	defer guard(&err)()
	if b.program, err = load(ctx, versionOf(link.GoVersion), link.Archives); err != nil {
		return nil, err
	}
	m, err := openImage(link.Image, b.program.version)
	if err != nil {
		return nil, err
	}
	b.layout = &layout{program: b.program, image: m, defs: b.program.defs} // for close, and to find the init tasks
	b.known = initTasks{}
	b.main = b.program.mentioned("main..inittask", 0)
	if b.tasks, err = initOrder(b.layout, b.main, b.program.version.initOrder, b.known); err != nil {
		return nil, err
	}
	if len(m.modules) != 1 {
		return nil, &Unfit{Why: "the program is itself a patched one"}
	}
	l, err := replay(ctx, b.program, m, b.tasks, true)
	if err != nil {
		return nil, err
	}
	b.layout = l
	if err := b.verify(ctx); err != nil {
		return nil, err
	}
	b.likely = map[string]Change{}
	for _, path := range append([]string{"main"}, link.Likely...) {
		b.likely[path] = Change{Archive: link.Archives[path]}
	}
	b.rest()
	b.rehearse(ctx)
	return b, ctx.Err()
}

// verify checks that the image is what the known rules make of the archives, and derives the state for patches.
func (b *base) verify(ctx context.Context) (err error) {
	l := b.layout
	if len(l.faults) > 0 {
		return &Unfit{Why: fmt.Sprintf("the program is not what the linker makes of the archives: %v", l.faults[0])}
	}
	if len(l.copies) > 0 {
		return &Unfit{Why: "the program has a table twice"}
	}
	for _, t := range l.told {
		switch {
		case isText(b.program.def(t.id).kind()) && l.address[t.id] != t.address:
			return &Unfit{Why: "function " + b.program.name(t.id) + " is not where the symbol table says"}
		case isInitTask(b.program.nameOf(t.id)) && l.address[t.id] != t.address && l.address[t.id] != 0:
			return &Unfit{Why: "the program's init tasks have another order than expected"}
		}
	}
	l.told = nil
	if err := b.program.checkImports(); err != nil {
		return err
	}
	if b.live, err = l.liveness(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.checkLists(); err != nil {
		return err
	}
	b.inlined = b.inlinedElsewhere()
	b.variables = b.typed()
	l.image.forget()
	return nil
}

// setByLinker returns the names of string variables that get their value from the linker: those of its flags -X, and
// the linker's own (addstrdata in cmd/link/internal/ld).
func setByLinker(flags []string) map[string]bool {
	set := map[string]bool{"runtime.buildVersion": true, "runtime.modinfo": true, "runtime.defaultGOROOT": true}
	for _, flag := range flags {
		name, _, _ := strings.Cut(flag, "=")
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			set[escaped(name[:dot])+name[dot:]] = true
		}
	}
	return set
}

// checkLists checks that the runtime finds the types and itabs that the linker lists, and that their sizes are known.
func (b *base) checkLists() error {
	m, known := b.layout.image, b.layout.byAddress()
	listed := map[id]bool{}
	for _, at := range slices.Concat(m.listedTypes(&m.modules[0]), m.listedItabs(&m.modules[0])) {
		listed[known[at]] = true
	}
	for at, n := range known {
		s := b.layout.def(n).sym()
		if listed[n] != (s.typelink() || s.isItab()) {
			return &Unfit{Why: "the program lists other types and itabs than expected: " + b.program.name(n)}
		}
		size := m.itabSize(at)
		if s.isType() {
			size = m.typeSize(at)
		}
		if listed[n] && size != uint64(s.size()) {
			return &Unfit{Why: fmt.Sprintf("%s has %d bytes instead of %d", b.program.name(n), s.size(), size)}
		}
	}
	return nil
}

// variable is a variable in memory with its type, from which the garbage collector knows its pointers.
type variable struct{ id, typ id }

func (b *base) typed() (list []variable) {
	for _, n := range b.layout.reached {
		d := b.layout.def(n)
		if kind := d.kind(); d.o.standard || kind < kindNoptrdata || kind > kindNoptrbss {
			continue
		}
		for _, a := range d.auxes() {
			if a.kind() == auxGotype {
				list = append(list, variable{n, b.program.resolve(d.o, a.target())})
			}
		}
	}
	return list
}

// inlinedElsewhere finds functions outside the standard library whose body other packages have inlined. The linker
// tells the runtime their first line in the tables of the other packages' functions.
func (b *base) inlinedElsewhere() map[id][]string {
	found := map[id][]string{}
	for _, n := range b.layout.reached {
		d := b.layout.def(n)
		if d.o.standard || !isText(d.kind()) {
			continue
		}
		info := d.o.info(d.i)
		if info == nil {
			continue
		}
		for _, call := range info.inlined() {
			f := b.program.resolve(d.o, call.function)
			if t := b.program.def(f); t.known() && !t.o.standard && t.o.path != d.o.path {
				found[f] = append(found[f], d.o.path)
			}
		}
	}
	return found
}

// rest lets go of the mapped files' memory: nobody needs it before the next patch.
func (b *base) rest() {
	for _, data := range b.program.mapped {
		letGo(data)
	}
	b.layout.image.rest()
}

func (b *base) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if b.program != nil {
		b.program.close()
	}
	if b.layout != nil {
		b.layout.image.close()
	}
	b.program, b.layout, b.live, b.inlined, b.variables = nil, nil, nil, nil, nil
	return nil
}

var errClosed = errors.New("the base is closed")

// guard turns a fault in this package into an error, so that the real linker runs: a file that ends too early while it
// is mapped, or an object that is not what this package expects.
func guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		switch x := recover().(type) {
		case nil:
		case refusal:
			*err = &Unfit{Why: x.why}
		case error:
			*err = &Unfit{Why: fmt.Sprintf("a fault in package patch: %v", x), Stack: string(debug.Stack())}
		default:
			panic(x)
		}
	}
}

// refusal is a panic that ends the making of a patch. Patching is a deep recursion over symbols, and any of them can be
// of an unknown kind.
type refusal struct{ why string }

func refuse(format string, args ...any) { panic(refusal{fmt.Sprintf(format, args...)}) }
