package watch

import (
	"io/fs"
	"syscall"
)

// openWithoutWaiting keeps an open from waiting, should the file have become a fifo since it was looked at.
const openWithoutWaiting = syscall.O_NONBLOCK

// identity tells one folder from another, whatever it is called. The zero value: nobody knows.
type identity struct{ device, inode uint64 }

func changeTimeAndInode(info fs.FileInfo) (ctime int64, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ctimespec.Nano(), st.Ino
	}
	return 0, 0
}

func identityOf(info fs.FileInfo) identity {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(st.Dev), st.Ino}
	}
	return identity{}
}
