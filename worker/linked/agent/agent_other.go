//go:build !linux && !darwin

package agent

// Running reports false: there is no agent for this system.
func Running() bool { return false }

// Draining reports false.
func Draining() bool { return false }

// Requests is never called.
var Requests func() (inFlight, served uint64)

// Busy is never called.
var Busy func() int
