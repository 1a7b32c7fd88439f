package patch

// relocate resolves the relocations of a symbol at an address.
func (x *patch) relocate(d def, address uint64, memory []byte) {
	relocs := d.relocs()
	for j := range relocs {
		r := &relocs[j]
		if r.size() == 0 {
			continue
		}
		at := address + uint64(r.off())
		if b := x.resolved(d, r, at, memory[r.off():int(r.off())+r.size()]); b != nil {
			copy(memory[r.off():], b)
		}
	}
}

// resolved returns the bytes of a relocation at an address in memory, where now lies before; nil if they stay. The
// cases are those of relocsym in cmd/link/internal/ld/data.go.
func (x *patch) resolved(d def, r *reloc, at uint64, before []byte) []byte {
	kind := r.kind()
	if kind == relocTLS && r.size() == 4 && x.l.tlsSeen {
		return le.AppendUint32(nil, uint32(x.l.tls+int32(r.add())))
	}
	if isMark(kind) || kind == relocKeep {
		return nil
	}
	target := x.resolve(d.o, r.target())
	if target == 0 {
		refuse("%s has a relocation without a target", d.name())
	}
	to := uint64(0)
	switch {
	case x.reachable(target):
		to = x.addressOf(target)
	case kind == relocMethodOff && r.size() == 4:
		return le.AppendUint32(nil, ^uint32(0))
	case r.weak() && kind == relocAddrOff:
		return nil
	case r.weak() && kind == relocAddr:
		return x.encode(d, r, at, x.l.unreachable, 0)
	case r.weak() && kind == relocCall:
		return x.encode(d, r, at, x.addressOf(x.p.mentioned(noInitName, 1)), 0)
	default:
		refuse("%s refers to %s, which is missing", d.name(), x.nameOf(target))
	}
	return x.encode(d, r, at, to, target)
}

// encode returns the bytes of a relocation to an address, where the target lies. Only offsets need the target.
func (x *patch) encode(d def, r *reloc, at, to uint64, target id) []byte {
	to += uint64(r.add())
	switch kind := r.kind(); {
	case kind == relocAddr && r.size() == 8:
		return le.AppendUint64(nil, to)
	case kind == relocAddr && r.size() == 4 && to < 1<<31:
		return le.AppendUint32(nil, uint32(to))
	case (kind == relocCall || kind == relocPCRel) && r.size() == 4:
		return le.AppendUint32(nil, uint32(to-(at+4)))
	case (kind == relocAddrOff || kind == relocMethodOff) && r.size() == 4:
		if origin, ok := x.l.image.origin(x.def(target)); ok && x.def(target).kind() != kindRodataFIPS {
			return le.AppendUint32(nil, uint32(to-origin))
		}
	}
	refuse("%s has a relocation of kind %d with %d bytes", d.name(), r.kind(), r.size())
	return nil
}

// addressOf returns where a symbol of the next program lies.
func (x *patch) addressOf(n id) uint64 {
	if e := x.emitted[n]; e != nil {
		return e.address
	}
	if !x.reachable(n) {
		refuse("%s is missing", x.nameOf(n))
	}
	return x.l.address[n]
}

// edit is a change of the base at an address.
type edit struct {
	at    uint64
	bytes []byte
}

func (x *patch) edit(at uint64, bytes []byte) { x.edits = append(x.edits, edit{at, bytes}) }

func (x *patch) edit64(at, v uint64) { x.edit(at, le.AppendUint64(nil, v)) }

// redirect changes the base: contents at their place, references to moved symbols, and tables of the linker.
func (x *patch) redirect() {
	x.rewriteInPlace()
	moved := map[uint64]uint64{} // old address -> new one, for tables
	for _, e := range x.order {
		if x.inBase(e.id) {
			moved[x.l.address[e.id]] = e.address
			for _, s := range x.l.sitesOf(e.id) {
				x.redirectSite(s)
			}
			if isText(e.d.kind()) { // nothing leads here any more; if something did, it would be right
				old := x.l.address[e.id]
				x.edit(old, le.AppendUint32([]byte{0xe9}, uint32(e.address-(old+5))))
			}
		} else {
			for _, s := range ofTarget(x.l.absent, e.id) {
				x.redirectSite(s)
			}
		}
	}
	x.relist(moved)
	if !x.module.made {
		return
	}
	first, f := &x.l.image.modules[0], x.l.image.fields
	x.edit64(first.address+uint64(f.next), x.module.variableAt)
	x.edit64(x.l.image.symbols["runtime.lastmoduledatap"], x.module.variableAt)
	x.edit64(first.address+uint64(f.etypes), x.module.rodataEnd)
	for i, v := range []uint64{x.module.tasksAt, uint64(len(x.module.tasks)), uint64(len(x.module.tasks))} {
		x.edit64(first.address+uint64(f.inittasks+8*i), v)
	}
}

func (x *patch) rewriteInPlace() {
	for _, n := range x.fated {
		if x.fate(n) != rewrite {
			continue
		}
		d := x.def(n)
		memory := make([]byte, d.sym().size())
		copy(memory, d.content())
		x.relocate(d, x.l.address[n], memory)
		x.edit(x.l.address[n], memory)
		x.report.InPlace++
	}
}

// redirectSite writes a reference in the base anew. What is written anyway, and functions that move, are left alone.
// Other contents that move, or are gone, can still be used: the hash of a table changes with the numbers in it, and a
// function that stays has the former one.
func (x *patch) redirectSite(s site) {
	d := x.l.def(s.source)
	if fate := x.fate(s.source); fate == rewrite || fate == moves && isText(d.kind()) {
		return
	}
	r := &d.relocs()[s.reloc]
	at := x.l.address[s.source] + uint64(r.off())
	x.edit(at, x.encode(d, r, at, x.addressOf(s.target), s.target))
	x.report.Sites++
}
