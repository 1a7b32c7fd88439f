//go:build linux || darwin

package supervisor

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// HasTerminals tells whether Config.Terminal may be set.
const HasTerminals = true

const windowChange = syscall.SIGWINCH

// openTerminal creates a pseudo-terminal for a worker. The pseudo-terminal leaves all output unchanged, because the
// user's terminal at the end processes the output.
func openTerminal() (ours, child *os.File, err error) { return openWith(makeRaw) }

// openWith creates a pseudo-terminal and sets the modes of the child's end.
func openWith(set func(child *os.File) error) (ours, child *os.File, err error) {
	blocking, child, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	// The pty package calls Fd, and Fd switches the descriptor to blocking mode, where a Read cannot be ended.
	ours, err = unblocked(blocking)
	blocking.Close()
	if err == nil {
		err = set(child)
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

// modes are a terminal's settings.
type modes unix.Termios

func modesOf(terminal *os.File) (*modes, error) {
	t, err := unix.IoctlGetTermios(int(terminal.Fd()), getTermios)
	return (*modes)(t), err
}

// openLike creates a pseudo-terminal with these settings; nil = the system's defaults.
func openLike(like *modes) (ours, child *os.File, err error) {
	return openWith(func(child *os.File) error {
		if like == nil {
			return nil
		}
		return unix.IoctlSetTermios(int(child.Fd()), setTermios, (*unix.Termios)(like))
	})
}

// control makes cmd the leader of a new session, with its stdin as the controlling terminal.
func control(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, true, 0
}

// typedTo reads a terminal's settings for keys.
func typedTo(ours *os.File) (now Typed) {
	raw, err := ours.SyscallConn()
	if err != nil {
		return now
	}
	_ = raw.Control(func(fd uintptr) {
		if t, err := unix.IoctlGetTermios(int(fd), getTermios); err == nil {
			now = Typed{Taken: true, Signals: t.Lflag&unix.ISIG != 0, Lines: t.Lflag&unix.ICANON != 0}
		}
	})
	return now
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

// readNow reads without waiting, and returns io.EOF if there is nothing to read.
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
