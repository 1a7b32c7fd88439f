//go:build linux || darwin

package supervisor

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const windowChange = syscall.SIGWINCH

// openTerminal makes a pseudo-terminal for a worker. It changes nothing of what is written: our own terminal, at the
// end of the way, does what terminals do.
func openTerminal() (ours, child *os.File, err error) {
	blocking, child, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	// The pty package asks for the descriptor by Fd, which makes it blocking: a Read of it could not be ended.
	ours, err = unblocked(blocking)
	blocking.Close()
	if err == nil {
		err = makeRaw(child)
	}
	if err != nil {
		child.Close()
		if ours != nil {
			ours.Close()
		}
		return nil, nil, err
	}
	return ours, child, nil
}

func unblocked(file *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), file.Name()), nil
}

// readNow reads what is there, and says that it is the end if nothing is.
func readNow(file *os.File, buffer []byte) (n int, err error) {
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	err2 := raw.Read(func(fd uintptr) bool {
		n, err = unix.Read(int(fd), buffer)
		return true
	})
	switch {
	case err2 != nil:
		return 0, err2
	case err == unix.EAGAIN || err == nil && n == 0:
		return 0, io.EOF
	case err != nil:
		return 0, err
	default:
		return n, nil
	}
}

func makeRaw(terminal *os.File) error {
	fd := int(terminal.Fd())
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ICANON
	return unix.IoctlSetTermios(fd, setTermios, t)
}

func setTerminalSize(ours *os.File, rows, columns uint16) error {
	raw, err := ours.SyscallConn()
	if err != nil {
		return err
	}
	err2 := raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	})
	return errors.Join(err, err2)
}
