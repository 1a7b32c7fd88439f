//go:build !linux && !darwin

package core

import "hotreload/agent/protocol"

// Running reports false: there is no agent for this system.
func Running() bool { return false }

// Draining reports false.
func Draining() bool { return false }

// Requests is never called.
var Requests func() (inFlight, served uint64)

// Busy is never called.
var Busy func() int

// EndStreams is never called.
var EndStreams func()

// GoAway is never called.
var GoAway func()

// Outlasts does nothing.
func Outlasts(int) {}

// Shutdown does nothing.
func Shutdown(int) {}

// Movers is never called.
var Movers Mover

// Mover follows the connections of servers.
type Mover interface {
	GiveAway() (left int)
	Serves(listener uint32) bool
	Take(listener, how uint32, fd int) (serve func(bool))
}

// MovingVariable is for tests.
const MovingVariable = "HOTRELOAD_TEST_MOVING"

// Moving reports false.
func Moving() bool { return false }

// See, Adopt, ListenerOf and Move do nothing.
func See(int) uint32                { return 0 }
func Adopt(int, uint32)             {}
func ListenerOf(int) uint32         { return 0 }
func Move(uint32, uint32, int) bool { return false }

// Browser is empty.
var Browser protocol.Browser

// Visit and Untagged do nothing.
func Visit(string, []byte, int) bool { return false }
func Untagged(string, string)        {}
