//go:build linux || darwin

package settings

import (
	"syscall"

	"golang.org/x/sys/unix"
)

var signalsByName = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
	"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// signalNumber returns the number of a signal from its full name; 0 if there is none.
func signalNumber(name string) syscall.Signal { return unix.SignalNum(name) }

// signalName returns the full name of a signal; "" if there is none.
func signalName(n syscall.Signal) string { return unix.SignalName(n) }
