//go:build !linux && !darwin

package supervisor

import (
	"errors"
	"os"
	"syscall"
)

const windowChange = syscall.Signal(0)

func openTerminal() (ours, child *os.File, err error) {
	return nil, nil, errors.New("no pseudo-terminals on this system")
}

func setTerminalSize(*os.File, uint16, uint16) error { return errors.ErrUnsupported }
