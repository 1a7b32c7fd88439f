package hooks

import (
	"syscall"
	_ "unsafe" // for go:linkname

	"hotreload/agent/core"
)

//go:linkname accept4Func internal/poll.Accept4Func
var accept4Func func(int, int) (int, syscall.Sockaddr, error)

func addAccept(h *core.Hooks) { h.Accept4 = &accept4Func }
