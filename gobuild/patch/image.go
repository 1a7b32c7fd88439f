package patch

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
	"unsafe"
)

// image is a program that the linker has written, mapped into memory.
type image struct {
	path     string
	data     []byte
	elf      *elf.File
	segments []segment
	symbols  map[string]uint64 // addresses in .symtab; without names that occur twice
	module   uint64            // address of runtime.firstmoduledata
	modules  []module          // the first module, and the patch's if there is one
	version  *version
	fields   *moduleFields // of the version
	release  func()
}

// segment is a part of the file that comes to memory.
type segment struct {
	address, offset, size, memory uint64
	executable                    bool
}

// openImage maps a program. It fails if the image is not what the linker writes in the supported modes.
func openImage(path string, v *version) (*image, error) {
	data, release, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	m := &image{path: path, data: data, release: release, version: v, fields: &v.module}
	if err := m.read(); err != nil {
		release()
		return nil, err
	}
	return m, nil
}

func (m *image) close() { m.release() }

// rest lets go of the memory of the file, until it is read again.
func (m *image) rest() { letGo(m.data) }

func (m *image) read() (err error) {
	if m.elf, err = elf.NewFile(bytes.NewReader(m.data)); err != nil {
		return &Unfit{Why: "the program is not an ELF file: " + err.Error()}
	}
	if m.elf.Type != elf.ET_EXEC || m.elf.Machine != elf.EM_X86_64 {
		return &Unfit{Why: "the program is position independent, or not for amd64"}
	}
	for _, s := range m.elf.Sections {
		if s.Name == ".init" || s.Name == ".eh_frame" {
			return &Unfit{Why: "the program was linked by a C compiler"}
		}
	}
	for _, p := range m.elf.Progs {
		if p.Type == elf.PT_LOAD {
			m.segments = append(m.segments,
				segment{p.Vaddr, p.Off, p.Filesz, p.Memsz, p.Flags&elf.PF_X != 0})
		}
	}
	if err := m.readSymbols(); err != nil {
		return err
	}
	return m.readModules()
}

// readSymbols reads the symbol table. Its names are parts of the mapped file.
func (m *image) readSymbols() error {
	var table, names []byte
	if s := m.elf.SectionByType(elf.SHT_SYMTAB); s != nil && int(s.Link) < len(m.elf.Sections) {
		table, names = m.section(s), m.section(m.elf.Sections[s.Link])
	}
	const size = 24
	if len(table) < size || len(names) == 0 {
		return &Unfit{Why: "the program has no symbol table"}
	}
	m.symbols = make(map[string]uint64, len(table)/size)
	var twice []string
	for s := table[size:]; len(s) >= size; s = s[size:] {
		name, section, value := le.Uint32(s), elf.SectionIndex(le.Uint16(s[6:])), le.Uint64(s[8:])
		if section == elf.SHN_UNDEF || section >= elf.SHN_LORESERVE || int(name) >= len(names) {
			continue
		}
		b := names[name:]
		end := bytes.IndexByte(b, 0)
		if end <= 0 {
			continue
		}
		key := unsafe.String(&b[0], end)
		if other, ok := m.symbols[key]; ok && other != value {
			twice = append(twice, key)
		}
		m.symbols[key] = value
	}
	for _, name := range twice {
		delete(m.symbols, name)
	}
	return nil
}

// section returns the contents of a section; nil if it has none in the file.
func (m *image) section(s *elf.Section) []byte {
	if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 || s.Offset > uint64(len(m.data)) ||
		s.FileSize > uint64(len(m.data))-s.Offset {
		return nil
	}
	return m.data[s.Offset : s.Offset+s.FileSize]
}

// forget frees what is not needed after an image was read: of the symbols, only one is.
func (m *image) forget() {
	const kept = "runtime.lastmoduledatap"
	m.symbols = map[string]uint64{kept: m.symbols[kept]}
}

// at returns n bytes at an address; nil if they are not in the file.
func (m *image) at(address uint64, n int) []byte {
	for i := range m.segments {
		s := &m.segments[i]
		if address >= s.address && address+uint64(n) <= s.address+s.size {
			from := s.offset + address - s.address
			return m.data[from : from+uint64(n) : from+uint64(n)]
		}
	}
	return nil
}

// offset returns where in the file an address lies; -1 if it does not.
func (m *image) offset(address uint64) int64 {
	for i := range m.segments {
		if s := &m.segments[i]; address >= s.address && address < s.address+s.size {
			return int64(s.offset + address - s.address)
		}
	}
	return -1
}

// text returns the string that ends with a zero byte at an address. It is valid as long as the file is mapped.
func (m *image) text(address uint64) string {
	from := m.offset(address)
	if from < 0 {
		return ""
	}
	b, _, _ := bytes.Cut(m.data[from:min(from+1<<14, int64(len(m.data)))], []byte{0})
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// end returns the first address behind everything in memory.
func (m *image) end() uint64 {
	end := uint64(0)
	for _, s := range m.segments {
		end = max(end, s.address+s.memory)
	}
	return end
}

// module is a runtime.moduledata in the image.
type module struct {
	address                                                            uint64
	pcHeader, names, cutab, nCutab, files, pctab, functions, ftab      uint64
	nFtab                                                              int
	findfunc, minpc, maxpc, text, etext                                uint64
	noptrdata, enoptrdata, data, edata, bss, ebss, noptrbss, enoptrbss uint64
	end, gcdata, gcbss, types, etypes, rodata, gofunc, epclntab        uint64
	typelinks, nTypelinks, itablinks, nItablinks                       uint64
	typesSize, itabOffset, itabSize                                    uint64
	tasks, nTasks, next                                                uint64
	hasmain                                                            bool
}

func (m *image) readModules() error {
	m.module = m.symbols["runtime.firstmoduledata"]
	for at := m.module; at != 0; {
		d, ok := m.readModule(at)
		if !ok || len(m.modules) > 1 {
			return &Unfit{Why: "the program's module data cannot be read"}
		}
		m.modules = append(m.modules, d)
		at = d.next
	}
	if len(m.modules) == 0 {
		return &Unfit{Why: "the program has no module data"}
	}
	first := &m.modules[0]
	if !first.hasmain || first.text != m.symbols["runtime.text"] || first.types != m.symbols["runtime.types"] ||
		first.minpc != first.text || first.rodata != m.symbols["runtime.rodata"] ||
		first.etext != m.symbols["runtime.etext"] ||
		first.gofunc != m.symbols["go:func.*"] || first.epclntab != m.symbols["runtime.epclntab"] {
		return &Unfit{Why: "the program's module data are not laid out as expected"}
	}
	if b := m.at(first.address, m.fields.size); le.Uint64(b[m.fields.covctrs:]) != le.Uint64(b[m.fields.ecovctrs:]) {
		return &Unfit{Why: "the program counts what tests cover"}
	}
	for i := range m.modules {
		if h := m.at(m.modules[i].pcHeader, 8); h == nil || le.Uint32(h) != pclnMagic || h[6] != 1 || h[7] != 8 {
			return &Unfit{Why: "the program's table of functions has an unknown version"}
		}
	}
	return nil
}

func (m *image) readModule(at uint64) (d module, ok bool) {
	f := m.fields
	b := m.at(at, f.size)
	if b == nil {
		return d, false
	}
	u := func(off int) uint64 { return le.Uint64(b[off:]) }
	d = module{
		address: at, pcHeader: u(f.pcHeader), names: u(f.funcnametab), cutab: u(f.cutab), nCutab: u(f.cutab + 8),
		files: u(f.filetab), pctab: u(f.pctab), functions: u(f.pclntable), ftab: u(f.ftab), nFtab: int(u(f.ftab + 8)),
		findfunc: u(f.findfunctab), minpc: u(f.minpc), maxpc: u(f.maxpc), text: u(f.text), etext: u(f.etext),
		noptrdata: u(f.noptrdata), enoptrdata: u(f.enoptrdata), data: u(f.data), edata: u(f.edata), bss: u(f.bss),
		ebss: u(f.ebss), noptrbss: u(f.noptrbss), enoptrbss: u(f.enoptrbss), end: u(f.end), gcdata: u(f.gcdata),
		gcbss: u(f.gcbss), types: u(f.types), etypes: u(f.etypes), rodata: u(f.rodata), gofunc: u(f.gofunc),
		tasks: u(f.inittasks), nTasks: u(f.inittasks + 8), next: u(f.next),
		hasmain: b[f.hasmain] == 1,
	}
	switch {
	case f.epclntab != 0:
		d.epclntab = u(f.epclntab)
	case at == m.module:
		d.epclntab = m.symbols["runtime.epclntab"]
	default:
		d.epclntab = d.tablesEnd()
	}
	if m.version.walked {
		d.typesSize, d.itabOffset, d.itabSize = u(f.typedesclen), u(f.itaboffset), u(f.itabsize)
	} else {
		d.typelinks, d.nTypelinks = u(f.typelinks), u(f.typelinks+8)
		d.itablinks, d.nItablinks = u(f.itablinks), u(f.itablinks+8)
	}
	return d, true
}

// tablesEnd returns where the tables of functions of a new module end: the search for functions is the last.
func (d *module) tablesEnd() uint64 {
	const bucket, size = 4096, 20
	return roundUp(d.findfunc+(d.maxpc-d.minpc+bucket-1)/bucket*size, wordSize)
}

// origin returns from where offsets to a symbol count: from where the section of text, types or other constants begins.
// Go has a section of types since 1.27; before, both begin at the same place. What lies in it is decided in
// (*Link).symtab in cmd/link/internal/ld/symtab.go.
func (m *image) origin(d def) (address uint64, ok bool) {
	first := &m.modules[0]
	if !d.known() {
		return 0, false
	}
	switch kind, name := d.kind(), d.name(); {
	case isText(kind):
		return first.text, true
	case kind != kindRodata && kind != kindRodataFIPS, strings.HasSuffix(name, "·f"):
		return 0, false
	case d.sym().isItab() || strings.HasPrefix(name, "type:"):
		return first.types, true
	}
	return first.rodata, true
}

// words returns n addresses at an address.
func (m *image) words(address, n uint64) []uint64 {
	b := m.at(address, int(8*n))
	list := make([]uint64, len(b)/8)
	for i := range list {
		list[i] = le.Uint64(b[8*i:])
	}
	return list
}

func (m *image) String() string { return fmt.Sprintf("%s, %d modules", m.path, len(m.modules)) }
