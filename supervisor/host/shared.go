//go:build linux || darwin

package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Listeners that a worker has made by its own system calls, with SO_REUSEPORT: the first listener at an address
// becomes hotreload's, and replaces all later ones. No connection is lost, because hotreload's listener is the first
// of its group and gets all new connections (steer).

// mayShare decides whether a listening socket may become hotreload's, or be replaced by hotreload's.
func mayShare(fd int, ours *socket) syscall.Errno {
	at := fd
	if ours != nil {
		at = ours.fd
	}
	switch {
	case ours != nil && ours.kept && sameFile(fd, ours.fd): // the worker got this socket from hotreload, unchanged
		return syscall.EALREADY
	case !isOn(fd, unix.SO_REUSEPORT):
		return syscall.EOPNOTSUPP
	case steer(at) != nil:
		return syscall.EOPNOTSUPP
	}
	return 0
}

func isOn(fd, option int) bool {
	value, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
	return err == nil && value != 0
}

// sameFile reports whether two descriptors are the same socket.
func sameFile(a, b int) bool {
	var one, two unix.Stat_t
	return unix.Fstat(a, &one) == nil && unix.Fstat(b, &two) == nil && one.Dev == two.Dev && one.Ino == two.Ino
}
