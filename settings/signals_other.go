//go:build !linux && !darwin

package settings

import "syscall"

var signalsByName = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}

func signalNumber(string) syscall.Signal { return 0 }

func signalName(n syscall.Signal) string {
	for name, signal := range signalsByName {
		if signal == n {
			return name
		}
	}
	return ""
}
