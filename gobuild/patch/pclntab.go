package patch

import (
	"bytes"
	"slices"
	"strings"
)

// pclntab is the table that tells the runtime about functions: names, files, lines, stack maps. Its parts are those of
// cmd/link/internal/ld/pcln.go. Offsets of funcdata count from the base's, see newModule.
type pclntab struct {
	start, end                   uint64
	header, names, nNames        uint64
	cutab, nCutab, files, nFiles uint64
	pctab, nPctab                uint64
	functions, nFunctions, find  uint64
	entries, maxpc               uint64
	bytes                        []byte
}

// tableMaker collects the parts of a pclntab.
type tableMaker struct {
	x          *patch
	names      stringTable
	files      stringTable
	pctab      []byte
	pcAt       map[string]uint32
	data       []byte // funcdata
	dataAt     uint64 // its address
	dataOf     map[id]uint32
	units      []*object
	unitFiles  map[*object]uint32 // files that functions of the object use, by their number: the largest, plus one
	unitStart  map[*object]uint32
	expandRoot string
}

// stringTable is a list of strings that end with zero, each once.
type stringTable struct {
	bytes []byte
	at    map[string]uint32
}

func (t *stringTable) put(s string) uint32 {
	if at, ok := t.at[s]; ok {
		return at
	}
	at := uint32(len(t.bytes))
	t.at[s] = at
	t.bytes = append(append(t.bytes, s...), 0)
	return at
}

// functionRow is what a _func contains, before the tables have their places.
type functionRow struct {
	at                    uint64
	name, args, deferCall uint32
	pcsp, pcfile, pcline  uint32
	unit                  *object
	startLine             uint32
	id, flag              uint8
	pcdata, funcdata      []uint32
}

const none32 = ^uint32(0)

// buildPclntab makes the table for the module's functions, to be placed at an address.
func (x *patch) buildPclntab(start uint64) {
	t := &tableMaker{
		x: x, names: stringTable{[]byte{0}, map[string]uint32{"": 0}}, files: stringTable{at: map[string]uint32{}},
		pctab: []byte{0}, pcAt: map[string]uint32{}, dataAt: start, dataOf: map[id]uint32{},
		unitFiles: map[*object]uint32{}, unitStart: map[*object]uint32{}, expandRoot: x.l.image.goroot(),
	}
	var rows []functionRow
	for _, e := range x.module.code {
		rows = append(rows, t.row(e))
	}
	if len(rows) == 0 {
		rows = append(rows, functionRow{at: x.module.codeAt, name: t.names.put(moduleName)})
	}
	t.write(start, rows, t.cutab())
}

func (t *tableMaker) row(e *emission) functionRow {
	d := e.d
	f := functionRow{at: e.address, name: t.names.put(d.name()), deferCall: t.x.p.deferCall(t.x, d), unit: d.o}
	if _, ok := t.unitFiles[d.o]; !ok {
		t.units = append(t.units, d.o)
		t.unitFiles[d.o] = 0
	}
	info := d.o.info(d.i)
	if info == nil {
		return f
	}
	f.args, f.startLine, f.id, f.flag = info.args(), info.startLine(), info.id(), info.flag()
	var pcinline uint32
	for _, a := range d.auxes() {
		target := a.target()
		switch a.kind() {
		case auxPcsp:
			f.pcsp = t.pc(d.o, target)
		case auxPcfile:
			f.pcfile = t.pc(d.o, target)
		case auxPcline:
			f.pcline = t.pc(d.o, target)
			if now, moved := d.o.relined[d.i]; moved {
				f.pcline = t.pcTable(now.lines)
			}
		case auxPcinline:
			pcinline = t.pc(d.o, target)
		case auxPcdata:
			f.pcdata = append(f.pcdata, t.pc(d.o, target))
		case auxFuncdata:
			f.funcdata = append(f.funcdata, t.funcdata(d.o, target))
		}
	}
	for _, i := range info.files() {
		t.useFile(d.o, i)
	}
	if calls := info.inlined(); len(calls) > 0 {
		for len(f.pcdata) <= pcdataInlTree {
			f.pcdata = append(f.pcdata, 0)
		}
		f.pcdata[pcdataInlTree] = pcinline
		for len(f.funcdata) <= funcdataInlTree {
			f.funcdata = append(f.funcdata, none32)
		}
		f.funcdata[funcdataInlTree] = t.inlineTree(d, calls)
	}
	return f
}

// deferCall returns the offset of the call of runtime.deferreturn in a function; 0 if there is none.
func (p *program) deferCall(in resolver, d def) uint32 {
	deferreturn := p.mentioned("runtime.deferreturn", 1)
	relocs := d.relocs()
	for j := range relocs {
		if relocs[j].kind() == relocCall && in.resolve(d.o, relocs[j].target()) == deferreturn {
			return relocs[j].off() - 1 // the instruction begins one byte before the distance
		}
	}
	return 0
}

// pc stores a table of values by program counter.
func (t *tableMaker) pc(o *object, r ref) uint32 {
	d := t.x.def(t.x.resolve(o, r))
	if !d.known() {
		return 0
	}
	return t.pcTable(d.content())
}

func (t *tableMaker) pcTable(content []byte) uint32 {
	if len(content) == 0 {
		return 0
	}
	if at, ok := t.pcAt[string(content)]; ok {
		return at
	}
	at := uint32(len(t.pctab))
	t.pctab = append(t.pctab, content...)
	t.pcAt[string(content)] = at
	return at
}

// funcdata stores a table of a function, or finds it in the base.
func (t *tableMaker) funcdata(o *object, r ref) uint32 {
	n := t.x.resolve(o, r)
	d := t.x.def(n)
	if n == 0 || !d.known() || d.sym().size() == 0 {
		return none32
	}
	if at, ok := t.dataOf[n]; ok {
		return at
	}
	if t.x.inBase(n) && t.x.fate(n) == stays && d.hashed() {
		return uint32(t.x.l.address[n] - t.x.l.image.modules[0].gofunc)
	}
	at := t.put(make([]byte, d.sym().size()), max(alignment(d), 4))
	address := t.x.l.image.modules[0].gofunc + uint64(at)
	memory := t.data[address-t.dataAt:]
	copy(memory, d.content())
	t.x.relocate(d, address, memory)
	t.dataOf[n] = at
	return at
}

// put appends to the funcdata and returns the offset from the base's.
func (t *tableMaker) put(b []byte, align uint64) uint32 {
	for uint64(len(t.data))%align != 0 {
		t.data = append(t.data, 0)
	}
	at := t.dataAt + uint64(len(t.data))
	t.data = append(t.data, b...)
	return uint32(at - t.x.l.image.modules[0].gofunc)
}

// useFile notes that a function's lines come from a file.
func (t *tableMaker) useFile(o *object, i uint32) {
	t.unitFiles[o] = max(t.unitFiles[o], i+1)
	t.files.put(expand(o.file(i), t.expandRoot))
}

// expand returns the name of a file as the linker writes it. root stands for $GOROOT; "" if nothing does.
func expand(file, root string) string {
	file = strings.TrimPrefix(file, "gofile..")
	if rest, ok := strings.CutPrefix(file, "$GOROOT/"); ok && root != "" {
		return root + "/" + rest
	}
	return file
}

// goroot returns what stands for $GOROOT in the image's names of files; "" if nothing does.
func (m *image) goroot() string {
	const file = "/src/runtime/proc.go"
	from := m.offset(m.modules[0].files)
	to := m.offset(m.modules[0].pctab)
	if from < 0 || to < from {
		return ""
	}
	files := m.data[from:to]
	if i := bytes.Index(files, []byte(file+"\x00")); i >= 0 {
		if root := string(files[bytes.LastIndexByte(files[:i], 0)+1 : i]); root != "$GOROOT" {
			return root
		}
	}
	return ""
}

// inlineTree stores what was inlined into a function: a list of runtime.inlinedCall.
func (t *tableMaker) inlineTree(d def, calls []inlined) uint32 {
	var tree []byte
	for _, c := range calls {
		t.useFile(d.o, c.file)
		f := t.x.def(t.x.resolve(d.o, c.function))
		if !f.known() {
			refuse("a function that %s has inlined is not known", d.name())
		}
		info := f.o.info(f.i)
		if info == nil {
			refuse("the lines of %s are not known", f.name())
		}
		for _, v := range []uint32{uint32(info.id()), t.names.put(f.name()), c.parentPC, info.startLine()} {
			tree = le.AppendUint32(tree, v)
		}
	}
	return t.put(tree, 4)
}

// cutab makes the table from an object's numbers of files to names.
func (t *tableMaker) cutab() (table []byte) {
	for _, o := range t.units {
		t.unitStart[o] = uint32(len(table) / 4)
		for i := range t.unitFiles[o] {
			at, used := t.files.at[expand(o.file(i), t.expandRoot)]
			if !used {
				at = none32
			}
			table = le.AppendUint32(table, at)
		}
	}
	return table
}

// write puts the parts together.
func (t *tableMaker) write(start uint64, rows []functionRow, cutab []byte) {
	out := &t.x.module.pcln
	*out = pclntab{start: start, entries: uint64(len(rows)), bytes: t.data}
	add := func(b []byte) (at, n uint64) {
		for len(out.bytes)%8 != 0 {
			out.bytes = append(out.bytes, 0)
		}
		at = start + uint64(len(out.bytes))
		out.bytes = append(out.bytes, b...)
		return at, uint64(len(b))
	}
	header := make([]byte, 72)
	le.PutUint32(header, pclnMagic)
	header[6], header[7] = 1, 8 // bytes of an instruction's unit and of a pointer
	le.PutUint64(header[8:], uint64(len(rows)))
	le.PutUint64(header[16:], uint64(len(t.files.at)))
	if t.x.p.version.textInHeader {
		le.PutUint64(header[24:], t.x.l.image.modules[0].text)
	}
	out.header, _ = add(header)
	out.names, out.nNames = add(t.names.bytes)
	out.cutab, out.nCutab = add(cutab)
	out.nCutab /= 4
	out.files, out.nFiles = add(t.files.bytes)
	out.pctab, out.nPctab = add(t.pctab)
	out.maxpc = t.x.module.codeEnd
	out.functions, out.nFunctions = add(t.functions(rows, out.maxpc))
	out.find, _ = add(t.x.findTable(rows, out.maxpc))
	for i, at := range []uint64{out.names, out.cutab, out.files, out.pctab, out.functions} {
		le.PutUint64(out.bytes[out.header-start+32+8*uint64(i):], at-out.header)
	}
	out.bytes = append(out.bytes, make([]byte, -len(out.bytes)&7)...)
	out.end = start + uint64(len(out.bytes))
}

// functions makes the table of entry points, and what is known of each function.
func (t *tableMaker) functions(rows []functionRow, maxpc uint64) []byte {
	text := t.x.l.image.modules[0].text
	table := make([]byte, len(rows)*8+4)
	for i := range rows {
		f := &rows[i]
		table = append(table, make([]byte, -len(table)&7)...)
		le.PutUint32(table[i*8:], uint32(f.at-text))
		le.PutUint32(table[i*8+4:], uint32(len(table)))
		unit := none32
		if f.unit != nil {
			unit = t.unitStart[f.unit]
		}
		for _, v := range []uint32{uint32(f.at - text), f.name, f.args, f.deferCall, f.pcsp, f.pcfile, f.pcline,
			uint32(len(f.pcdata)), unit, f.startLine} {
			table = le.AppendUint32(table, v)
		}
		table = append(table, f.id, f.flag, 0, byte(len(f.funcdata)))
		for _, v := range slices.Concat(f.pcdata, f.funcdata) {
			table = le.AppendUint32(table, v)
		}
	}
	le.PutUint32(table[len(rows)*8:], uint32(maxpc-text))
	return table
}

// findTable makes the table in which the runtime begins the search for a function: for each 256 bytes, the number of
// the first function in them. It comes in groups of 16: a first number, and the differences to it.
func (x *patch) findTable(rows []functionRow, maxpc uint64) (table []byte) {
	const bucket, group = 256, 16
	start := rows[0].at
	first := make([]int, (maxpc-start+bucket-1)/bucket)
	for i := range first {
		at := start + uint64(i)*bucket
		next, _ := slices.BinarySearchFunc(rows, at+1, func(f functionRow, at uint64) int {
			if f.at < at {
				return -1
			}
			return 1
		})
		first[i] = next - 1 // the last function that begins at or before the bucket
	}
	for i := 0; i < len(first); i += group {
		table = le.AppendUint32(table, uint32(first[i]))
		for k := i; k < i+group; k++ {
			switch {
			case k >= len(first):
				table = append(table, 0)
			case first[k]-first[i] > 255:
				refuse("too many small functions")
			default:
				table = append(table, byte(first[k]-first[i]))
			}
		}
	}
	return table
}
