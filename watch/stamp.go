package watch

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// hashMost is the largest file, in bytes, that is compared by content. Source, templates and settings are far
	// smaller; hashing 4 MiB takes about a millisecond. Larger files are compared by size and modification time.
	hashMost = 4 << 20

	// tick is how long two writes may have the same time: the kernel uses its own clock tick for files, 10 ms at the
	// coarsest, and the tick may have begun just before. A stamp taken sooner after the last write is not trusted.
	tick = 20 * time.Millisecond

	// coarseTick is the same for file systems with whole seconds (FAT: two).
	coarseTick = 2 * time.Second
)

type kind uint8

const (
	none kind = iota // nothing of interest; also sockets, named pipes and devices
	file
	dir
)

// stamp is the state of an entry in the snapshot. A symbolic link has its target's stamp.
type stamp struct {
	size  int64
	mtime int64  // nanoseconds since 1970
	ctime int64  // the same, or 0 if the system has none
	inode uint64 // or 0
	hash  uint64 // of the content, if hashed
	kind
	hashed bool
	fresh  bool // taken so soon after the last write that a later write may look the same
}

// same reports whether the consumer would see no difference: the same kind, and for a file the same content, as far as
// known.
func (s stamp) same(t stamp) bool {
	switch {
	case s.kind != t.kind:
		return false
	case s.kind != file:
		return true
	case s.size != t.size:
		return false
	case s.hashed && t.hashed:
		return s.hash == t.hash
	}
	return s.mtime == t.mtime
}

// untouched reports whether the metadata prove that the file was not written since s was taken.
func (s stamp) untouched(t stamp) bool {
	return !s.fresh && s.kind == file && t.kind == file &&
		s.size == t.size && s.mtime == t.mtime && s.ctime == t.ctime && s.inode == t.inode
}

// metadata makes the stamp of a file without its content. at is a time before info was read.
func metadata(info fs.FileInfo, at time.Time) stamp {
	s := stamp{kind: file, size: info.Size(), mtime: info.ModTime().UnixNano()}
	s.ctime, s.inode = changeTimeAndInode(info)
	granularity := tick
	if s.mtime%int64(time.Second) == 0 && s.ctime%int64(time.Second) == 0 {
		granularity = coarseTick
	}
	s.fresh = at.UnixNano()-max(s.mtime, s.ctime) < int64(granularity)
	return s
}

// sight is the finding at a path.
type sight struct {
	kind   kind
	info   fs.FileInfo // of the target in case of a link; nil if kind is none
	linked bool        // a symbolic link, perhaps without a target
}

// sightOf looks at a path. An error means an unknown state (no permission on the way, an I/O error).
func sightOf(path string) (sight, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return sight{}, unlessGone(err)
	}
	linked := info.Mode()&fs.ModeSymlink != 0
	if linked {
		if info, err = os.Stat(path); err != nil {
			return sight{linked: true}, unlessGone(err)
		}
	}
	switch {
	case info.IsDir():
		return sight{dir, info, linked}, nil
	case info.Mode().IsRegular():
		return sight{file, info, linked}, nil
	}
	return sight{linked: linked}, nil
}

// unlessGone returns nil if err means a missing path.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return nil
	}
	return err
}

// reader makes stamps, with one buffer and one hash for all. Only the owner has a reader.
type reader struct {
	hash   maphash.Hash
	buffer []byte
}

func newReader() *reader { return &reader{buffer: make([]byte, 64<<10)} }

// stamp returns the stamp of the file at path with this info. The content is read only if old, the previous stamp of
// this path, leaves a doubt. at is a time before info was read. The kind is none if the file has gone meanwhile.
func (r *reader) stamp(path string, info fs.FileInfo, at time.Time, old stamp) stamp {
	now := metadata(info, at)
	if old.untouched(now) {
		old.fresh = false
		return old
	}
	if now.size <= hashMost {
		if gone := r.read(path, at, &now); gone {
			return stamp{}
		}
	}
	// A file that cannot be read and was not modified still has its old content.
	if !now.hashed && old.hashed && old.size == now.size && old.mtime == now.mtime {
		now.hash, now.hashed = old.hash, true
	}
	return now
}

// read adds the hash of the content. The metadata are read again, from the open file, because path may be another file
// by now.
func (r *reader) read(path string, at time.Time, s *stamp) (gone bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|openWithoutWaiting, 0)
	if err != nil {
		return unlessGone(err) == nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	opened := metadata(info, at)
	r.hash.Reset()
	for total := int64(0); total <= hashMost; {
		n, err := f.Read(r.buffer)
		r.hash.Write(r.buffer[:n])
		total += int64(n)
		if n == 0 || err != nil {
			// After a read error the hash covers the readable part; the next event corrects the hash.
			opened.hash, opened.hashed = r.hash.Sum64(), true
			break
		}
	}
	*s = opened
	return false
}
