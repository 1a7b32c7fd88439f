//go:build go1.24 && (linux || darwin)

package hooks

import (
	"sync/atomic"
	"unsafe" // also for go:linkname

	"hotreload/worker/linked/agent"
)

// logger is internal/testlog's, an atomic pointer to a value of an interface that has the methods of agent.Logger, and
// so the same layout. Before Go 1.24 it was something else.
//
//go:linkname logger internal/testlog.logger
var logger unsafe.Pointer

func addLogger(h *agent.Hooks) {
	h.SetLogger = func(l agent.Logger) {
		atomic.CompareAndSwapPointer(&logger, nil, unsafe.Pointer(&l))
	}
}
