//go:build !linux && !darwin

package cli

import (
	"os"
	"syscall"

	"hotreload/runner"
)

var signalsByName = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}

var terminalSignals []os.Signal

func terminalSignal(os.Signal, *runner.Runner, *console) {}

// singleKeys changes nothing: keys arrive with Enter.
func singleKeys() error { return nil }

func restoreTerminal() {}

func terminalSize(*os.File) (rows, columns uint16) { return 0, 0 }
