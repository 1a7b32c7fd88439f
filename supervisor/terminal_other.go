//go:build !linux && !darwin

package supervisor

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// HasTerminals tells whether Config.Terminal may be set.
const HasTerminals = false

const windowChange = syscall.Signal(0)

func openTerminal() (ours, child *os.File, err error) {
	return nil, nil, errors.New("this system has no pseudo-terminals")
}

// readNow returns io.EOF, because reads cannot be ended on this system: the channel ends when its last writer is gone.
func readNow(*os.File, []byte) (int, error) { return 0, io.EOF }

func setTerminalSize(*os.File, uint16, uint16) error { return errors.ErrUnsupported }

type modes struct{}

func modesOf(*os.File) (*modes, error) { return nil, errors.ErrUnsupported }

func openLike(*modes) (ours, child *os.File, err error) { return openTerminal() }

func control(*exec.Cmd) {}

func typedTo(*os.File) Typed { return Typed{} }
