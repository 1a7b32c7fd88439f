package patch

import (
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"
)

// This file reads the object files of Go's compiler and assembler. Their format is described in the toolchain's
// sources: cmd/internal/goobj/objfile.go and funcinfo.go. It has been the same since Go 1.20; the magic tells.

const objectMagic = "\x00go120ld"

var le = binary.LittleEndian

// The blocks of an object file, in the order of their offsets in the header.
const (
	blockAutolib = iota
	blockPackages
	blockFiles
	blockDefs      // symbols of the package, found by their number
	blockHashed64  // contents of up to 8 bytes, found by themselves
	blockHashed    // contents, found by their hash
	blockNamedDefs // found by name
	blockNamedRefs // references by name
	blockRefFlags
	blockHash64
	blockHash
	blockRelocIndex
	blockAuxIndex
	blockDataIndex
	blockRelocs
	blockAux
	blockData
	blockRefNames
	blockEnd
	blocks
)

// Bytes of the records.
const (
	stringSize   = 8
	autolibSize  = stringSize + 8
	symbolSize   = 21
	relocSize    = 23
	auxSize      = 9
	refFlagsSize = 10
	hash64Size   = 8
	hashSize     = 16
	headerSize   = len(objectMagic) + 8 + 4 + 4*blocks
)

// Numbers with a meaning in the place of a package's index.
const (
	refNone     = 1<<31 - 1 - iota // by name
	refHashed64                    //
	refHashed                      //
	refBuiltin                     // functions of the runtime that the compiler calls
	refSelf                        // the object's own symbols
)

const flagStandard = 1 << 4 // object of the standard library
const flagAssembly = 1 << 2 // written by the assembler

// Flags of symbols.
const (
	symDupok         = 1 << 0 // may be defined several times
	symTypelink      = 1 << 2 // goes into the table of types that reflection finds by name
	symReflectMethod = 1 << 5 // uses methods by reflection
	symType          = 1 << 6 // is a type

	symUsedInIface = 1 << 0 // second byte: a type that is converted to an interface
	symItab        = 1 << 1 // second byte
)

const staticABI = 0xffff // visible in its object only

// Kinds of auxiliary symbols.
const (
	auxGotype   = 0
	auxFuncInfo = 1
	auxFuncdata = 2
	auxPcsp     = 7
	auxPcfile   = 8
	auxPcline   = 9
	auxPcinline = 10
	auxPcdata   = 11
)

// object is one object file: the compiler's output for a package, or the assembler's for a file.
type object struct {
	path        string // import path of the package
	number      int32  // among the objects of the base, from 1; 0: it belongs to a patch
	data        []byte // mapped into memory; strings point into it
	block       [blocks]uint32
	fingerprint [8]byte // hash of the export data
	flags       uint32
	standard    bool // of a package of the standard library

	// The first number of hashed64, hashed and named definitions, of references, and of no symbol. A local number counts
	// through all these.
	hashed64, hashed, named, refs, all int

	imported []*object // what the package imports; nil for the standard library and for what the assembler has written
	ids      []id      // global number of each local one
	packages []*object // by the index in references; entry 0 is none

	relined map[uint32]relined // functions whose lines have moved since the object was compiled
}

// id numbers the symbols of a program. 0 is none.
type id int32

type ref struct{ pkg, sym uint32 }

// symbol is a definition, or a reference by name. Its name lies elsewhere.
type symbol [symbolSize]byte

func (s *symbol) abi() uint16   { return le.Uint16(s[8:]) }
func (s *symbol) kind() uint8   { return s[10] }
func (s *symbol) flags() uint8  { return s[11] }
func (s *symbol) flags2() uint8 { return s[12] }
func (s *symbol) size() uint32  { return le.Uint32(s[13:]) }
func (s *symbol) align() uint32 { return le.Uint32(s[17:]) }

func (s *symbol) dupok() bool         { return s.flags()&symDupok != 0 }
func (s *symbol) typelink() bool      { return s.flags()&symTypelink != 0 }
func (s *symbol) reflectMethod() bool { return s.flags()&symReflectMethod != 0 }
func (s *symbol) isType() bool        { return s.flags()&symType != 0 }
func (s *symbol) isItab() bool        { return s.flags2()&symItab != 0 }
func (s *symbol) isStatic() bool      { return s.abi() == staticABI }

// reloc is a place in a symbol that refers to another one, or a mark for the linker.
type reloc [relocSize]byte

func (r *reloc) off() uint32     { return le.Uint32(r[:]) }
func (r *reloc) size() int       { return int(r[4]) }
func (r *reloc) kind() uint16    { return le.Uint16(r[5:]) &^ relocWeak }
func (r *reloc) weak() bool      { return le.Uint16(r[5:])&relocWeak != 0 }
func (r *reloc) add() int64      { return int64(le.Uint64(r[7:])) }
func (r *reloc) target() ref     { return ref{le.Uint32(r[15:]), le.Uint32(r[19:])} }
func (r *reloc) place() [15]byte { return [15]byte(r[:15]) } // everything but the target

// aux is a symbol with information about another one.
type aux [auxSize]byte

func (a *aux) kind() uint8 { return a[0] }
func (a *aux) target() ref { return ref{le.Uint32(a[1:]), le.Uint32(a[5:])} }

// newObject reads the header of an object file.
func newObject(path string, data []byte) (*object, error) {
	if len(data) < headerSize || string(data[:len(objectMagic)]) != objectMagic {
		return nil, errors.New("an object file of an unknown version")
	}
	o := &object{path: path, data: data}
	rest := data[len(objectMagic):]
	copy(o.fingerprint[:], rest)
	o.flags = le.Uint32(rest[8:])
	last := uint32(headerSize)
	for i := range o.block {
		o.block[i] = le.Uint32(rest[12+4*i:])
		if o.block[i] < last || int(o.block[i]) > len(data) {
			return nil, errors.New("a damaged object file")
		}
		last = o.block[i]
	}
	o.hashed64 = o.count(blockDefs, symbolSize)
	o.hashed = o.hashed64 + o.count(blockHashed64, symbolSize)
	o.named = o.hashed + o.count(blockHashed, symbolSize)
	o.refs = o.named + o.count(blockNamedDefs, symbolSize)
	o.all = o.refs + o.count(blockNamedRefs, symbolSize)
	o.ids = make([]id, o.all)
	return o, nil
}

// copied returns an object with the same contents, to succeed o.
func (o *object) copied() *object {
	n := *o
	n.number, n.ids, n.imported, n.packages = 0, make([]id, o.all), nil, nil
	return &n
}

func (o *object) count(block, size int) int { return int(o.block[block+1]-o.block[block]) / size }

func (o *object) assembly() bool { return o.flags&flagAssembly != 0 }

func (o *object) u32(at uint32) uint32 { return le.Uint32(o.data[at:]) }

// text returns a string that lies in the file. It is valid as long as the file is mapped.
func (o *object) text(at, n uint32) string {
	if n == 0 {
		return ""
	}
	b := o.data[at : at+n]
	return unsafe.String(&b[0], len(b))
}

func (o *object) textAt(at uint32) string { return o.text(o.u32(at+4), o.u32(at)) }

// imported is a package that the object's package imports, and the fingerprint that the compiler has seen.
type imported struct {
	path        string
	fingerprint [8]byte
}

func (o *object) imports() []imported {
	list := make([]imported, o.count(blockAutolib, autolibSize))
	for i := range list {
		at := o.block[blockAutolib] + uint32(i*autolibSize)
		list[i].path = o.textAt(at)
		copy(list[i].fingerprint[:], o.data[at+stringSize:])
	}
	return list
}

// packageNames returns the packages that references name by index, with special characters escaped.
func (o *object) packageNames() []string {
	list := make([]string, o.count(blockPackages, stringSize))
	for i := range list {
		list[i] = o.textAt(o.block[blockPackages] + uint32(i*stringSize))
	}
	return list
}

// fileNumber returns the number of a file that code of the object comes from.
func (o *object) fileNumber(path string) (i uint32, found bool) {
	for i := range uint32(o.count(blockFiles, stringSize)) {
		if expand(o.file(i), "") == path {
			return i, true
		}
	}
	return 0, false
}

func (o *object) file(i uint32) string { return o.textAt(o.block[blockFiles] + i*stringSize) }

// sym returns the symbol with local number i. All blocks of symbols follow each other.
func (o *object) sym(i uint32) *symbol {
	return (*symbol)(o.data[o.block[blockDefs]+i*symbolSize:])
}

func (o *object) name(i uint32) string {
	s := o.sym(i)
	return o.text(le.Uint32(s[4:]), le.Uint32(s[:]))
}

func (o *object) hash64(i uint32) uint64 {
	return le.Uint64(o.data[o.block[blockHash64]+(i-uint32(o.hashed64))*hash64Size:])
}

func (o *object) hash(i uint32) [hashSize]byte { return [hashSize]byte(o.data[o.hashAt(i):]) }

func (o *object) hashAt(i uint32) uint32 { return o.block[blockHash] + (i-uint32(o.hashed))*hashSize }

func (o *object) isHashed(i uint32) bool { return int(i) >= o.hashed64 && int(i) < o.named }

// span returns the entries of symbol i in a block with an index.
func (o *object) span(index int, i uint32) (from, to uint32) {
	at := o.block[index] + i*4
	return o.u32(at), o.u32(at + 4)
}

func (o *object) relocs(i uint32) []reloc {
	from, to := o.span(blockRelocIndex, i)
	if from == to {
		return nil
	}
	b := o.data[o.block[blockRelocs]+from*relocSize : o.block[blockRelocs]+to*relocSize]
	return unsafe.Slice((*reloc)(b), to-from)
}

func (o *object) auxes(i uint32) []aux {
	from, to := o.span(blockAuxIndex, i)
	if from == to {
		return nil
	}
	b := o.data[o.block[blockAux]+from*auxSize : o.block[blockAux]+to*auxSize]
	return unsafe.Slice((*aux)(b), to-from)
}

// content returns the bytes of symbol i. They may be shorter than its size; zeros follow.
func (o *object) content(i uint32) []byte {
	from, to := o.span(blockDataIndex, i)
	return o.data[o.block[blockData]+from : o.block[blockData]+to]
}

// refFlags yields the references whose flags are known although they are defined elsewhere.
func (o *object) refFlags(yield func(r ref, flags2 uint8)) {
	for i := range o.count(blockRefFlags, refFlagsSize) {
		b := o.data[o.block[blockRefFlags]+uint32(i*refFlagsSize):]
		yield(ref{le.Uint32(b), le.Uint32(b[4:])}, b[9])
	}
}

// funcInfo is what the compiler tells of a function beside its code.
type funcInfo []byte

func (f funcInfo) args() uint32      { return le.Uint32(f) }
func (f funcInfo) id() uint8         { return f[8] }
func (f funcInfo) flag() uint8       { return f[9] }
func (f funcInfo) startLine() uint32 { return le.Uint32(f[12:]) }

// startingAt returns a copy with another first line.
func (f funcInfo) startingAt(line int32) funcInfo {
	now := slices.Clone(f)
	le.PutUint32(now[12:], uint32(line))
	return now
}

// files returns the numbers of the files that the function's lines come from.
func (f funcInfo) files() []uint32 {
	list := make([]uint32, le.Uint32(f[16:]))
	for i := range list {
		list[i] = le.Uint32(f[20+4*i:])
	}
	return list
}

// inlined is a call that was replaced by the function's body.
type inlined struct {
	parent, file, line uint32
	function           ref
	parentPC           uint32
}

func (f funcInfo) inlined() []inlined {
	const size = 24
	at := 20 + 4*le.Uint32(f[16:])
	list := make([]inlined, le.Uint32(f[at:]))
	for i := range list {
		b := f[at+4+uint32(i)*size:]
		list[i] = inlined{le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]),
			ref{le.Uint32(b[12:]), le.Uint32(b[16:])}, le.Uint32(b[20:])}
	}
	return list
}

// info returns what the compiler tells of function i; nil if it tells nothing.
func (o *object) info(i uint32) funcInfo {
	if now, moved := o.relined[i]; moved {
		return now.info
	}
	for _, a := range o.auxes(i) {
		if a.kind() == auxFuncInfo {
			return o.content(a.target().sym)
		}
	}
	return nil
}
