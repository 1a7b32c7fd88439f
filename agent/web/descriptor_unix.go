//go:build linux || darwin

package web

import (
	"net"
	"os"
	"syscall"
)

// duplicate returns another descriptor of the same connection; -1 if none are left.
func duplicate(fd int) int {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	other, err := syscall.Dup(fd)
	if err != nil {
		return -1
	}
	syscall.CloseOnExec(other)
	return other
}

// pair returns a connection, and the descriptor of the other end; nil if no descriptors are left.
func pair() (ours net.Conn, theirs int) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		syscall.ForkLock.RUnlock()
		return nil, -1
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	syscall.ForkLock.RUnlock()
	file := os.NewFile(uintptr(fds[0]), "relay")
	ours, err = net.FileConn(file)
	_ = file.Close()
	if err != nil {
		closeFd(fds[1])
		return nil, -1
	}
	return ours, fds[1]
}

func closeFd(fd int) { _ = syscall.Close(fd) }

// readable reports whether bytes can be read, without reading them; again means: ask again later. Both are false if
// the other side is gone.
func readable(fd int) (there, again bool) {
	var one [1]byte
	for {
		n, _, err := syscall.Recvfrom(fd, one[:], syscall.MSG_PEEK)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false, true
		default:
			return err == nil && n > 0, false
		}
	}
}
