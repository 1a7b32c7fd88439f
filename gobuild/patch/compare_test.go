package patch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// plantProgram is an edit of baseProgram after which the second module has something in each of its tables.
var plantEdits = map[string][]string{
	"main.go": {
		"var number", "var more = map[string]*int{\"n\": &number}\nvar text = []*string{&lib.Default}\nvar number",
		`"main"}`, `fmt.Sprint("main", len(more), text)}`,
		"func init()", "func (n *named) Other() string { return \"O\" + n.name }\n\nfunc init()",
		"err := lib", "var o interface{ Other() string } = &named{where()}\n\tfmt.Println(o.Other(), " +
			"strings.NewReplacer(\"a\", \"b\").Replace(\"cab\"))\n\terr := lib",
		"number = 7", "number = 8",
		"type namer interface{ Name", "func (n named) A() string { return \"A\" }\n\ntype namer interface{ A() string; Name",
		"cell struct{ n int }", "cell struct{ n, m int }", "cells [4]cell", "cells cell",
	},
	"lib/lib.go": {"func count", "func init() { Default += \" more\" }\n\nfunc count"},
}

// planted is a patched image with knowledge about it, in which faults are planted.
type planted struct {
	t      *testing.T
	exact  *Base
	path   string
	data   []byte
	image  *image
	layout *layout
}

func newPlanted(t *testing.T) *planted {
	s := newSource(t, baseProgram)
	s.compile(t)
	b := s.open(t)
	texts := sources(baseProgram)
	for file, edit := range plantEdits {
		text := []byte(texts[file])
		for i := 0; i < len(edit); i += 2 {
			text = bytes.Replace(text, []byte(edit[i]), []byte(edit[i+1]), 1)
		}
		s.save(t, "-- "+file+" --\n"+string(text))
	}
	p := &planted{t: t, path: filepath.Join(t.TempDir(), "patched")}
	if _, err := b.Patch(t.Context(), changes(s.compile(t)), p.path); err != nil {
		t.Fatal(err)
	}
	p.exact = s.open(t)
	var err error
	if p.data, err = os.ReadFile(p.path); err != nil {
		t.Fatal(err)
	}
	if p.image, err = openImage(p.path, versionOf(runtime.Version())); err != nil {
		t.Fatal(err)
	}
	if p.layout, err = replay(t.Context(), p.exact.program, p.image, p.exact.tasks, true); err != nil {
		t.Fatal(err)
	}
	return p
}

// at returns n bytes of the copy that is going to be faulty.
func (p *planted) at(data []byte, address uint64, n int) []byte {
	off := p.image.offset(address)
	if off < 0 {
		p.t.Fatalf("%#x is not in the file", address)
	}
	return data[off : off+int64(n)]
}

// compare compares a faulty image.
func (p *planted) compare(data []byte) (found []Difference, err error) {
	path := filepath.Join(p.t.TempDir(), "faulty")
	if err := os.WriteFile(path, data, 0o700); err != nil {
		p.t.Fatal(err)
	}
	defer os.Remove(path)
	return p.exact.Compare(p.t.Context(), path, 5)
}

func (p *planted) named(name string, abi int) id {
	n := p.exact.program.named(name, abi)
	if n == 0 || p.layout.address[n] == 0 {
		p.t.Fatalf("%s is not in the image", name)
	}
	return n
}

func TestPlantedFaultsAreFound(t *testing.T) {
	p := newPlanted(t)
	if found, err := p.compare(p.data); len(found) > 0 || err != nil {
		t.Fatalf("without a fault: %v, %v", found, err)
	}
	second, fields := &p.image.modules[1], p.image.fields
	main := p.named("main.main", 1)
	address := p.layout.address[main]
	f, ok := p.image.function(address)
	if !ok || f.module != second {
		t.Fatal("main.main is not in the second module")
	}
	flip := func(at uint64, mask byte) func([]byte) {
		return func(data []byte) { p.at(data, at, 1)[0] ^= mask }
	}
	plants := map[string]func([]byte){
		"a byte of code":          flip(address+20, 1),
		"the name of a function":  flip(second.names+uint64(f.u32(4)), 1),
		"where a function begins": flip(f.at, 1),
		"the beginning of the names": func(data []byte) { // for the runtime, this is no name
			le.PutUint32(p.at(data, f.at+4, 4), 0)
			copy(p.at(data, second.names, 16), f.name()+"\x00")
		},
		"the size of arguments":  flip(f.at+8, 8),
		"the first line":         flip(f.at+36, 1),
		"the kind of a function": flip(f.at+40, 1),
		"the stack size":         flip(second.pctab+uint64(f.u32(16))+2, 1),
		"the lines":              flip(second.pctab+uint64(f.u32(24))+2, 1),
		"the file of lines":      flip(second.files+3, 1),
		"a stack map": func(data []byte) {
			le.PutUint32(p.at(data, f.at+funcSize+4*uint64(f.pcdata()+funcdataLocals), 4), none32)
		},
		"the tree of inlined calls": flip(f.funcdata(funcdataInlTree)+12, 1),
		"an init task is missing": func(data []byte) {
			b := p.at(data, p.image.modules[0].address+uint64(fields.inittasks+8), 16)
			le.PutUint64(b, le.Uint64(b)-1)
			le.PutUint64(b[8:], le.Uint64(b))
		},
		"two init tasks are exchanged": func(data []byte) {
			b := p.at(data, p.image.modules[0].tasks, 16)
			x, y := le.Uint64(b), le.Uint64(b[8:])
			le.PutUint64(b, y)
			le.PutUint64(b[8:], x)
		},
		"a pointer of data": flip(second.gcdata+1, 1),
		"a pointer of bss":  flip(second.gcbss+1, 1),
		"the search for functions": func(data []byte) {
			for i := range second.maxpc/4096 - second.minpc/4096 + 1 {
				p.at(data, second.findfunc+20*i, 4)[0] += 1
			}
		},
		"the header of the table of functions": flip(second.pcHeader+5, 1),
		"the last module":                      flip(p.image.symbols["runtime.lastmoduledatap"], 8),
		"a variable":                           flip(p.layout.address[p.named("main.number", 0)], 1),
		"where types end":                      flip(p.image.modules[0].address+uint64(fields.etypes), 8),
	}
	for off := 0; off < fields.size; off += 8 {
		plants[fmt.Sprintf("field %d of the second module", off)] = flip(second.address+uint64(off), 8)
		plants[fmt.Sprintf("the low byte of field %d", off)] = flip(second.address+uint64(off), 1)
	}
	p.searches(plants)
	p.rows(plants, "main.main", "internal/bytealg.IndexRabinKarp[go.shape.string]")
	p.lists(plants, flip)
	p.references(plants)
	for name, plant := range plants {
		data := bytes.Clone(p.data)
		plant(data)
		found, err := p.compare(data)
		if len(found) == 0 && err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// searches plants faults into the search for the longest function, for each part of its code.
func (p *planted) searches(plants map[string]func([]byte)) {
	d := &p.image.modules[1]
	at, size := uint64(0), uint64(0)
	for _, n := range p.layout.reached {
		if s := p.layout.def(n).sym(); isText(s.kind()) && p.layout.address[n] >= d.minpc && uint64(s.size()) > size {
			at, size = p.layout.address[n], uint64(s.size())
		}
	}
	if size < 4*findPart {
		p.t.Fatalf("the longest function has %d bytes", size)
	}
	for part := (at-d.minpc)/findPart + 1; part < (at+size-d.minpc)/findPart; part++ {
		plants[fmt.Sprintf("the search in part %d of the longest function", part)] = func(data []byte) {
			p.at(data, d.findfunc+20*(part/16)+4+part%16, 1)[0]++
		}
	}
}

// rows plants a fault into each word of what the runtime knows of functions of the second module.
func (p *planted) rows(plants map[string]func([]byte), names ...string) {
	for _, name := range names {
		f, ok := p.image.function(p.layout.address[p.named(name, 1)])
		if !ok || f.module != &p.image.modules[1] {
			p.t.Fatalf("%s is not in the second module", name)
		}
		for off := 0; off < funcSize+4*(f.pcdata()+f.funcdatas()); off += 4 {
			plants[fmt.Sprintf("word %d of %s", off, name)] = func(data []byte) {
				p.at(data, f.at+uint64(off), 4)[3] ^= 0x40 // far away, where nothing is by chance the same
			}
		}
	}
}

// lists plants faults into the lists of types and itabs, and into types that only reflection can find.
func (p *planted) lists(plants map[string]func([]byte), flip func(at uint64, mask byte) func([]byte)) {
	m := p.image
	first, second, f := &m.modules[0], &m.modules[1], p.image.fields
	if m.version.walked {
		plants["a type is not listed"] = func(data []byte) {
			b := p.at(data, second.address+uint64(f.typedesclen), 8)
			types := m.listedTypes(second)
			le.PutUint64(b, types[len(types)-1]-second.types)
		}
		plants["an itab is not listed"] = func(data []byte) {
			b := p.at(data, second.address+uint64(f.itabsize), 8)
			itabs := m.listedItabs(second)
			le.PutUint64(b, itabs[len(itabs)-1]-second.types-second.itabOffset)
		}
	} else {
		plants["a type is not listed"] = flip(second.typelinks, 32)
		plants["an itab is not listed"] = flip(second.itablinks, 8)
	}
	for _, at := range m.listedTypes(first) {
		if m.words(at+typeBytes, 1)[0] == at {
			cell := p.layout.address[p.named("type:main.cell", 0)]
			plants["a retired type is made of a type in the program"] = func(data []byte) {
				le.PutUint64(p.at(data, at+typeBytes, 8), cell)
			}
		}
	}
	for _, at := range m.listedItabs(first) {
		if words := m.words(at, 2); words[0] == words[1] {
			live := m.words(m.listedItabs(second)[0], 2)
			plants["a retired itab is for a type in the program"] = func(data []byte) {
				le.PutUint64(p.at(data, at, 8), live[0])
				le.PutUint64(p.at(data, at+8, 8), live[1])
			}
		}
	}
	if plants["a retired type is made of a type in the program"] == nil ||
		plants["a retired itab is for a type in the program"] == nil {
		p.t.Fatal("nothing is retired")
	}
}

// references plants faults into references between the modules.
func (p *planted) references(plants map[string]func([]byte)) {
	count := map[string]int{}
	for _, s := range p.layout.sites {
		d := p.layout.def(s.source)
		r := &d.relocs()[s.reloc]
		kind := fmt.Sprintf("a reference of kind %d", r.kind())
		moved := p.layout.address[s.target] >= p.image.modules[1].minpc
		if count[kind] >= 3 || !moved {
			continue
		}
		count[kind]++
		at := p.layout.address[s.source] + uint64(r.off())
		plants[fmt.Sprint(kind, " from ", p.exact.program.name(s.source), " ", r.off())] = func(data []byte) {
			b := p.at(data, at, 4)
			le.PutUint32(b, le.Uint32(b)+32)
		}
		if r.kind() == relocMethodOff {
			plants[fmt.Sprint("a dropped method of ", p.exact.program.name(s.source), " ", r.off())] = func(data []byte) {
				le.PutUint32(p.at(data, at, 4), none32)
			}
		}
	}
}
