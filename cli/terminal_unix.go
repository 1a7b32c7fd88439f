//go:build linux || darwin

package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

var meanings = map[os.Signal]meaning{
	syscall.SIGTERM:  stops,
	syscall.SIGQUIT:  stops,
	syscall.SIGUSR1:  reloads,
	syscall.SIGHUP:   rereads,
	syscall.SIGTTIN:  grows,
	syscall.SIGTTOU:  shrinks,
	syscall.SIGWINCH: resized,
	syscall.SIGCONT:  continued,
	syscall.SIGABRT:  dumped,
}

// repeat sends hotreload the signal again, with its default effect.
func repeat(sig os.Signal) {
	signal.Reset(sig)
	_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
}

// suspend acts like the terminal at Ctrl-Z. hotreload does not catch SIGTSTP: after a Notify, SIGTSTP can no longer
// stop the Go runtime (golang/go#41996), and SIGSTOP would stop hotreload even if no shell can resume it.
//
// A parent in hotreload's process group may catch SIGTSTP and pass it on, as go tool does, so that the shell would wait
// for a job that never stops. Such a parent gets SIGSTOP. resumed continues the parent if no shell has.
func suspend() {
	if parent := parentInGroup(); parent > 0 {
		_ = syscall.Kill(parent, syscall.SIGSTOP)
	}
	_ = syscall.Kill(0, syscall.SIGTSTP)
}

// resumed follows suspend, when hotreload runs again or was not stopped.
func resumed() {
	if parent := parentInGroup(); parent > 0 {
		_ = syscall.Kill(parent, syscall.SIGCONT)
	}
}

// parentInGroup returns the parent's pid if it belongs to hotreload's process group and a shell outside the group has
// the session; 0 else.
func parentInGroup() int {
	parent := os.Getppid()
	group, err := unix.Getpgid(parent)
	session, sessionErr := unix.Getsid(0)
	if err != nil || sessionErr != nil || group != unix.Getpgrp() || session == group {
		return 0
	}
	return parent
}

// hasTerminal reports whether hotreload has a controlling terminal; after a hangup there is none.
func hasTerminal() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// inBackground reports whether another process group has the terminal.
func inBackground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	front, err := foreground(tty)
	return err == nil && !front
}

// stopUs does what the terminal meant by a caught signal. Other processes of the group got the signal, too. A child in
// the middle of its fork must not get SIGSTOP, because hotreload waits for the child and could not stop.
func stopUs() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

type modes unix.Termios

// foreground reports whether file is hotreload's controlling terminal, with hotreload in the foreground.
func foreground(file *os.File) (bool, error) {
	group, err := unix.IoctlGetInt(int(file.Fd()), unix.TIOCGPGRP)
	return group == unix.Getpgrp(), err
}

// singleKeys makes the terminal deliver each key at once without echo, including Ctrl-Z. Ctrl-C stays a signal, and
// output keeps its line ends.
func singleKeys(file *os.File) (before *modes, err error) {
	t, err := unix.IoctlGetTermios(int(file.Fd()), getTermios)
	if err != nil {
		return nil, err
	}
	before = (*modes)(t)
	single := *t
	single.Lflag &^= unix.ICANON | unix.ECHO
	single.Cc[unix.VMIN], single.Cc[unix.VTIME] = 1, 0
	single.Cc[unix.VSUSP] = disabled
	if single == *t {
		return before, nil
	}
	return before, unix.IoctlSetTermios(int(file.Fd()), setTermios, &single)
}

// allKeys switches the terminal to raw mode in both directions, for a program behind a terminal of its own.
func allKeys(file *os.File) (before *modes, err error) {
	t, err := unix.IoctlGetTermios(int(file.Fd()), getTermios)
	if err != nil {
		return nil, err
	}
	before = (*modes)(t)
	all := *t
	all.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	all.Oflag &^= unix.OPOST
	all.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	all.Cc[unix.VMIN], all.Cc[unix.VTIME] = 1, 0
	if all == *t {
		return before, nil
	}
	return before, unix.IoctlSetTermios(int(file.Fd()), setTermios, &all)
}

// interrupt and quit act like the terminal at Ctrl-C and Ctrl-\.
func interrupt() { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) }
func quit()      { _ = syscall.Kill(os.Getpid(), syscall.SIGQUIT) }

func setModes(file *os.File, m *modes) {
	_ = unix.IoctlSetTermios(int(file.Fd()), setTermios, (*unix.Termios)(m))
}

// awaitKey waits for a key and reports whether there is one, or only a byte in wake. Waiting is also allowed in the
// background.
func awaitKey(file, wake *os.File) bool {
	wakeFd := int32(wake.Fd())
	both := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLIN}, {Fd: wakeFd, Events: unix.POLLIN}}
	if _, err := unix.Poll(both, -1); err != nil {
		return !errors.Is(err, unix.EINTR) // otherwise the read reports the error
	}
	if both[1].Revents != 0 {
		_, _ = unix.Read(int(wakeFd), make([]byte, 64))
	}
	return both[0].Revents != 0
}

func terminalSize(f *os.File) (rows, columns uint16) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return size.Row, size.Col
}
