package plan

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"debug/elf"
	"debug/macho"
	"io"
	"os"
	"syscall"
)

// NewID returns a build ID with the form and length of go's for a binary. Each ID is new, because the linker derives
// from it the ID by which profilers and debuggers distinguish binaries. go never takes it for one of its own.
func NewID() string {
	return "hotreload_fast_build/" + rand.Text()[:20] + "/" + rand.Text()[:20] + "/" + rand.Text()[:20]
}

// ContentHash returns the hash that go writes into a binary as the last part of its build ID: SHA-256 over the file,
// with zeros for the build ID and for everything derived from it (the system's own ID of a binary, macOS's signature).
// found is the number of times that the build ID occurs in the file.
func ContentHash(path, id string) (sum Sum, found int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, 0, err
	}
	defer file.Close()
	return contentHash(file, id, notHashed(file), 1<<20)
}

// Restamp gives an ELF file another build ID of the same length, and the system's ID of a binary another value. A file
// whose ID has another length stays as it is: the user has chosen it.
func Restamp(path, id string) error {
	// A process that starts now would inherit the file, open for writing, until it runs its own program; meanwhile nobody
	// could start this one.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return err
	}
	const header = 16 // of a note, with its name
	if s := f.Section(".note.go.buildid"); s != nil && s.Size == uint64(header+(len(id)+3)&^3) {
		if _, err := file.WriteAt([]byte(id), int64(s.Offset)+header); err != nil {
			return err
		}
	}
	sum := sha256.Sum256([]byte(id))
	for _, s := range notHashed(file) {
		if _, err := file.WriteAt(sum[:min(s.end-s.start, int64(len(sum)))], s.start); err != nil {
			return err
		}
	}
	return file.Close()
}

// span is a part of a file, from start to before end.
type span struct{ start, end int64 }

func contentHash(r io.Reader, id string, skip []span, chunk int) (sum Sum, found int, err error) {
	h := sha256.New()
	keep := len(id) - 1 // these last bytes may be the beginning of an ID
	buf := make([]byte, chunk+keep)
	held := 0 // bytes at the start of buf that are not hashed yet
	for at := int64(0); ; {
		n, err := io.ReadFull(r, buf[held:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return sum, 0, err
		}
		fresh := buf[held : held+n]
		for _, s := range skip {
			from, to := max(s.start-at, 0), min(s.end-at, int64(n))
			if from < to {
				clear(fresh[from:to])
			}
		}
		at += int64(n)
		all := buf[:held+n]
		for rest := all; ; found++ {
			i := bytes.Index(rest, []byte(id))
			if i < 0 {
				break
			}
			clear(rest[i : i+len(id)])
			rest = rest[i+len(id):]
		}
		if err != nil {
			h.Write(all)
			h.Sum(sum[:0])
			return sum, found, nil
		}
		done := len(all) - keep
		h.Write(all[:done])
		held = copy(buf, all[done:])
	}
}

// notHashed returns the parts of a binary that go replaces by zeros, because they are derived from the build ID.
func notHashed(r io.ReaderAt) []span {
	if f, err := elf.NewFile(r); err == nil {
		// the note's header and its name, GNU, take 16
		if s := f.Section(".note.gnu.build-id"); s != nil && s.Size > 16 {
			return []span{{int64(s.Offset) + 16, int64(s.Offset + s.Size)}}
		}
		return nil
	}
	f, err := macho.NewFile(r)
	if err != nil {
		return nil
	}
	const (
		codeSignature = 0x1d
		uuid          = 0x1b
	)
	at := int64(28) // the file's header
	if f.Magic == macho.Magic64 {
		at = 32
	}
	var spans []span
	identified := false
	for _, load := range f.Loads {
		raw := load.Raw()
		switch kind := f.ByteOrder.Uint32(raw); {
		case kind == uuid && !identified:
			identified = true
			spans = append(spans, span{at + 8, at + int64(len(raw))})
		case kind == codeSignature && len(raw) >= 16:
			start := int64(f.ByteOrder.Uint32(raw[8:]))
			spans = append(spans, span{start, start + int64(f.ByteOrder.Uint32(raw[12:]))})
		}
		at += int64(len(raw))
	}
	return spans
}
