//go:build linux || darwin

package hooks

import (
	_ "unsafe" // for go:linkname

	"hotreload/agent/core"
)

// Variables set by tests of package net. If a variable does not exist, the linker makes an empty one, and the agent
// finds nil.

//go:linkname socketFunc net.socketFunc
var socketFunc func(int, int, int) (int, error)

//go:linkname listenFunc net.listenFunc
var listenFunc func(int, int) error

//go:linkname closeFunc internal/poll.CloseFunc
var closeFunc func(int) error

func init() {
	h := core.Hooks{Socket: &socketFunc, Listen: &listenFunc, Close: &closeFunc}
	addAccept(&h)
	addLogger(&h)
	core.Start(h)
}
