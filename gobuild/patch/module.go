package patch

import (
	"cmp"
	"slices"
)

// newModule is the module of a patch: three segments behind everything that is in the base's memory. Its module data
// continue those of the base: the beginning of text, types, read-only data and tables is the base's, so an offset means
// the same in both modules. Minimum and maximum of its code, its variables, and the end of everything are its own.
type newModule struct {
	made                         bool        // false: contents at their place are the whole patch
	code, rodata, data           []*emission // functions, constants, variables with pointers and contents
	noptrdata, bss, noptrbss     []*emission
	codeAt, rodataAt, variableAt uint64 // addresses of the segments
	codeEnd, pclnEnd, rodataEnd  uint64
	codeBytes, roBytes, variable []byte // contents of the segments
	bssSize                      uint64 // memory behind the contents of the last segment
	tasks                        []id
	tasksAt                      uint64
	types, itabs                 []*emission // those that the module lists, in order
	typelinks, itablinks         uint64      // addresses of their tables, or:
	typesEnd, itabsAt, itabsEnd  uint64      // where they lie themselves
	gcdata, gcbss, name          uint64
	span                         spans
	pcln                         pclntab
}

// spans are the limits of the module's variables.
type spans struct{ noptrdata, enoptrdata, data, edata, bss, ebss, noptrbss, enoptrbss uint64 }

const pageSize = 4096

func roundUp(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }

// build places everything and fills the segments.
func (x *patch) build() {
	m := &x.module
	m.made = len(x.order) > 0 || !slices.Equal(m.tasks, x.b.tasks)
	if !m.made {
		return
	}
	x.sort()
	m.codeAt = roundUp(x.l.image.end(), pageSize)
	if m.codeEnd = place(m.code, m.codeAt); len(m.code) == 0 {
		m.codeEnd += 32 // the runtime does not allow a module without functions
	}
	variables := x.placeVariables(0) // only to know the masks; they are relative
	gcdata, gcbss := x.gcProgram(m.data, m.span.data, m.span.edata), x.gcProgram(m.bss, m.span.bss, m.span.ebss)
	m.rodataAt = roundUp(m.codeEnd, pageSize)
	end := x.placeConstants()
	x.buildPclntab(roundUp(end, 32))
	m.roBytes = make([]byte, m.pcln.end-m.rodataAt)
	copy(m.roBytes[m.pcln.start-m.rodataAt:], m.pcln.bytes)
	m.pclnEnd = m.pcln.end
	if !x.p.version.walked {
		x.linkTables()
	}
	m.gcdata, m.gcbss = m.append(gcdata), m.append(gcbss)
	m.name = m.append([]byte(moduleName))
	m.rodataEnd = m.rodataAt + uint64(len(m.roBytes))
	m.variableAt = roundUp(m.rodataEnd, pageSize)
	x.placeVariables(m.variableAt)
	m.variable = make([]byte, variables.stored)
	m.bssSize = variables.all - variables.stored
	if end := m.variableAt + variables.all; end-x.l.image.segments[0].address > 1<<31-1<<20 {
		refuse("the program is too large for distances of 32 bits")
	}
	m.codeBytes = slices.Repeat([]byte{0xcc}, int(m.codeEnd-m.codeAt)) // INT3 between functions, as the linker does
	x.fill()
	x.fillModuleData()
}

// moduleName is the name of the new module, which the runtime prints when it throws.
const moduleName = "hotreload patch"

// sort puts the emitted symbols into the lists of their segments.
func (x *patch) sort() {
	m := &x.module
	lists := map[uint8]*[]*emission{kindText: &m.code, kindRodata: &m.rodata, kindNoptrdata: &m.noptrdata,
		kindData: &m.data, kindBss: &m.bss, kindNoptrbss: &m.noptrbss}
	for _, e := range x.order {
		list := lists[e.d.kind()]
		*list = append(*list, e)
	}
	// By package and number, so that a patch is the same each time.
	rank := map[*object]int{}
	for i, o := range x.p.objects {
		rank[o] = i
		if n := x.changed[o]; n != nil {
			rank[n] = i
		}
	}
	for _, list := range lists {
		slices.SortFunc(*list, func(a, b *emission) int {
			return cmp.Or(cmp.Compare(rank[a.d.o], rank[b.d.o]), cmp.Compare(a.d.i, b.d.i))
		})
	}
}

// place gives symbols addresses from at, and returns the end.
func place(list []*emission, at uint64) uint64 {
	for _, e := range list {
		at = roundUp(at, alignment(e.d))
		e.address = at
		at += uint64(e.d.sym().size())
	}
	return at
}

// alignment is symalign in cmd/link/internal/ld/data.go, for amd64.
func alignment(d def) uint64 {
	s := d.sym()
	const largest = 32
	if isText(s.kind()) {
		return max(largest, uint64(s.align()))
	}
	if a := s.align(); a != 0 {
		return uint64(a)
	}
	a := uint64(largest)
	for a > uint64(s.size()) && a > 1 {
		a /= 2
	}
	return a
}

// sizes are the bytes of the segment of variables in the file, and in memory.
type sizes struct{ stored, all uint64 }

// placeVariables lays out the last segment: the module data, then variables by kind.
func (x *patch) placeVariables(at uint64) sizes {
	m := &x.module
	s := &m.span
	s.noptrdata = at + uint64(x.l.image.fields.size)
	m.tasksAt = roundUp(place(m.noptrdata, s.noptrdata), 8)
	s.enoptrdata = m.tasksAt + 8*uint64(len(m.tasks))
	s.data = roundUp(s.enoptrdata, 64)
	s.edata = roundUp(place(m.data, s.data), 8)
	s.bss = roundUp(s.edata, 64)
	s.ebss = roundUp(place(m.bss, s.bss), 8)
	s.noptrbss = roundUp(s.ebss, 64)
	s.enoptrbss = place(m.noptrbss, s.noptrbss)
	return sizes{s.edata - at, s.enoptrbss - at}
}

// append adds bytes to the read-only segment and returns their address.
func (m *newModule) append(b []byte) uint64 {
	for len(m.roBytes)%8 != 0 {
		m.roBytes = append(m.roBytes, 0)
	}
	at := m.rodataAt + uint64(len(m.roBytes))
	m.roBytes = append(m.roBytes, b...)
	return at
}

// Offsets in internal/abi.Type.
const (
	typePtrBytes = 8
	typeTFlag    = 20
	typeKind     = 23
	typeGCData   = 32
	typeStr      = 40
	typeBytes    = 48

	tflagUncommon     = 1 << 0
	tflagExtraStar    = 1 << 1
	tflagMaskOnDemand = 1 << 4
)

// typeText returns a type as reflection prints it.
func (x *patch) typeText(d def) string {
	text, ok := nameAt(x, d, typeStr)
	if !ok || len(d.content()) < typeBytes {
		refuse("the name of %s cannot be read", d.name())
	}
	if d.content()[typeTFlag]&tflagExtraStar != 0 {
		text = text[1:]
	}
	return text
}

// fill copies contents into the segments and resolves relocations.
func (x *patch) fill() {
	m := &x.module
	for _, e := range x.order {
		switch e.d.kind() {
		case kindText:
			e.memory = m.codeBytes[e.address-m.codeAt:][:e.d.sym().size()]
		case kindRodata:
			e.memory = m.roBytes[e.address-m.rodataAt:][:e.d.sym().size()]
		case kindData, kindNoptrdata:
			e.memory = m.variable[e.address-m.variableAt:][:e.d.sym().size()]
		default:
			continue
		}
		copy(e.memory, e.d.content())
		x.relocate(e.d, e.address, e.memory)
	}
	for i, n := range m.tasks {
		le.PutUint64(m.variable[m.tasksAt-m.variableAt+8*uint64(i):], x.addressOf(n))
	}
}

func (x *patch) fillModuleData() {
	m, f, first := &x.module, x.l.image.fields, &x.l.image.modules[0]
	b := m.variable[:f.size]
	put := func(off int, v uint64) { le.PutUint64(b[off:], v) }
	slice := func(off int, at, n uint64) {
		put(off, at)
		put(off+8, n)
		put(off+16, n)
	}
	t := &m.pcln
	put(f.pcHeader, t.header)
	slice(f.funcnametab, t.names, t.nNames)
	slice(f.cutab, t.cutab, t.nCutab)
	slice(f.filetab, t.files, t.nFiles)
	slice(f.pctab, t.pctab, t.nPctab)
	slice(f.pclntable, t.functions, t.nFunctions)
	slice(f.ftab, t.functions, t.entries+1)
	put(f.findfunctab, t.find)
	put(f.minpc, m.codeAt)
	put(f.maxpc, t.maxpc)
	put(f.text, first.text)
	put(f.etext, t.maxpc)
	s := &m.span
	for off, v := range map[int]uint64{
		f.noptrdata: s.noptrdata, f.enoptrdata: s.enoptrdata, f.data: s.data, f.edata: s.edata, f.bss: s.bss,
		f.ebss: s.ebss, f.noptrbss: s.noptrbss, f.enoptrbss: s.enoptrbss, f.end: s.enoptrbss, f.gcdata: m.gcdata,
		f.gcbss: m.gcbss, f.rodata: first.rodata,
		f.gofunc: first.gofunc, f.modulename: m.name,
		f.modulename + 8: uint64(len(moduleName)),
	} {
		put(off, v)
	}
	if f.epclntab != 0 {
		put(f.epclntab, m.pclnEnd)
	}
	x.fillLists(put)
}
