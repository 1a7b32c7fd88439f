package core

import (
	"syscall"
	"unsafe"
)

// modified returns when the file was written last, in nanoseconds since 1970.
func modified(stat *syscall.Stat_t) int64 { return stat.Mtimespec.Nano() }

// nameOf returns the present name of the file behind a descriptor; "" if unknown.
func nameOf(fd int) string {
	var buf [1024]byte // MAXPATHLEN
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETPATH, uintptr(unsafe.Pointer(&buf[0])))
	if errno != 0 {
		return ""
	}
	for i, c := range buf {
		if c == 0 {
			return string(buf[:i])
		}
	}
	return ""
}
