package patch

import (
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// The linker drops functions and types that nothing reaches. Methods need a rule of their own, because interfaces and
// reflection call them: a method is live if its type is converted to an interface, and either a method of an interface
// with this name and type is called somewhere, or methods with this name are looked up by reflection, or any exported
// method may be. This file derives the rule's state for a base; reach.go goes on from there. The rule is that of
// cmd/link/internal/ld/deadcode.go.

// scope is a program with its definitions: a base, or a base with changed packages.
type scope interface {
	resolve(o *object, r ref) id
	def(n id) def // with a nil object if there is none
}

func (l *layout) resolve(o *object, r ref) id { return l.program.resolve(o, r) }

// signature is what calls by interface know of a method.
type signature struct {
	name string
	typ  id // of the function
}

// method is an entry in a type's table of methods: three relocations, for its type and its two entry points.
type method struct {
	source id
	reloc  uint32 // the first of the three
	signature
}

func (s signature) exported() bool {
	first, _ := utf8.DecodeRuneInString(s.name)
	return unicode.IsUpper(first)
}

// liveness is the state of the rule.
type liveness struct {
	used    map[id]bool        // types that are converted to interfaces
	called  map[signature]bool // methods that are called by interfaces
	named   map[string]bool    // names that are looked up by reflection
	reflect bool               // any exported method may be
	dropped []method           // of used types, not live
}

func (v *liveness) live(s signature) bool {
	return v.called[s] || v.named[s.name] || v.reflect && s.exported()
}

// revive derives the state of the rule from what the image contains.
func (l *layout) liveness() (*liveness, error) {
	v := &liveness{used: map[id]bool{}, called: map[signature]bool{}, named: map[string]bool{}, reflect: l.reflect}
	for _, m := range l.iface {
		s, ok := interfaceMethod(l, l.def(m.target), m.add)
		if !ok {
			return nil, &Unfit{Why: "a method of " + l.program.name(m.target) + " cannot be read"}
		}
		v.called[s] = true
	}
	for _, n := range l.names {
		d := l.def(n)
		if !d.known() {
			return nil, &Unfit{Why: "the name of a method cannot be read"}
		}
		v.named[string(d.content())] = true
	}
	var queue []id
	use := func(n id) {
		if n != 0 && !v.used[n] {
			v.used[n] = true
			queue = append(queue, n)
		}
	}
	for n := range l.program.iface {
		use(n)
	}
	for _, n := range l.used {
		use(typeOf(l, n))
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if l.address[n] == 0 {
			continue // not in the program; its parts do not count
		}
		if err := l.useType(v, n, use); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// useType notes the types that a used type is made of, and its dropped methods.
func (l *layout) useType(v *liveness, n id, use func(id)) error {
	d := l.def(n)
	if !d.known() || !d.sym().isType() {
		return nil
	}
	for _, part := range parts(l, d) {
		use(part)
	}
	methods, ok := methodsOf(l, n, d)
	if !ok {
		return &Unfit{Why: "the methods of " + l.program.name(n) + " cannot be read"}
	}
	for _, m := range methods {
		switch {
		case !v.live(m.signature):
			v.dropped = append(v.dropped, m)
		case !l.complete(d, m):
			return &Unfit{Why: fmt.Sprintf("the linker has dropped method %s of %s against the known rule", m.name,
				l.program.name(n))}
		}
	}
	return nil
}

// complete tells whether the linker has kept a method.
func (l *layout) complete(d def, m method) bool {
	for k := range uint32(3) {
		b := l.image.at(l.address[m.source]+uint64(d.relocs()[m.reloc+k].off()), 4)
		if b == nil || le.Uint32(b) == ^uint32(0) {
			return false
		}
	}
	return true
}

// typeOf returns the type that a mark relocUseIface means: an itab stands for its type.
func typeOf(s scope, n id) id {
	d := s.def(n)
	if !d.known() || !d.sym().isItab() {
		return n
	}
	relocs := d.relocs()
	for j := range relocs {
		if relocs[j].off() == 8 && relocs[j].size() > 0 {
			return s.resolve(d.o, relocs[j].target())
		}
	}
	return n
}

// parts returns the types that a type is made of, as far as a conversion to an interface makes them reachable.
func parts(s scope, d def) (list []id) {
	relocs := d.relocs()
	for j := 0; j < len(relocs); j++ {
		r := &relocs[j]
		if r.weak() || isMark(r.kind()) {
			continue
		}
		n := s.resolve(d.o, r.target())
		if t := s.def(n); t.known() && t.sym().isType() {
			list = append(list, n)
		}
		if r.kind() == relocMethodOff {
			j += 2 // only the type of a method; its code is not a part
		}
	}
	return list
}

// isMark tells whether a relocation has no place in memory and does not keep its target.
func isMark(kind uint16) bool {
	switch kind {
	case relocUseField, relocUseType, relocUseIface, relocUseIfaceMethod, relocUseNamedMethod, relocCallInd:
		return true
	}
	return false
}

// methodsOf lists the methods of a type.
func methodsOf(s scope, n id, d def) (list []method, ok bool) {
	relocs := d.relocs()
	for j := 0; j < len(relocs); j++ {
		if relocs[j].kind() != relocMethodOff {
			continue
		}
		if j+2 >= len(relocs) || relocs[j+1].kind() != relocMethodOff || relocs[j+2].kind() != relocMethodOff {
			return nil, false
		}
		name, ok := nameAt(s, d, relocs[j].off()-4)
		if !ok {
			return nil, false
		}
		list = append(list, method{n, uint32(j), signature{name, s.resolve(d.o, relocs[j].target())}})
		j += 2
	}
	return list, true
}

// interfaceMethod returns the method at an offset of an interface type.
func interfaceMethod(s scope, d def, off int64) (signature, bool) {
	if !d.known() {
		return signature{}, false
	}
	name, ok := nameAt(s, d, uint32(off))
	relocs := d.relocs()
	for j := range relocs {
		if int64(relocs[j].off()) == off+4 {
			return signature{name, s.resolve(d.o, relocs[j].target())}, ok
		}
	}
	return signature{}, false
}

// nameAt returns the name to which a type refers at an offset: internal/abi.Name.
func nameAt(s scope, d def, off uint32) (string, bool) {
	relocs := d.relocs()
	for j := range relocs {
		if relocs[j].off() != off || relocs[j].kind() != relocAddrOff {
			continue
		}
		n := s.def(s.resolve(d.o, relocs[j].target()))
		if !n.known() {
			return "", false
		}
		b := n.content()
		if len(b) < 2 {
			return "", false
		}
		size, k := binary.Uvarint(b[1:])
		if k <= 0 || uint64(len(b)-1-k) < size {
			return "", false
		}
		return string(b[1+k : 1+k+int(size)]), true
	}
	return "", false
}
