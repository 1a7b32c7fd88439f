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
		mask, n := x.pointerMask(typ)
		for i := range n {
			if mask[i/8]>>(i%8)&1 != 0 {
				word := int(e.address-at)/8 + i
				bits[word/8] |= 1 << (word % 8)
			}
		}
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

// pointerMask returns the mask of a type, and the number of its bits.
func (x *patch) pointerMask(typ def) (mask []byte, bits int) {
	b := typ.content()
	if len(b) < 48 {
		refuse("%s cannot be read", typ.name())
	}
	bits = int(le.Uint64(b[typePtrBytes:]) / 8)
	if b[typeTFlag]&tflagMaskOnDemand != 0 {
		refuse("%s is too large for a mask of its pointers", typ.name())
	}
	if bits == 0 {
		return nil, 0
	}
	relocs := typ.relocs()
	for j := range relocs {
		if relocs[j].off() == typeGCData && relocs[j].kind() == relocAddr {
			d := x.def(x.resolve(typ.o, relocs[j].target()))
			if d.known() {
				mask = append(mask, d.content()...)
			}
		}
	}
	if mask == nil {
		refuse("the pointers of %s are not known", typ.name())
	}
	for len(mask) < (bits+7)/8 {
		mask = append(mask, 0) // contents leave out zeros at the end
	}
	return mask, bits
}
