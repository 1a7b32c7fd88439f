//go:build linux || darwin

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"hotreload/runner"
)

var signalsByName = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
	"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// terminalSignals tell of the terminal's size and of our coming back to the foreground.
var terminalSignals = []os.Signal{syscall.SIGWINCH, syscall.SIGCONT}

func terminalSignal(sig os.Signal, run *runner.Runner, _ *console) {
	switch sig {
	case syscall.SIGWINCH:
		run.Do(runner.Resize)
	case syscall.SIGCONT: // the shell has had the terminal in between
		if before != nil {
			_ = singleKeys()
		}
	}
}

// before is how the terminal was when we came; nil when we have not changed it. Only the main goroutine and, after it
// was set, the signal goroutine touch it.
var before *unix.Termios

// singleKeys makes the terminal hand over each key at once and not show it. Ctrl-C stays a signal and lines of output
// stay lines. It refuses in the background: the terminal is somebody else's then.
func singleKeys() error {
	fd := int(os.Stdin.Fd())
	foreground, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil {
		return err
	}
	if foreground != unix.Getpgrp() {
		return syscall.ENOTTY
	}
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	if before == nil {
		saved := *t
		before = &saved
	}
	t.Lflag &^= unix.ICANON | unix.ECHO
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, setTermios, t)
}

// restoreTerminal leaves the terminal as it was.
func restoreTerminal() {
	if before != nil {
		_ = unix.IoctlSetTermios(int(os.Stdin.Fd()), setTermios, before)
	}
}

func terminalSize(f *os.File) (rows, columns uint16) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return size.Row, size.Col
}
