package patch

import "sort"

// area is a part of memory with one purpose.
type area uint8

const (
	areaNone area = iota
	areaText
	areaRodata
	areaTables
	areaNoptrdata
	areaData
	areaBss
	areaNoptrbss
)

// areaOf tells for what the runtime takes an address.
func (m *image) areaOf(at uint64) (area, *module) {
	for i := range m.modules {
		d := &m.modules[i]
		for _, a := range []struct {
			from, to uint64
			area     area
		}{{d.minpc, d.maxpc, areaText}, {d.noptrdata, d.enoptrdata, areaNoptrdata}, {d.data, d.edata, areaData},
			{d.bss, d.ebss, areaBss}, {d.noptrbss, d.enoptrbss, areaNoptrbss}} {
			if at >= a.from && at < a.to {
				return a.area, d
			}
		}
	}
	// The second module continues the constants and tables of the first. Its own lie behind its code.
	for i := len(m.modules) - 1; i >= 0; i-- {
		d := &m.modules[i]
		from, to := d.rodata, d.noptrdata
		if i > 0 {
			from, to = d.maxpc, m.modules[0].etypes
		}
		switch {
		case at >= d.pcHeader && at < d.epclntab:
			return areaTables, d
		case at >= from && at < to:
			return areaRodata, d
		}
	}
	return areaNone, nil
}

// places compares for what the runtime takes each symbol: the garbage collector scans some areas and not others.
func (c *comparison) places() {
	for _, n := range c.exact.reached {
		if !c.both(n) {
			continue
		}
		a, _ := c.exact.image.areaOf(c.exact.address[n])
		b, d := c.patched.image.areaOf(c.patched.address[n])
		switch {
		case c.exact.def(n).sym().size() == 0:
		case a == areaRodata && b == areaTables || a == areaTables && b == areaRodata: // tables of functions
		case a == areaNoptrdata && b == areaNoptrbss && c.p.name(n) == "runtime.disableMemoryProfiling":
			// the base could profile its memory, and still does: the linked program cannot any more
		case a != b:
			c.differ("place", n, "lies in area %d instead of %d", b, a)
		case c.exact.address[n]%alignment(c.exact.def(n)) == 0 && c.patched.address[n]%alignment(c.patched.def(n)) != 0:
			c.differ("place", n, "is not aligned")
		case b > areaTables:
			end := c.patched.address[n] + uint64(c.patched.def(n).sym().size())
			if last, e := c.patched.image.areaOf(end - 1); last != b || e != d {
				c.differ("place", n, "does not end in its area")
			}
		}
	}
}

// masks compares what the garbage collector knows of the pointers in variables.
func (c *comparison) masks() {
	a, b := maskReader{image: c.exact.image}, maskReader{image: c.patched.image}
	for _, n := range c.exact.reached {
		kind := c.exact.def(n).kind()
		if !c.both(n) || kind != kindData && kind != kindBss {
			continue
		}
		for off := uint64(0); off < uint64(c.exact.def(n).sym().size()); off += 8 {
			if a.pointer(c.exact.address[n]+off) != b.pointer(c.patched.address[n]+off) {
				c.differ("pointers", n, "are not the same at offset %d", off)
				break
			}
		}
	}
}

// maskReader tells which words of variables are pointers.
type maskReader struct {
	image *image
	masks map[uint64][]bool // by the address of the program
}

func (r *maskReader) pointer(at uint64) bool {
	where, d := r.image.areaOf(at)
	from, to, program := uint64(0), uint64(0), uint64(0)
	switch where {
	case areaData:
		from, to, program = d.data, d.edata, d.gcdata
	case areaBss:
		from, to, program = d.bss, d.ebss, d.gcbss
	default:
		return false
	}
	mask, ok := r.masks[program]
	if !ok {
		mask, _ = runProgram(r.image.tail(program), int(to-from)/8)
		if r.masks == nil {
			r.masks = map[uint64][]bool{}
		}
		r.masks[program] = mask
	}
	word := int(at-from) / 8
	return word < len(mask) && mask[word]
}

// runProgram runs a program for the garbage collector: runGCProg in runtime/mbitmap.go. It stops at limit. size is the
// length of the program.
func runProgram(program []byte, limit int) (bits []bool, size int) {
	whole := len(program)
	next := func() (v int) {
		n, k := uvarint(program)
		program = program[k:]
		return int(n)
	}
	for len(program) > 0 && len(bits) <= limit {
		inst := int(program[0])
		program = program[1:]
		n := inst & 0x7f
		if inst&0x80 == 0 {
			if n == 0 {
				return bits, whole - len(program)
			}
			for i := range n {
				bits = append(bits, program[i/8]>>(i%8)&1 != 0)
			}
			program = program[(n+7)/8:]
			continue
		}
		if n == 0 {
			n = next()
		}
		for range next() {
			bits = append(bits, bits[len(bits)-n:]...)
			if len(bits) > limit {
				break
			}
		}
	}
	return bits, whole - len(program)
}

// strings compares variables to which the linker itself gives a text: build information, the flag -X.
func (c *comparison) strings() {
	for _, n := range c.exact.reached {
		d := c.exact.def(n)
		if !c.both(n) || !isBss(d.kind()) || d.sym().size() != 16 {
			continue
		}
		a, b := c.exact.image.stringAt(c.exact.address[n]), c.patched.image.stringAt(c.patched.address[n])
		if a != b {
			c.differ("contents", n, "is %q instead of %q", b, a)
		}
	}
}

// stringAt returns the text to which a string variable in an image refers; "" if it is not in the file.
func (m *image) stringAt(address uint64) string {
	b := m.at(address, 16)
	if b == nil || le.Uint64(b[8:]) > 1<<20 {
		return ""
	}
	return string(m.at(le.Uint64(b), int(le.Uint64(b[8:]))))
}

// modules checks the module data of the patched image: what the runtime demands of them, and how the second continues
// the first.
func (c *comparison) modules() {
	m := c.patched.image
	first := &m.modules[0]
	last := &m.modules[len(m.modules)-1]
	check := func(ok bool, what string) {
		if !ok {
			c.differ("module data", 0, "%s", what)
		}
	}
	pointer := m.at(m.symbols["runtime.lastmoduledatap"], 8)
	check(pointer != nil && le.Uint64(pointer) == last.address, "the last module is not the last")
	tasks := m.words(first.tasks, first.nTasks)
	check(len(tasks) == int(first.nTasks), "the list of init tasks is not in the file")
	if last != first {
		check(last.text == first.text && last.rodata == first.rodata && last.gofunc == first.gofunc,
			"the second module has its own coordinates")
		c.typeLimits(check, first, last)
		check(!last.hasmain && last.nTasks == 0, "the second module has init tasks or a main function")
		check(last.minpc >= first.end && last.pcHeader >= last.maxpc, "the modules overlap")
	}
	c.moduleFields(check)
	for i := range m.modules {
		d := &m.modules[i]
		limits := []uint64{d.noptrdata, d.enoptrdata, d.data, d.edata, d.bss, d.ebss, d.noptrbss, d.enoptrbss, d.end}
		check(sort.SliceIsSorted(limits, func(i, j int) bool { return limits[i] < limits[j] }),
			"areas of variables are not sorted")
		h := m.at(d.pcHeader, 72)
		if h == nil {
			check(false, "the header of the table of functions is not in the file")
			continue
		}
		check(h[4] == 0 && h[5] == 0, "the header of the table of functions is not that of this version")
		check(le.Uint64(h[8:]) == uint64(d.nFtab-1), "the number of functions is wrong")
		check(!c.p.version.textInHeader || le.Uint64(h[24:]) == d.text, "the header of the table of functions is wrong")
		for k, at := range []uint64{d.names, d.cutab, d.files, d.pctab, d.functions} {
			check(le.Uint64(h[32+8*k:]) == at-d.pcHeader, "the header of the table of functions is wrong")
		}
		table := m.at(d.ftab, d.nFtab*8-4)
		sorted := table != nil && d.text+uint64(le.Uint32(table)) == d.minpc &&
			d.text+uint64(le.Uint32(table[8*(d.nFtab-1):])) == d.maxpc
		for k := 1; sorted && k < d.nFtab; k++ {
			sorted = le.Uint32(table[8*(k-1):]) <= le.Uint32(table[8*k:])
		}
		check(sorted, "the table of functions is not sorted, or does not fit its module")
	}
}

// typeLimits checks where the runtime looks for the types of the modules: see fillLists.
func (c *comparison) typeLimits(check checker, first, second *module) {
	check(second.epclntab <= first.etypes, "types end too early")
	if !c.p.version.walked {
		check(second.types == first.types && second.etypes == first.etypes, "the second module has other types")
		return
	}
	name := le.Uint64(c.patched.image.at(second.address+uint64(c.p.version.module.modulename), wordSize))
	check(first.etypes == name+uint64(len(moduleName)), "types end elsewhere")
	check(second.types == roundUp(second.maxpc, pageSize) && second.etypes == second.types,
		"the second module has types of its own")
	check(second.itabOffset == roundUp(second.typesSize, wordSize), "itabs do not follow the types")
	for _, l := range []struct {
		at   []uint64
		size func(uint64) uint64
		end  uint64
	}{
		{c.patched.image.listedTypes(second), c.patched.image.typeSize, second.types + second.typesSize},
		{c.patched.image.listedItabs(second), c.patched.image.itabSize, second.types + second.itabOffset + second.itabSize},
	} {
		if n := len(l.at); n > 0 {
			check(l.at[n-1]+l.size(l.at[n-1]) == l.end, "the listed types or itabs end elsewhere")
		}
	}
}

// checker reports what is wrong in the module data.
type checker func(ok bool, what string)

// moduleFields checks the fields of the patched image's module data: the first module is that of the base, as its
// symbol table tells, and the second has only what a patch needs.
func (c *comparison) moduleFields(check checker) {
	m, f := c.patched.image, c.patched.image.fields
	first := m.at(m.modules[0].address, f.size)
	for name, off := range map[string]int{"text": f.text, "etext": f.etext, "noptrdata": f.noptrdata,
		"enoptrdata": f.enoptrdata, "data": f.data, "edata": f.edata, "bss": f.bss, "ebss": f.ebss,
		"noptrbss": f.noptrbss, "enoptrbss": f.enoptrbss, "end": f.end, "gcdata": f.gcdata, "gcbss": f.gcbss,
		"types": f.types, "rodata": f.rodata, "epclntab": f.epclntab} {
		check(off == 0 || m.symbols["runtime."+name] == le.Uint64(first[off:]), "the first module has another "+name)
	}
	if len(m.modules) == 1 {
		return
	}
	second := m.at(m.modules[1].address, f.size)
	slices := []int{f.funcnametab, f.cutab, f.filetab, f.pctab, f.pclntable, f.ftab}
	lists := f.ptab
	if !c.p.version.walked {
		slices = append(slices, f.typelinks, f.itablinks)
		lists = f.typelinks
	}
	for _, slice := range slices {
		for _, b := range [][]byte{first, second} {
			check(le.Uint64(b[slice+8:]) == le.Uint64(b[slice+16:]), "a slice of a module has another capacity")
		}
	}
	for _, part := range [][2]int{{f.covctrs, f.end}, {f.textsectmap, lists}, {f.ptab, f.modulename},
		{f.modulehashes, f.size}} {
		check(zeros(second[part[0]:part[1]]), "the second module has fields that are not for patches")
	}
	u := func(off int) uint64 { return le.Uint64(second[off:]) }
	name := m.at(u(f.modulename), int(min(u(f.modulename+8), pageSize)))
	check(string(name) == moduleName, "the second module has another name")
	c.variableAreas(check, &m.modules[1], u(f.modulename))
	c.functionTables(check, &m.modules[1], u)
}

// variableAreas checks that the second module's variables, and the masks of their pointers, follow each other.
func (c *comparison) variableAreas(check checker, d *module, name uint64) {
	m := c.patched.image
	tasks := m.modules[0].tasks + 8*m.modules[0].nTasks
	check(d.noptrdata == d.address+uint64(m.fields.size) && d.enoptrdata == tasks && d.data == roundUp(tasks, 64) &&
		d.bss == roundUp(d.edata, 64) && d.noptrbss == roundUp(d.ebss, 64) && d.edata%8 == 0 && d.ebss%8 == 0 &&
		d.end == d.enoptrbss, "areas of variables do not follow each other")
	bits, size := runProgram(m.tail(d.gcdata), 1<<30)
	check(len(bits) == int(d.edata-d.data)/8 && d.gcbss == roundUp(d.gcdata+uint64(size), 8),
		"the mask of data is too short or too long")
	bits, size = runProgram(m.tail(d.gcbss), 1<<30)
	check(len(bits) == int(d.ebss-d.bss)/8 && name == roundUp(d.gcbss+uint64(size), 8),
		"the mask of bss is too short or too long")
}

// functionTables checks that the parts of the second module's table of functions follow each other.
func (c *comparison) functionTables(check checker, d *module, u func(off int) uint64) {
	f := c.patched.image.fields
	check(d.epclntab == d.tablesEnd(), "the search for functions has another size")
	check(d.etext == d.maxpc && d.ftab == d.functions, "the second module's functions end elsewhere")
	at := d.pcHeader + 72
	for _, part := range []struct {
		off  int
		unit uint64
	}{{f.funcnametab, 1}, {f.cutab, 4}, {f.filetab, 1}, {f.pctab, 1}, {f.pclntable, 1}} {
		check(u(part.off) == roundUp(at, 8), "the parts of the second module's table of functions do not follow each other")
		at = u(part.off) + part.unit*u(part.off+8)
	}
	check(d.findfunc == roundUp(at, 8), "the search for functions does not follow its table")
}

// search finds each function by its first and last address, as the runtime does, and by one in each part for which the
// table has an entry.
func (c *comparison) search() {
	for _, n := range c.patched.reached {
		d := c.patched.def(n)
		size := uint64(d.sym().size())
		if !isText(d.kind()) || size == 0 {
			continue
		}
		at := c.patched.address[n]
		for pc := at; pc < at+size; pc = min(pc+findPart, max(pc+1, at+size-1)) {
			if c.patched.image.findFunction(pc) != at {
				c.differ("search for functions", n, "is not found at offset %d", pc-at)
				break
			}
		}
	}
}

// findPart is how many bytes of code one entry of the search for functions is for.
const findPart = 256

// findFunction returns where the function at a program counter begins: findfunc in runtime/symtab.go.
func (m *image) findFunction(pc uint64) uint64 {
	const bucket, part, size = 4096, findPart, 20
	for i := range m.modules {
		d := &m.modules[i]
		if pc < d.minpc || pc >= d.maxpc {
			continue
		}
		x := pc - d.minpc
		b := m.at(d.findfunc+x/bucket*size, size)
		if b == nil {
			return 0
		}
		k := uint64(le.Uint32(b)) + uint64(b[4+x%bucket/part])
		for k+1 < uint64(d.nFtab) && d.text+uint64(le.Uint32(m.at(d.ftab+8*(k+1), 4))) <= pc {
			k++
		}
		entry := m.at(d.ftab+8*k, 4)
		if entry == nil {
			return 0
		}
		return d.text + uint64(le.Uint32(entry))
	}
	return 0
}
