package patch

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"errors"
	"os"
	"slices"
)

func (b *base) patch(ctx context.Context, changes map[string]Change, out string) (report Report, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return report, errClosed
	}
	x := b.newPatch()
	defer x.close()
	defer guard(&err)()
	if err := x.prepare(ctx, changes); err != nil {
		return report, err
	}
	if err := x.write(out); err != nil {
		return report, err
	}
	x.report.Symbols, x.report.Functions = len(x.order), len(x.module.code)
	return x.report, nil
}

func (b *base) newPatch() *patch {
	return &patch{
		b: b, p: b.program, l: b.layout, changed: map[*object]*object{}, behind: map[*object]bool{},
		byHash64: map[uint64]id{}, byName: [2]map[string]id{{}, {}}, byHash: map[[hashSize]byte]id{}, iface: map[id]bool{},
		now: newSparse[def](len(b.program.defs)), fates: newSparse[fate](len(b.program.defs)), next: id(len(b.program.defs)),
		reach: reach{emitted: map[id]*emission{}, used: map[id]bool{}, called: map[signature]bool{},
			named: map[string]bool{}, revived: map[methodKey]bool{}},
	}
}

// prepare makes everything but the file.
func (x *patch) prepare(ctx context.Context, changes map[string]Change) error {
	if err := x.merge(changes); err != nil {
		return err
	}
	x.decide()
	x.flood()
	if err := ctx.Err(); err != nil {
		return err
	}
	x.build()
	x.redirect()
	return nil
}

// rehearse makes a patch without changes. What it reads is in memory for the next one: the faults for it take longer
// than the patch.
func (b *base) rehearse(ctx context.Context) {
	var err error
	defer guard(&err)()
	x := b.newPatch()
	defer x.close()
	_ = x.prepare(ctx, b.likely)
}

// write makes the patched program: the base's file with edits, the new segments, and the section headers, which make
// room for three more program headers.
func (x *patch) write(out string) (err error) {
	tail, head, err := x.segments()
	if err != nil {
		return err
	}
	pages, err := x.pages(head)
	if err != nil {
		return err
	}
	release := writing() // see there
	defer release()
	file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			_ = os.Remove(out)
		}
	}()
	if err := clone(file, x.l.image.path, x.l.image.data); err != nil {
		return err
	}
	for _, p := range pages {
		if _, err := file.WriteAt(p.bytes, p.at); err != nil {
			return err
		}
	}
	x.report.Bytes = len(tail)
	_, err = file.WriteAt(tail, int64(roundUp(uint64(len(x.l.image.data)), pageSize)))
	return err
}

// Offsets and sizes in ELF files of 64 bits.
const (
	elfHeaderSize   = 64
	elfSegmentsAt   = 32
	elfSectionsAt   = 40
	elfSegments     = 56
	elfSections     = 60
	elfSegmentSize  = 56
	elfSectionSize  = 64
	elfSegmentFile  = 32 // in a program header: bytes in the file
	elfSegmentBytes = 40 // in a program header: bytes in memory
)

// segments returns what follows the base in the file, and the new beginning of the file.
func (x *patch) segments() (tail, head []byte, err error) {
	m, data := &x.module, x.l.image.data
	if !m.made {
		return nil, nil, nil
	}
	sectionsAt, sections := le.Uint64(data[elfSectionsAt:]), uint64(le.Uint16(data[elfSections:]))
	segments := int(le.Uint16(data[elfSegments:]))
	end := elfHeaderSize + elfSegmentSize*(segments+3)
	if le.Uint64(data[elfSegmentsAt:]) != elfHeaderSize || uint64(end) > x.roomForHeaders(sectionsAt) {
		return nil, nil, &Unfit{Why: "the program has no room for more program headers"}
	}
	head = bytes.Clone(data[:end])
	start := roundUp(uint64(len(data)), pageSize)
	add := func(flags elf.ProgFlag, at uint64, b []byte, memory uint64) {
		tail = append(tail, make([]byte, -len(tail)&(pageSize-1))...)
		h := head[elfHeaderSize+elfSegmentSize*segments:]
		le.PutUint32(h, uint32(elf.PT_LOAD))
		le.PutUint32(h[4:], uint32(flags))
		for i, v := range []uint64{start + uint64(len(tail)), at, at, uint64(len(b)), memory, pageSize} {
			le.PutUint64(h[8+8*i:], v)
		}
		segments++
		tail = append(tail, b...)
	}
	add(elf.PF_R|elf.PF_X, m.codeAt, m.codeBytes, uint64(len(m.codeBytes)))
	add(elf.PF_R, m.rodataAt, m.roBytes, uint64(len(m.roBytes)))
	add(elf.PF_R|elf.PF_W, m.variableAt, m.variable, uint64(len(m.variable))+m.bssSize)
	tail = append(tail, make([]byte, -len(tail)&7)...)
	le.PutUint64(head[elfSectionsAt:], start+uint64(len(tail)))
	tail = append(tail, data[sectionsAt:sectionsAt+sections*elfSectionSize]...)
	le.PutUint16(head[elfSegments:], uint16(segments))
	for i := range segments {
		h := head[elfHeaderSize+elfSegmentSize*i:]
		if elf.ProgType(le.Uint32(h)) == elf.PT_PHDR {
			le.PutUint64(h[elfSegmentFile:], uint64(elfSegmentSize*segments))
			le.PutUint64(h[elfSegmentBytes:], uint64(elfSegmentSize*segments))
		}
	}
	return tail, head, nil
}

// roomForHeaders returns where in the file the first section begins. The table of sections, which lies before it, moves
// to the end.
func (x *patch) roomForHeaders(sectionsAt uint64) uint64 {
	room := uint64(len(x.l.image.data))
	for _, s := range x.l.image.elf.Sections {
		if s.Type != elf.SHT_NULL && s.Type != elf.SHT_NOBITS && s.Size > 0 {
			room = min(room, s.Offset)
		}
	}
	if sectionsAt > room { // it does not lie there: nothing is known about the gap
		return min(room, elfHeaderSize)
	}
	return room
}

// page is a part of the file that is written at once.
type page struct {
	at    int64
	bytes []byte
}

// pages applies the edits to copies of the base's pages. There are thousands of edits, and a call of the system for
// each would take longer than everything else.
func (x *patch) pages(head []byte) ([]page, error) {
	type place struct {
		at    int64
		bytes []byte
	}
	places := []place{{0, head}}
	for _, e := range x.edits {
		at := x.l.image.offset(e.at)
		if at < 0 || x.l.image.offset(e.at+uint64(len(e.bytes))-1) != at+int64(len(e.bytes))-1 {
			return nil, &Unfit{Why: "something that has to be changed is not in the file"}
		}
		places = append(places, place{at, e.bytes})
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	var pages []page
	for _, p := range places {
		if len(p.bytes) == 0 {
			continue
		}
		from := p.at &^ (pageSize - 1)
		to := min((p.at+int64(len(p.bytes))+pageSize-1)&^(pageSize-1), int64(len(x.l.image.data)))
		last := len(pages) - 1
		switch {
		case last >= 0 && from <= pages[last].at+int64(len(pages[last].bytes)):
			end := pages[last].at + int64(len(pages[last].bytes))
			if to > end {
				pages[last].bytes = append(pages[last].bytes, x.l.image.data[end:to]...)
			}
		default:
			pages = append(pages, page{from, bytes.Clone(x.l.image.data[from:to])})
			last++
		}
		copy(pages[last].bytes[p.at-pages[last].at:], p.bytes)
	}
	return pages, nil
}
