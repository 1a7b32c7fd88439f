package hooks

import (
	"syscall"
	_ "unsafe" // for go:linkname

	"hotreload/worker/linked/agent"
)

//go:linkname acceptFunc internal/poll.AcceptFunc
var acceptFunc func(int) (int, syscall.Sockaddr, error)

func addAccept(h *agent.Hooks) { h.Accept = &acceptFunc }
