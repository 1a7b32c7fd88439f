package patch

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// This file gives packages the lines that the compiler would give them now. A package's code contains lines of other
// packages, if functions of those are inlined or generic. If nothing but such lines has changed, the package need not
// be compiled again: its instructions are the same.

// Change tells what has changed in a package since the base was linked.
type Change struct {
	Archive string // the package's archive; "": that of the base
	Moved   []File // files of other packages whose declarations have moved since the archive was compiled
}

// File is a source file in which declarations have moved.
type File struct {
	Path  string // as the compiler names it
	Spans []Span // the declarations that code of other packages can contain lines of, in their order
}

// Span is a range of lines, From inclusive, To exclusive, which is Down lines further down now. Down can be negative.
type Span struct{ From, To, Down int }

// line returns where a line is now. It refuses a line that no span contains.
func (f *File) line(old int) int {
	for _, s := range f.Spans {
		if s.From <= old && old < s.To {
			return old + s.Down
		}
	}
	refuse("nobody knows where line %d of %s is now", old, f.Path)
	return 0
}

// moves tells whether a line of the file is known to be elsewhere now.
func (f *File) moves(line int) bool {
	return slices.ContainsFunc(f.Spans, func(s Span) bool { return s.From <= line && line < s.To && s.Down != 0 })
}

// relined is what the runtime knows of a function's lines, after some have moved.
type relined struct {
	info  funcInfo
	lines []byte // the table of lines by program counter
}

// reline gives the functions of a new object the lines of moved files. It returns whether any function has such lines.
func (o *object) reline(moved []File) bool {
	files := map[uint32]*File{} // by their number in the object
	for k := range moved {
		if i, found := o.fileNumber(moved[k].Path); found {
			files[i] = &moved[k]
		}
	}
	if len(files) == 0 {
		return false
	}
	o.relined = map[uint32]relined{}
	home := map[uint32]int32{} // of functions that are always inlined: the file that contains them
	for i, info := range o.functions {
		o.homes(i, info, home)
		for _, file := range info.files() {
			if files[file] == nil {
				continue
			}
			now := o.relineOne(i, info, files)
			if !bytes.Equal(now.info, info) || !bytes.Equal(now.lines, o.table(i, auxPcline)) {
				o.relined[i] = now
			}
			break
		}
	}
	for i, info := range o.functions {
		if o.sym(i).size() > 0 {
			continue
		}
		start := int32(info.startLine())
		file, known := home[i]
		if f := files[uint32(file)]; known && f != nil {
			if now := int32(f.line(int(start))); now != start {
				o.relined[i] = relined{info: info.startingAt(now)}
			}
		} else if !known && slices.ContainsFunc(moved, func(f File) bool { return f.moves(int(start)) }) {
			refuse("nobody knows which file contains %s", o.name(i))
		}
	}
	return len(o.relined) > 0
}

// functions yields the functions with what the compiler tells of them.
func (o *object) functions(yield func(i uint32, info funcInfo) bool) {
	for i := range uint32(o.refs) {
		if !isText(o.sym(i).kind()) {
			continue
		}
		if info := o.info(i); info != nil && !yield(i, info) {
			return
		}
	}
}

// homes finds the files of functions without code of their own which function i has inlined.
func (o *object) homes(i uint32, info funcInfo, home map[uint32]int32) {
	calls := info.inlined()
	empty := func(c inlined) bool {
		k, local := o.local(c.function)
		return local && o.sym(k).size() == 0
	}
	if !slices.ContainsFunc(calls, empty) {
		return
	}
	files, pc := values(o.table(i, auxPcfile)), uint32(0)
	for _, v := range values(o.table(i, auxPcinline)) {
		if v.v >= 0 && empty(calls[v.v]) {
			k, _ := o.local(calls[v.v].function)
			file := valueAt(files, pc).v
			if before, known := home[k]; known && before != file {
				refuse("nobody knows which file contains %s", o.name(k))
			}
			home[k] = file
		}
		pc = v.end
	}
}

// relineOne returns the lines of function i.
func (o *object) relineOne(i uint32, info funcInfo, moved map[uint32]*File) relined {
	files, lines := values(o.table(i, auxPcfile)), values(o.table(i, auxPcline))
	if !bytes.Equal(tableOf(lines), o.table(i, auxPcline)) {
		refuse("the lines of %s are written in another way than expected", o.name(i))
	}
	move := func(file, line int32) int32 {
		if f := moved[uint32(file)]; f != nil && line > 0 {
			return int32(f.line(int(line)))
		}
		return line
	}
	var now []value
	for pc := uint32(0); len(lines) > 0; {
		file := valueAt(files, pc)
		pc = min(lines[0].end, file.end)
		now = append(now, value{move(file.v, lines[0].v), pc})
		if pc == lines[0].end {
			lines = lines[1:]
		}
	}
	start := move(o.ownFile(i, files), int32(info.startLine()))
	return relined{info: info.startingAt(start), lines: tableOf(now)}
}

// ownFile returns the number of the file that contains function i: that of the instructions that are not inlined. One
// without a position of its own has the file of the instruction before, so the first one of a function is the surest.
func (o *object) ownFile(i uint32, files []value) int32 {
	inlined := values(o.table(i, auxPcinline))
	if len(inlined) == 0 || inlined[0].v < 0 {
		return valueAt(files, 0).v
	}
	own := int32(-1)
	for k := 1; k < len(inlined); k++ {
		if inlined[k].v >= 0 {
			continue
		}
		for pc := inlined[k-1].end; pc < inlined[k].end; {
			file := valueAt(files, pc)
			if own >= 0 && own != file.v {
				refuse("nobody knows which file contains %s", o.name(i))
			}
			own, pc = file.v, file.end
		}
	}
	if own < 0 {
		refuse("all instructions of %s are inlined", o.name(i))
	}
	return own
}

// table returns the contents of a table by program counter of function i; nil if it has none.
func (o *object) table(i uint32, kind uint8) []byte {
	for _, a := range o.auxes(i) {
		if a.kind() != kind {
			continue
		}
		if k, local := o.local(a.target()); local {
			return o.content(k)
		}
	}
	return nil
}

// local returns the number of a symbol that the object defines.
func (o *object) local(r ref) (i uint32, ok bool) {
	switch r.pkg {
	case refSelf:
		i = r.sym
	case refHashed64:
		i = r.sym + uint32(o.hashed64)
	case refHashed:
		i = r.sym + uint32(o.hashed)
	case refNone:
		i = r.sym + uint32(o.named)
	default:
		return 0, false
	}
	return i, i < uint32(o.refs)
}

// value is an entry of a table by program counter: a value, and where it ends.
type value struct {
	v   int32
	end uint32
}

// values reads a table: pairs of differences to the pair before. The first is to -1 and 0, and a zero ends the table.
// See cmd/internal/obj/pcln.go.
func values(table []byte) (list []value) {
	v, pc := int64(-1), uint64(0)
	for len(table) > 0 && (table[0] != 0 || list == nil) {
		dv, n := binary.Varint(table)
		dpc, m := binary.Uvarint(table[max(n, 0):])
		if n <= 0 || m <= 0 {
			refuse("a damaged table of an object file")
		}
		v, pc, table = v+dv, pc+dpc, table[n+m:]
		list = append(list, value{int32(v), uint32(pc)})
	}
	return list
}

// tableOf is the reverse of values. Neighbors with the same value become one.
func tableOf(list []value) (table []byte) {
	last := value{-1, 0}
	for k, v := range list {
		if k+1 < len(list) && list[k+1].v == v.v {
			continue
		}
		table = binary.AppendVarint(table, int64(v.v)-int64(last.v))
		table = binary.AppendUvarint(table, uint64(v.end-last.end))
		last = v
	}
	if len(list) > 0 {
		table = append(table, 0)
	}
	return table
}

// valueAt returns the value at a program counter, which a table must contain.
func valueAt(list []value, pc uint32) value {
	for _, v := range list {
		if pc < v.end {
			return v
		}
	}
	refuse("a table of an object file ends too early")
	return value{}
}
