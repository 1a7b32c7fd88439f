//go:build linux || darwin

package watch

import (
	"io/fs"
	"syscall"
)

// openWithoutWaiting prevents an open from waiting if the file has become a named pipe since the last look.
const openWithoutWaiting = syscall.O_NONBLOCK

// identity identifies a folder independently of its name. The zero value means unknown.
type identity struct{ device, inode uint64 }

func identityOf(info fs.FileInfo) identity {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(st.Dev), st.Ino}
	}
	return identity{}
}

// changeTimeAndInode returns the time of an inode's last change, in nanoseconds since 1970, and the inode's number.
func changeTimeAndInode(info fs.FileInfo) (ctime int64, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return changeTimeOf(st), st.Ino
	}
	return 0, 0
}
