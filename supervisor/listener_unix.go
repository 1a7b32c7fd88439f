//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxUnixPath is the room for a path in struct sockaddr_un, less the final zero.
const maxUnixPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// pathIdentity tells our own socket file from one that was put in its place.
type pathIdentity struct{ device, inode uint64 }

func (p pathIdentity) known() bool { return p != pathIdentity{} }

func identify(path string) pathIdentity {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return pathIdentity{}
	}
	return pathIdentity{uint64(stat.Dev), stat.Ino}
}

// duplicate makes a descriptor for a child. Not by File or Fd: these set the description, which all holders share,
// to blocking, and then nobody's Accept or Close works as it should (golang/go#29277).
func duplicate(socket syscall.Conn, name string) (*os.File, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(s uintptr) {
		// A worker in another language may have made it blocking for everybody.
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

// listens reports whether a socket is in the state of listening still.
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

// listenAgain brings a socket back into that state, with the longest queue that the system allows. The kernel does it
// for TCP and not for Unix sockets.
func listenAgain(socket syscall.Conn) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	err2 := raw.Control(func(fd uintptr) { err = unix.Listen(int(fd), 1<<15) })
	return errors.Join(err, err2)
}
