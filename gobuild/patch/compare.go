package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// comparison compares a patched image with the exact link of the same archives. Replay has the main part: it reads both
// images with the same archives, and compares all contents and that each name has one address. What remains is what the
// linker makes of its own: here and in comparetables.go.
type comparison struct {
	p              *program
	exact, patched *layout
	found          []Difference
	limit          int
}

func (b *base) compare(ctx context.Context, path string, limit int) (found []Difference, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	defer b.rehearse(ctx)
	defer b.rest()
	defer guard(&err)()
	m, err := openImage(path, b.program.version)
	if err != nil {
		return nil, err
	}
	defer m.close()
	patched, err := replay(ctx, b.program, m, b.tasks, false)
	if err != nil {
		return nil, err
	}
	c := &comparison{p: b.program, exact: b.layout, patched: patched, limit: limit}
	c.found = append(c.found, patched.faults...)
	for _, part := range []func(){c.symbols, c.references, c.functions, c.places, c.masks, c.strings, c.links,
		c.modules, c.search, c.overlaps} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part()
	}
	return c.found[:min(len(c.found), limit)], nil
}

func (c *comparison) differ(kind string, n id, format string, args ...any) {
	if len(c.found) < c.limit {
		name := ""
		if n != 0 {
			name = c.p.name(n)
		}
		c.found = append(c.found, Difference{kind, name, fmt.Sprintf(format, args...)})
	}
}

// both tells whether a symbol lies in both images.
func (c *comparison) both(n id) bool { return c.exact.address[n] != 0 && c.patched.address[n] != 0 }

// sameCopy tells whether both images have the same definition of a symbol. Of a generic function, they may have copies
// from different packages. Any of them is right.
func (c *comparison) sameCopy(n id) bool { return c.exact.def(n) == c.patched.def(n) }

// symbols finds symbols that the patched image lacks. A symbol may be missing if only copies of generic functions that
// the patched image does not have refer to it.
func (c *comparison) symbols() {
	explained := map[id]bool{}
	var queue []id
	for _, n := range c.exact.reached {
		if c.both(n) && !c.sameCopy(n) {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		d := c.exact.def(queue[len(queue)-1])
		queue = queue[:len(queue)-1]
		explain := func(n id) {
			if n != 0 && c.patched.address[n] == 0 && !explained[n] {
				explained[n] = true
				if c.p.def(n).known() {
					queue = append(queue, n)
				}
			}
		}
		relocs, auxes := d.relocs(), d.auxes()
		for j := range relocs {
			explain(c.p.resolve(d.o, relocs[j].target()))
		}
		for j := range auxes {
			explain(c.p.resolve(d.o, auxes[j].target()))
		}
	}
	for _, n := range c.exact.reached {
		if c.patched.address[n] == 0 && !explained[n] {
			c.differ("symbol", n, "is missing")
		}
	}
}

// references finds methods and weak references that the patched image has dropped, and the exact one has not.
func (c *comparison) references() {
	exact := map[site]bool{}
	for _, s := range c.exact.absent {
		exact[s] = true
	}
	for _, s := range c.patched.absent {
		if !exact[s] && c.exact.address[s.source] != 0 && c.sameCopy(s.source) && !c.copyWithout(s) {
			c.differ("reference", s.source, "does not lead to %s", c.p.name(s.target))
		}
	}
}

// copyWithout tells whether the patched image can have another copy of a symbol, which does not have this reference.
func (c *comparison) copyWithout(s site) bool {
	at := c.patched.address[s.source]
	off := c.patched.def(s.source).relocs()[s.reloc].off()
	return slices.ContainsFunc(c.p.others(s.source), func(d def) bool {
		relocs := d.relocs()
		for j := range relocs {
			if relocs[j].off() == off {
				return false
			}
		}
		return c.patched.equal(d, at)
	})
}

// functions compares what the runtime knows of functions. The contents of stack maps and the like are symbols, which
// replay has compared. What the exact link does not have, or has from another package, must be as it was compiled.
func (c *comparison) functions() {
	root := c.patched.image.goroot()
	for _, n := range c.patched.reached {
		d := c.patched.def(n)
		if !isText(d.kind()) {
			continue
		}
		g, ok := c.patched.image.function(c.patched.address[n])
		if !ok {
			continue // replay has told
		}
		if g.module.text+uint64(g.u32(0)) != c.patched.address[n] {
			c.differ("function", n, "begins elsewhere")
		}
		what := ""
		if c.both(n) && c.sameCopy(n) {
			f, ok := c.exact.image.function(c.exact.address[n])
			if !ok {
				continue // reading the exact link has told
			}
			what = differentFunctions(&f, &g)
		} else {
			what = c.notAsCompiled(&g, d, root)
		}
		if what != "" {
			c.differ("function", n, "has another %s", what)
		}
	}
}

// differentFunctions names a difference between what the runtime knows of two functions; "" if there is none.
func differentFunctions(f, g *function) string {
	for _, field := range []struct {
		off  int
		name string
	}{{8, "size of arguments"}, {12, "deferreturn"}, {28, "number of tables by pc"}, {36, "first line"}} {
		if f.u32(field.off) != g.u32(field.off) {
			return field.name
		}
	}
	if f.name() != g.name() {
		return "name"
	}
	if [4]byte(f.raw[40:]) != [4]byte(g.raw[40:]) {
		return "kind, flag or number of tables"
	}
	equal := func(v, w int32) bool { return v == w }
	switch {
	case !f.samePC(f.u32(16), g, g.u32(16), equal):
		return "stack size by pc"
	case !f.samePC(f.u32(24), g, g.u32(24), equal):
		return "table of lines"
	case !f.samePC(f.u32(20), g, g.u32(20), func(v, w int32) bool { return f.file(v) == g.file(w) }):
		return "table of files"
	}
	calls := int32(-1)
	for k := range f.pcdata() {
		a, b := f.image.at(f.at+funcSize+4*uint64(k), 4), g.image.at(g.at+funcSize+4*uint64(k), 4)
		same := equal
		if k == pcdataInlTree {
			same = func(v, w int32) bool {
				calls = max(calls, v)
				return v == w
			}
		}
		if !f.samePC(le.Uint32(a), g, le.Uint32(b), same) {
			return fmt.Sprintf("table %d by pc", k)
		}
	}
	for i := range uint64(calls + 1) {
		if !sameCall(f, g, i) {
			return "tree of inlined calls"
		}
	}
	for k := range f.funcdatas() {
		if (f.funcdata(k) == 0) != (g.funcdata(k) == 0) {
			return fmt.Sprintf("table %d", k)
		}
	}
	return ""
}

// sameCall compares entry i of the trees of inlined calls: a runtime.inlinedCall.
func sameCall(f, g *function, i uint64) bool {
	if f.funcdata(funcdataInlTree) == 0 || g.funcdata(funcdataInlTree) == 0 {
		return false
	}
	a := f.image.at(f.funcdata(funcdataInlTree)+16*i, 16)
	b := g.image.at(g.funcdata(funcdataInlTree)+16*i, 16)
	return a != nil && b != nil && a[0] == b[0] && string(a[8:]) == string(b[8:]) &&
		f.nameAt(le.Uint32(a[4:])) == g.nameAt(le.Uint32(b[4:]))
}

// samePC compares two tables of values by program counter. same compares what the values mean.
func (f *function) samePC(a uint32, g *function, b uint32, same func(v, w int32) bool) bool {
	if a == 0 || b == 0 {
		return a == b
	}
	p := pcTable{rest: f.image.tail(f.module.pctab + uint64(a)), value: -1}
	q := pcTable{rest: g.image.tail(g.module.pctab + uint64(b)), value: -1}
	for {
		more, more2 := p.next(), q.next()
		if !more || !more2 {
			return more == more2 && !p.damaged && !q.damaged
		}
		if p.pc != q.pc || (p.changed || q.changed) && !same(p.value, q.value) {
			return false
		}
	}
}

// pcTable is a table of values by program counter: pairs of differences.
type pcTable struct {
	rest           []byte
	value          int32
	pc             uint32
	begun, damaged bool
	changed        bool // the last step has changed the value, or was the first
}

// next goes to the next value. It returns false at the end.
func (t *pcTable) next() bool {
	delta, n := uvarint(t.rest)
	if n == 0 || delta == 0 && t.begun {
		t.damaged = n == 0
		return false
	}
	pc, m := uvarint(t.rest[n:])
	if m == 0 {
		t.damaged = true
		return false
	}
	t.changed = !t.begun || delta != 0
	t.rest, t.begun = t.rest[n+m:], true
	if t.pc += pc; delta&1 != 0 {
		t.value += int32(^(delta >> 1))
	} else {
		t.value += int32(delta >> 1)
	}
	return true
}

// uvarint is binary.Uvarint for the short numbers of these tables.
func uvarint(b []byte) (v uint32, n int) {
	for shift := 0; n < len(b) && shift < 35; shift += 7 {
		c := b[n]
		n++
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// tail returns the bytes of a segment from an address.
func (m *image) tail(address uint64) []byte {
	for i := range m.segments {
		if s := &m.segments[i]; address >= s.address && address < s.address+s.size {
			return m.data[s.offset+address-s.address : s.offset+s.size]
		}
	}
	return nil
}

// file returns the name of a file by its number in a function's table.
func (f *function) file(v int32) string {
	if v < 0 {
		return ""
	}
	b := f.image.at(f.module.cutab+4*(uint64(f.u32(32))+uint64(v)), 4)
	if b == nil || le.Uint32(b) == none32 {
		return "?"
	}
	return f.image.text(f.module.files + uint64(le.Uint32(b)))
}

// overlaps finds symbols of the patched image that share memory.
func (c *comparison) overlaps() {
	list := slices.Clone(c.patched.reached)
	slices.SortFunc(list, func(a, b id) int { return cmp.Compare(c.patched.address[a], c.patched.address[b]) })
	end, last := uint64(0), id(0)
	for _, n := range list {
		at, size := c.patched.address[n], uint64(c.patched.def(n).sym().size())
		if size == 0 {
			continue
		}
		if at < end {
			c.differ("place", n, "shares memory with %s", c.p.name(last))
		}
		if at+size > end {
			end, last = at+size, n
		}
	}
}
