//go:build !linux && !darwin

package cli

import (
	"os"
	"syscall"
)

var meanings = map[os.Signal]meaning{syscall.SIGTERM: stops}

func repeat(os.Signal) {}

func suspend() {}

func resumed() {}

func hasTerminal() bool { return false }

func inBackground() bool { return false }

func stopUs() {}

type modes struct{}

func foreground(*os.File) (bool, error) { return true, nil }

// singleKeys changes nothing: keys arrive with Enter.
func singleKeys(*os.File) (*modes, error) { return &modes{}, nil }

func allKeys(*os.File) (*modes, error) { return &modes{}, nil }

func interrupt() {}
func quit()      {}

func setModes(*os.File, *modes) {}

func awaitKey(_, _ *os.File) bool { return true } // the read waits

func terminalSize(*os.File) (rows, columns uint16) { return 0, 0 }
