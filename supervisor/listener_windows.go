package supervisor

import (
	"errors"
	"os"
	"syscall"
)

const maxUnixPath = 107

type pathIdentity struct{}

func (pathIdentity) known() bool   { return false }
func identify(string) pathIdentity { return pathIdentity{} }

// duplicate fails, because Windows processes do not inherit sockets by number.
func duplicate(syscall.Conn, string) (*os.File, error) {
	return nil, errors.New("sockets cannot be handed to workers on Windows")
}

// On Windows only the supervisor holds the sockets, so no worker can shut them down.

func listens(syscall.Conn) bool      { return true }
func listenAgain(syscall.Conn) error { return nil }
