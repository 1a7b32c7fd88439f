//go:build linux || darwin

package supervisor

import (
	"os"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const windowChange = syscall.SIGWINCH

// openTerminal makes a pseudo-terminal for a worker. It changes nothing of what is written: our own terminal, at the
// end of the way, does what terminals do.
func openTerminal() (ours, child *os.File, err error) {
	ours, child, err = pty.Open()
	if err != nil {
		return nil, nil, err
	}
	raw, err := child.SyscallConn()
	if err == nil {
		err2 := raw.Control(func(fd uintptr) { err = makeRaw(int(fd)) })
		if err == nil {
			err = err2
		}
	}
	if err != nil {
		ours.Close()
		child.Close()
		return nil, nil, err
	}
	return ours, child, nil
}

func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ICANON
	return unix.IoctlSetTermios(fd, setTermios, t)
}

func setTerminalSize(ours *os.File, rows, columns uint16) error {
	return pty.Setsize(ours, &pty.Winsize{Rows: rows, Cols: columns})
}
