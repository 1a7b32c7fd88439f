//go:build go1.24 && (linux || darwin)

package hooks

import (
	"sync/atomic"
	"unsafe" // also for go:linkname

	"hotreload/agent/core"
)

// logger is internal/testlog's variable: an atomic pointer to an interface value with the methods of core.Logger, and
// so with the same layout. Before Go 1.24 the variable had another type.
//
//go:linkname logger internal/testlog.logger
var logger unsafe.Pointer

func addLogger(h *core.Hooks) {
	h.SetLogger = func(l core.Logger) {
		atomic.CompareAndSwapPointer(&logger, nil, unsafe.Pointer(&l))
	}
}
