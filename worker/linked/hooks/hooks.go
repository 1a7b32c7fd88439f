//go:build linux || darwin

package hooks

import (
	_ "unsafe" // for go:linkname

	"hotreload/worker/linked/agent"
)

// Variables that tests of package net set. If one is not there the linker makes an empty one, which the agent finds to
// be nil.

//go:linkname socketFunc net.socketFunc
var socketFunc func(int, int, int) (int, error)

//go:linkname listenFunc net.listenFunc
var listenFunc func(int, int) error

//go:linkname closeFunc internal/poll.CloseFunc
var closeFunc func(int) error

func init() {
	h := agent.Hooks{Socket: &socketFunc, Listen: &listenFunc, Close: &closeFunc}
	addAccept(&h)
	addLogger(&h)
	agent.Start(h)
}
