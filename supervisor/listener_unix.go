//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxUnixPath is the size of the path in struct sockaddr_un, without the final zero.
const maxUnixPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// pathIdentity distinguishes our socket file from another file at the same path.
type pathIdentity struct{ device, inode uint64 }

func (p pathIdentity) known() bool { return p != pathIdentity{} }

func identify(path string) pathIdentity {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return pathIdentity{}
	}
	return pathIdentity{uint64(stat.Dev), stat.Ino}
}

// duplicate returns a duplicate descriptor for a child. File and Fd cannot be used: they switch the shared file
// description to blocking mode, and then Accept and Close hang in all processes (golang/go#29277).
func duplicate(socket syscall.Conn, name string) (*os.File, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(s uintptr) {
		// A worker in another language may have switched the shared socket to blocking mode.
		if dupErr = unix.SetNonblock(int(s), true); dupErr == nil {
			fd, dupErr = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 3)
		}
	}); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, fmt.Errorf("duplicate: %w", dupErr)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// listens reports whether a socket still listens.
func listens(socket syscall.Conn) bool {
	listening := true
	if raw, err := socket.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			state, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
			listening = err != nil || state != 0
		})
	}
	return listening
}

// listenAgain makes a socket listen again, with the longest queue allowed by the system, for TCP but not for Unix
// sockets.
func listenAgain(socket syscall.Conn) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	err2 := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 1<<15) })
	return errors.Join(err, err2)
}
