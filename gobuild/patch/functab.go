package patch

import "sort"

// function is what the runtime knows of a function in an image: a runtime._func.
type function struct {
	image  *image
	module *module
	at     uint64 // address of the _func
	raw    []byte
}

const funcSize = 44 // bytes of a _func before the tables

func (f *function) u32(off int) uint32 { return le.Uint32(f.raw[off:]) }
func (f *function) name() string       { return f.nameAt(f.u32(4)) }
func (f *function) pcdata() int        { return int(f.u32(28)) }
func (f *function) funcdatas() int     { return int(f.raw[43]) }

// nameAt returns a name of a function. For the runtime, what lies at offset 0 has no name; the linker has a function
// there nevertheless, the program's first.
func (f *function) nameAt(off uint32) string {
	if off == 0 && f.module != &f.image.modules[0] {
		return ""
	}
	return f.image.text(f.module.names + uint64(off))
}

// funcdata returns the address of table i; 0 if there is none.
func (f *function) funcdata(i int) uint64 {
	if i >= f.funcdatas() {
		return 0
	}
	b := f.image.at(f.at+funcSize+4*uint64(f.pcdata()+i), 4)
	if b == nil || le.Uint32(b) == ^uint32(0) {
		return 0
	}
	return f.module.gofunc + uint64(le.Uint32(b))
}

// function returns what the runtime knows of the function that begins at an address.
func (m *image) function(address uint64) (f function, ok bool) {
	for i := range m.modules {
		d := &m.modules[i]
		if address < d.minpc || address >= d.maxpc || d.nFtab < 2 {
			continue
		}
		table := m.at(d.ftab, d.nFtab*8-4)
		off := uint32(address - d.text)
		k := sort.Search(d.nFtab-1, func(k int) bool { return le.Uint32(table[8*k:]) > off }) - 1
		if table == nil || k < 0 || le.Uint32(table[8*k:]) != off {
			return f, false
		}
		f = function{image: m, module: d, at: d.functions + uint64(le.Uint32(table[8*k+4:]))}
		f.raw = m.at(f.at, funcSize)
		return f, f.raw != nil
	}
	return f, false
}
