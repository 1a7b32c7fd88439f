package patch

import (
	"hash/maphash"
	"slices"
)

// index finds symbols by their names or hashes, which lie in the mapped archives: it is a table with open addressing
// that contains ids, and parts of hashes so that few keys must be looked at. A map that contains the keys needs four
// times the memory.
type index struct {
	slots []slot // a power of two of them, at most three quarters are used
	used  int
}

// slot is an entry of an index. id 0: it is free.
type slot struct {
	hash uint32
	id   id
}

var indexSeed = maphash.MakeSeed()

func hashName(name string) uint32 { return uint32(maphash.String(indexSeed, name)) }

func hash64(h uint64) uint32 { return uint32(h * 0x9e3779b97f4a7c15 >> 32) }

// find returns the place of the symbol with a hash for which same is true, or the free place for it.
func (x *index) find(hash uint32, same func(n id) bool) *slot {
	if x.used*4 >= len(x.slots)*3 {
		x.grow()
	}
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &x.slots[i]
		if s.id == 0 || s.hash == hash && same(s.id) {
			return s
		}
	}
}

// put fills a place that find has returned.
func (x *index) put(s *slot, hash uint32, n id) {
	if s.id == 0 {
		x.used++
	}
	*s = slot{hash, n}
}

// leastSlots is the size of a small index.
const leastSlots = 1 << 10

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, max(2*len(old), leastSlots))
	mask := uint32(len(x.slots) - 1)
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		i := s.hash & mask
		for x.slots[i].id != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = s
	}
}

// sparse is a list of which most elements are zero: it consists of blocks that are made when they are needed.
type sparse[T any] struct{ blocks []*[sparseBlock]T }

const sparseBlock = 1 << 8

func newSparse[T any](n int) sparse[T] {
	blocks := (n + sparseBlock - 1) / sparseBlock
	return sparse[T]{make([]*[sparseBlock]T, blocks, blocks+blocks/4+1)}
}

func (s *sparse[T]) at(n id) (v T) {
	if k := int(n) / sparseBlock; k < len(s.blocks) && s.blocks[k] != nil {
		return s.blocks[k][n%sparseBlock]
	}
	return v
}

func (s *sparse[T]) set(n id, v T) {
	k := int(n) / sparseBlock
	if k >= len(s.blocks) {
		s.blocks = append(s.blocks, make([]*[sparseBlock]T, k+1-len(s.blocks))...)
	}
	if s.blocks[k] == nil {
		s.blocks[k] = new([sparseBlock]T)
	}
	s.blocks[k][n%sparseBlock] = v
}

// spot is a def in less memory, and without a pointer that the garbage collector has to follow. A reference by name
// that nothing defines has one, too, because it has a name.
type spot struct {
	object int32 // its number, plus one; negative: nothing is defined there
	i      uint32
}

// further is one more definition of a symbol.
type further struct {
	id id
	at spot
}

// bits is a set of symbols.
type bits []uint64

func (b *bits) set(n id) {
	for int(n)/64 >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bits) has(n id) bool { return int(n)/64 < len(b) && b[n/64]>>(n%64)&1 != 0 }

// fitting returns a list without room for more.
func fitting[T any](list []T) []T {
	if cap(list)-len(list) <= len(list)/16 {
		return list
	}
	return append(make([]T, 0, len(list)), list...)
}

// others returns the definitions of a symbol beside its first choice that differ from it.
func (p *program) others(n id) (list []def) {
	k, _ := slices.BinarySearchFunc(p.more, n, func(f further, n id) int { return int(f.id) - int(n) })
	for ; k < len(p.more) && p.more[k].id == n; k++ {
		list = append(list, p.defAt(p.more[k].at))
	}
	return list
}

// elsewhere finds definitions of symbols, which are the same to the byte, in objects for which ok is true. Hardly any
// patch needs this, so there is no table.
func (p *program) elsewhere(of map[id]bool, ok func(o *object) bool, found func(n id, d def)) {
	for _, o := range p.objects {
		if !ok(o) {
			continue
		}
		for i := o.hashed64; i < o.named; i++ {
			if n := o.ids[i]; p.same.has(n) && of[n] {
				found(n, def{o, uint32(i)})
			}
		}
	}
}
