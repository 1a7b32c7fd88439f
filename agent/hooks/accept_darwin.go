package hooks

import (
	"syscall"
	_ "unsafe" // for go:linkname

	"hotreload/agent/core"
)

//go:linkname acceptFunc internal/poll.AcceptFunc
var acceptFunc func(int) (int, syscall.Sockaddr, error)

func addAccept(h *core.Hooks) { h.Accept = &acceptFunc }
