package settings

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// stopSignalNamed reads the name of a stop signal, with or without SIG; 0 for auto.
func stopSignalNamed(name string) (syscall.Signal, error) {
	if name == "auto" {
		return 0, nil
	}
	if s, ok := signalsByName[plainName(name)]; ok {
		return s, nil
	}
	return 0, fmt.Errorf("--stop-signal %q is not a signal that asks a program to exit", name)
}

// stopSignals returns the names of the stop signals.
func stopSignals() []string {
	return append([]string{"auto"}, slices.Sorted(maps.Keys(signalsByName))...)
}

// SignalNamed reads the name or the number of any signal.
func SignalNamed(name string) (syscall.Signal, error) {
	if number, err := strconv.Atoi(name); err == nil && number > 0 && number <= 64 {
		return syscall.Signal(number), nil
	}
	if s, ok := signalsByName[plainName(name)]; ok {
		return s, nil
	}
	if s := signalNumber("SIG" + plainName(name)); s != 0 {
		return s, nil
	}
	return 0, fmt.Errorf("%q is not the name of a signal", name)
}

// Signals returns the names of all signals of the system, without SIG.
func Signals() []string {
	var names []string
	for n := range syscall.Signal(64) {
		if name := plainName(signalName(n)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func plainName(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "SIG") }
