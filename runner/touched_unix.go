//go:build unix

package runner

import (
	"time"

	"golang.org/x/sys/unix"
)

// touchedAt returns when content or name of a file, or of the link itself, changed last. No tool can set this time
// back. The file system's clock may be some milliseconds behind ours.
func touchedAt(path string) time.Time {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return time.Time{}
	}
	return time.Unix(stat.Ctim.Unix())
}

// look returns the present state of a file, or of a link's target.
func look(path string) (s stamp) {
	var stat unix.Stat_t
	if unix.Stat(path, &stat) != nil {
		return s
	}
	s = stamp{
		inode: stat.Ino, modified: time.Unix(stat.Mtim.Unix()), touched: time.Unix(stat.Ctim.Unix()),
		dir: uint32(stat.Mode)&unix.S_IFMT == unix.S_IFDIR,
	}
	if link := touchedAt(path); link.After(s.touched) { // the link now leads to another file
		s.touched = link
	}
	return s
}
