package patch

// gcProgram returns the program from which the runtime learns where variables hold pointers: bits, one for each word
// from at to end. See runGCProg in runtime/mbitmap.go.
func (x *patch) gcProgram(list []*emission, at, end uint64) []byte {
	words := int(end-at) / 8
	bits := make([]byte, (words+7)/8)
	for _, e := range list {
		typ := x.def(x.gotype(x, e.d))
		if !typ.known() {
			refuse("the type of %s is not known", e.d.name())
		}
		x.eachPointer(typ, e.address-at, func(off uint64) { bits[off/64] |= 1 << (off / 8 % 8) })
	}
	const chunk = 120 // bits of one instruction; below 128, and whole bytes
	var program []byte
	for i := 0; i < words; i += chunk {
		n := min(chunk, words-i)
		program = append(program, byte(n))
		program = append(program, bits[i/8:i/8+(n+7)/8]...)
	}
	return append(program, 0)
}

// eachPointer yields the offsets of the pointers in a variable of a type that lies at an offset. It is AddType in
// cmd/link/internal/ld/data.go. Types with many pointers have no mask in the archives (abi.TFlagGCMaskOnDemand): theirs
// is that of their parts.
func (x *patch) eachPointer(typ def, at uint64, yield func(off uint64)) {
	b := make([]byte, typ.sym().size())
	if copy(b, typ.content()); len(typ.content()) < typeBytes { // zeros at the end are left out
		refuse("%s cannot be read", typ.name())
	}
	words := le.Uint64(b[typePtrBytes:]) / wordSize
	switch kind := b[typeKind] & typeKindMask; {
	case words == 0:
	case b[typeTFlag]&tflagMaskOnDemand == 0:
		mask := x.addressIn(typ, typeGCData).content()
		for i := range min(words, 8*uint64(len(mask))) {
			if mask[i/8]>>(i%8)&1 != 0 {
				yield(at + i*wordSize)
			}
		}
	case kind == typeArray:
		elem := x.addressIn(typ, typeBytes)
		for i := range le.Uint64(b[typeBytes+16:]) {
			x.eachPointer(elem, at+i*le.Uint64(elem.content()), yield)
		}
	case kind == typeStruct:
		from := fieldsOf(typ)
		for i := range le.Uint64(b[typeBytes+16:]) {
			field := from + i*fieldBytes
			x.eachPointer(x.addressIn(typ, field+8), at+le.Uint64(b[field+16:]), yield)
		}
	default:
		refuse("%s has no mask of its pointers", typ.name())
	}
}

const fieldBytes = 24 // of an internal/abi.StructField: name, type, offset

// fieldsOf returns where in the type of a struct the list of fields begins.
func fieldsOf(typ def) uint64 {
	relocs := typ.relocs()
	for j := range relocs {
		if relocs[j].off() == typeBytes+8 && relocs[j].kind() == relocAddr {
			return uint64(relocs[j].add())
		}
	}
	refuse("the fields of %s are not known", typ.name())
	return 0
}

// addressIn returns the symbol whose address stands in a type at an offset.
func (x *patch) addressIn(typ def, off uint64) def {
	relocs := typ.relocs()
	for j := range relocs {
		if uint64(relocs[j].off()) == off && relocs[j].kind() == relocAddr {
			if d := x.def(x.resolve(typ.o, relocs[j].target())); d.known() {
				return d
			}
		}
	}
	refuse("%s is made of something that is not known", typ.name())
	return def{}
}
