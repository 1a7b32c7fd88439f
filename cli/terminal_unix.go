//go:build linux || darwin

package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

var signalsByName = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
	"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// signalNumber is the number of a signal by its full name; 0 if there is none.
func signalNumber(name string) syscall.Signal { return unix.SignalNum(name) }

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

// repeat does to us what a signal does that nobody catches.
func repeat(sig os.Signal) {
	signal.Reset(sig)
	_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
}

// suspend does what the terminal does at Ctrl-Z. SIGTSTP is not caught for it: after a Notify the Go runtime cannot
// be stopped by it any more (golang/go#41996), and SIGSTOP would stop us where no shell is there to go on with us.
func suspend() { _ = syscall.Kill(0, syscall.SIGTSTP) }

// hasTerminal reports whether there is a terminal that controls us; after a hangup there is none any more.
func hasTerminal() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// inBackground reports whether the terminal listens to others.
func inBackground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	front, err := foreground(tty)
	return err == nil && !front
}

// stopUs does what the terminal meant by a signal that we have caught. Others in our group have had it too; a child that
// we are just forking must not have this one, since we wait for it and could not stop.
func stopUs() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

type modes unix.Termios

// foreground reports whether file is our controlling terminal, and we are who it listens to.
func foreground(file *os.File) (bool, error) {
	group, err := unix.IoctlGetInt(int(file.Fd()), unix.TIOCGPGRP)
	return group == unix.Getpgrp(), err
}

// singleKeys makes the terminal hand over each key at once and not show it, Ctrl-Z too. Ctrl-C stays a signal and lines
// of output stay lines.
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

func setModes(file *os.File, m *modes) {
	_ = unix.IoctlSetTermios(int(file.Fd()), setTermios, (*unix.Termios)(m))
}

// awaitKey waits for a key and reports whether there is one, or only a byte in wake. To wait is allowed in the
// background too.
func awaitKey(file, wake *os.File) bool {
	wakeFd := int32(wake.Fd())
	both := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLIN}, {Fd: wakeFd, Events: unix.POLLIN}}
	if _, err := unix.Poll(both, -1); err != nil {
		return !errors.Is(err, unix.EINTR) // else the read will say what is wrong
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
