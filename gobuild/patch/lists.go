package patch

import (
	"cmp"
	"slices"
)

// This file is about the types that reflection finds by their text ([]T, map[K]V, func()), and about itabs. The runtime
// knows those that the compiler has made, and makes no second one. Up to Go 1.26, tables in the module data list them.
// Since Go 1.27 they lie one behind the other, and the runtime walks through them by their sizes: first the types from
// moduledata.types on, sorted by text, then all other types, then the itabs.

// wordSize is also what the linker leaves free before the first type, so that no type has the offset 0.
const wordSize = 8

// listedTypes returns the addresses of a module's types that reflection finds by their text.
func (m *image) listedTypes(d *module) (list []uint64) {
	if !m.version.walked {
		b := m.at(d.typelinks, int(4*d.nTypelinks))
		for i := 0; i+4 <= len(b); i += 4 {
			list = append(list, d.types+uint64(le.Uint32(b[i:])))
		}
		return list
	}
	end := d.types + d.typesSize
	for at := d.types + wordSize; at < end; {
		at = roundUp(at, wordSize)
		size := m.typeSize(at)
		if size == 0 {
			break // damaged: the rest is missing
		}
		list = append(list, at)
		at += size
	}
	return list
}

// listedItabs returns the addresses of a module's itabs.
func (m *image) listedItabs(d *module) (list []uint64) {
	if !m.version.walked {
		return m.words(d.itablinks, d.nItablinks)
	}
	from := d.types + d.itabOffset
	for at := from; at < from+d.itabSize; {
		size := m.itabSize(at)
		if size == 0 {
			break
		}
		list = append(list, at)
		at += size
	}
	return list
}

// Kinds of types in internal/abi that have more than an abi.Type.
const (
	typeArray  = 17
	typeChan   = 18
	typeFunc   = 19
	typeIface  = 20
	typeMap    = 21
	typePtr    = 22
	typeSlice  = 23
	typeStruct = 25

	typeKindMask = 1<<5 - 1
)

// typeSize returns the bytes of a type: abi.Type.DescriptorSize of Go 1.27. It is 0 if there is no type.
func (m *image) typeSize(at uint64) uint64 {
	b := m.at(at, 80) // the longest kind with a number of parts
	if b == nil {
		if b = m.at(at, typeBytes); b == nil {
			return 0
		}
		b = append(slices.Clone(b), make([]byte, 80-typeBytes)...)
	}
	size, parts := uint64(typeBytes), uint64(0)
	switch b[typeKind] & typeKindMask {
	case typePtr, typeSlice:
		size += 8
	case typeChan:
		size += 16
	case typeArray:
		size += 24
	case typeMap:
		size = uint64(m.version.mapType)
	case typeFunc:
		size += 8
		parts = 8 * (uint64(le.Uint16(b[48:])) + uint64(le.Uint16(b[50:])&0x7fff))
	case typeIface:
		size += 32
		parts = 8 * le.Uint64(b[64:])
	case typeStruct:
		size += 32
		parts = 24 * le.Uint64(b[64:])
	}
	if b[typeTFlag]&tflagUncommon != 0 {
		uncommon := m.at(at+size, 16)
		if uncommon == nil {
			return 0
		}
		size += 16
		parts += 16 * uint64(le.Uint16(uncommon[4:]))
	}
	if parts > 1<<24 {
		return 0
	}
	return size + parts
}

// itabSize returns the bytes of an itab: abi.ITab.Size of Go 1.27. It is 0 if there is none.
func (m *image) itabSize(at uint64) uint64 {
	b := m.at(at, 32)
	if b == nil {
		return 0
	}
	iface := m.at(le.Uint64(b), 80)
	if iface == nil || le.Uint64(iface[64:]) > 1<<20 {
		return 0
	}
	if le.Uint64(b[24:]) == 0 || le.Uint64(iface[64:]) == 0 {
		return 32
	}
	return 24 + 8*le.Uint64(iface[64:])
}

// lists finds the new module's types and itabs that have to be listed, in the linker's order. Where tables list them,
// those that the base has, too, stay in its tables, with their new address.
func (x *patch) lists() (types, itabs []*emission) {
	for _, e := range x.module.rodata {
		s, listed := e.d.sym(), false
		if !x.p.version.walked && x.inBase(e.id) {
			old := x.l.def(e.id).sym()
			listed = old.typelink() || old.isItab()
		}
		switch {
		case listed:
		case s.typelink():
			types = append(types, e)
		case s.isItab():
			itabs = append(itabs, e)
		}
	}
	texts := map[*emission]string{}
	for _, e := range types {
		texts[e] = x.typeText(e.d)
	}
	slices.SortStableFunc(types, func(a, b *emission) int { return cmp.Compare(texts[a], texts[b]) })
	return types, itabs
}

// placeConstants places the constants, and for a walk the listed types and itabs first. It returns the end.
func (x *patch) placeConstants() (end uint64) {
	m := &x.module
	m.types, m.itabs = x.lists()
	at := m.rodataAt + wordSize
	m.typesEnd, m.itabsAt, m.itabsEnd = at, at, at
	if !x.p.version.walked {
		return place(m.rodata, at)
	}
	first := map[*emission]bool{}
	for _, e := range slices.Concat(m.types, m.itabs) {
		if first[e] = true; alignment(e.d) != wordSize {
			refuse("%s is not aligned as types are", e.d.name())
		}
	}
	m.typesEnd = place(m.types, at)
	m.itabsAt = roundUp(m.typesEnd, wordSize)
	m.itabsEnd = place(m.itabs, m.itabsAt)
	rest := slices.DeleteFunc(slices.Clone(m.rodata), func(e *emission) bool { return first[e] })
	return place(rest, m.itabsEnd)
}

// linkTables appends the tables of listed types and itabs to the read-only segment.
func (x *patch) linkTables() {
	m := &x.module
	var list []byte
	for _, e := range m.types {
		list = le.AppendUint32(list, uint32(e.address-x.l.image.modules[0].types))
	}
	m.typelinks = m.append(list)
	list = nil
	for _, e := range m.itabs {
		list = le.AppendUint64(list, e.address)
	}
	m.itablinks = m.append(list)
}

// fillLists tells the runtime in the new module data where the listed types and itabs are.
//
// For a walk, the new module's own types begin where the listed ones do, and end there at once: those of the base end
// behind everything, and the runtime asks the base first where a type belongs. So offsets still count from the base's
// types, also in the new module's.
func (x *patch) fillLists(put func(off int, v uint64)) {
	m, f, first := &x.module, x.l.image.fields, &x.l.image.modules[0]
	if x.p.version.walked {
		put(f.types, m.rodataAt)
		put(f.etypes, m.rodataAt)
		put(f.typedesclen, m.typesEnd-m.rodataAt)
		put(f.itaboffset, m.itabsAt-m.rodataAt)
		put(f.itabsize, m.itabsEnd-m.itabsAt)
		return
	}
	put(f.types, first.types)
	put(f.etypes, m.rodataEnd)
	for i, v := range []uint64{m.typelinks, uint64(len(m.types)), uint64(len(m.types))} {
		put(f.typelinks+8*i, v)
	}
	for i, v := range []uint64{m.itablinks, uint64(len(m.itabs)), uint64(len(m.itabs))} {
		put(f.itablinks+8*i, v)
	}
}

// relist leads the base's tables to types and itabs that have moved, by their old addresses, and retires those that
// the runtime would still find at their old place.
func (x *patch) relist(moved map[uint64]uint64) {
	first := &x.l.image.modules[0]
	if !x.p.version.walked {
		for i, at := range x.l.image.listedTypes(first) {
			if to := moved[at]; to != 0 {
				x.edit(first.typelinks+4*uint64(i), le.AppendUint32(nil, uint32(to-first.types)))
			}
		}
		for i, at := range x.l.image.listedItabs(first) {
			if to := moved[at]; to != 0 {
				x.edit64(first.itablinks+8*uint64(i), to)
			}
		}
	}
	for _, n := range x.fated {
		if fate := x.fate(n); !x.inBase(n) || fate != gone && (fate != moves || !x.p.version.walked) {
			continue
		}
		switch d := x.l.def(n); {
		case !d.known():
		case d.sym().isItab():
			x.retireItab(n)
		case d.sym().typelink():
			x.retireType(n, d)
		}
	}
}

// retireType makes sure that reflection never takes a type in the base for another one: it compares the types that a
// type is made of, by their address, and now this one is made of itself. Its size and its text stay, so it can be
// walked over, and the list stays sorted.
func (x *patch) retireType(n id, d def) {
	own := x.l.address[n]
	relocs := d.relocs()
	for j := range relocs {
		r := &relocs[j]
		if r.kind() != relocAddr || r.size() != 8 {
			continue
		}
		switch target := x.l.resolve(d.o, r.target()); {
		case target == n:
			x.edit64(own+uint64(r.off()), own+uint64(r.add())) // the list of a struct's fields, not that of the new type
		case x.l.def(target).known() && x.l.def(target).sym().isType():
			x.edit64(own+uint64(r.off()), own)
		}
	}
}

// retireItab makes sure that the runtime never finds an itab in the base: now it is for an interface type as the type
// of a value, which no value has. The former interface type stays, since its number of methods tells the itab's size.
func (x *patch) retireItab(n id) {
	own := x.l.address[n]
	b := x.l.image.at(own, wordSize)
	if b == nil {
		refuse("%s is not in the file", x.p.name(n))
	}
	x.edit64(own, le.Uint64(b))
	x.edit64(own+wordSize, le.Uint64(b))
}
