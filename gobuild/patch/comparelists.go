package patch

import "sync"

// links compares the lists of types that reflection finds by their text, and of itabs: see lists.go.
func (c *comparison) links() {
	exact, patched := c.exact.byAddress(), c.patched.byAddress()
	unused := sync.OnceValue(c.unused) // hardly ever needed
	for _, l := range []struct {
		kind string
		list func(m *image, d *module) []uint64
		size func(m *image, at uint64) uint64
		from uint64 // offset of the addresses that it is made of
	}{
		{"list of types", (*image).listedTypes, (*image).typeSize, typeBytes},
		{"list of itabs", (*image).listedItabs, (*image).itabSize, 0},
	} {
		has := map[id]int{}
		for i := range c.patched.image.modules {
			list := l.list(c.patched.image, &c.patched.image.modules[i])
			for _, at := range list {
				n := patched[at]
				if has[n]++; n == 0 && c.strange(at, l.size(c.patched.image, at), l.from, patched, unused) {
					c.differ(l.kind, 0, "what is at %#x, %s, is not what any package defines", at, c.patched.image.typeText(at))
				}
			}
			if l.from > 0 {
				c.sorted(l.kind, list)
			}
		}
		for _, at := range l.list(c.exact.image, &c.exact.image.modules[0]) {
			if n := exact[at]; n != 0 && c.both(n) && has[n] != 1 {
				c.differ(l.kind, n, "is listed %d times", has[n])
			}
		}
	}
}

// sorted compares the order of listed types: reflection finds them by a binary search.
func (c *comparison) sorted(kind string, list []uint64) {
	last := ""
	for _, at := range list {
		text := c.patched.image.typeText(at)
		if text < last {
			c.differ(kind, 0, "%s is not sorted", text)
		}
		last = text
	}
}

// byAddress returns the types and itabs by their address.
func (l *layout) byAddress() map[uint64]id {
	list := map[uint64]id{}
	for _, n := range l.reached {
		if s := l.def(n).sym(); s.isType() || s.isItab() {
			list[l.address[n]] = n
		}
	}
	return list
}

// listKey is what is the same of a type or an itab in an archive and in an image: its size, and the hash of the type.
type listKey struct {
	size uint64
	hash uint32
}

const listHash = 16 // offset of the hash in internal/abi.Type, and in internal/abi.ITab

// unused returns the types and itabs in the archives that nothing in the patched image refers to.
func (c *comparison) unused() map[listKey][]def {
	found := map[listKey][]def{}
	note := func(d def) {
		if s := d.sym(); (s.typelink() || s.isItab()) && len(d.content()) >= listHash+4 {
			k := listKey{uint64(s.size()), le.Uint32(d.content()[listHash:])}
			found[k] = append(found[k], d)
		}
	}
	for n := range id(len(c.p.defs)) {
		d := c.p.def(n)
		if !d.known() || c.patched.address[n] != 0 {
			continue
		}
		note(d)
		for _, d := range c.p.others(n) {
			note(d)
		}
	}
	return found
}

// strange tells whether a type or an itab that nothing refers to must not be listed. The patched image may list what
// the exact link has dropped, and the runtime can take it for what it looks for. So it must be what the archives say,
// or be made of nothing that is in the program.
func (c *comparison) strange(at, size, from uint64, used map[uint64]id, unused func() map[listKey][]def) bool {
	b := c.patched.image.at(at, int(size))
	if size == 0 || b == nil {
		return true
	}
	parts := map[id]bool{}
	for off := from; off+wordSize <= size; off += wordSize {
		if n := used[le.Uint64(b[off:])]; n != 0 && c.patched.def(n).sym().isType() {
			parts[n] = true
		}
	}
	if len(parts) == 0 || from == 0 && len(parts) == 1 { // an itab has an interface type, and the type of values
		return false
	}
	for _, d := range unused()[listKey{size, le.Uint32(b[listHash:])}] {
		if c.patched.equal(d, at) && c.sameParts(d, b) {
			return false
		}
	}
	return true
}

// sameParts tells whether the addresses in a type or an itab lead to what a definition refers to, as far as it is in
// the program.
func (c *comparison) sameParts(d def, memory []byte) bool {
	relocs := d.relocs()
	for j := range relocs {
		r := &relocs[j]
		if r.kind() != relocAddr || r.size() != wordSize || r.weak() {
			continue
		}
		want := c.patched.address[c.p.resolve(d.o, r.target())]
		if want != 0 && le.Uint64(memory[r.off():]) != want+uint64(r.add()) {
			return false
		}
	}
	return true
}

// typeText returns a type in an image as reflection prints it.
func (m *image) typeText(at uint64) string {
	b := m.at(at, 48)
	if b == nil {
		return ""
	}
	name := m.tail(m.modules[0].types + uint64(le.Uint32(b[typeStr:])))
	if len(name) < 2 {
		return ""
	}
	size, k := uvarint(name[1:])
	if uint64(len(name)) < uint64(1+k)+uint64(size) {
		return ""
	}
	text := string(name[1+k : 1+k+int(size)])
	if b[typeTFlag]&tflagExtraStar != 0 && text != "" {
		text = text[1:]
	}
	return text
}
