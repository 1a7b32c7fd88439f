package gobuild

import (
	"strconv"
	"sync/atomic"

	"hotreload/process"
)

// thrift tracks how much memory compiler and linker may use. Without garbage collection a tool is faster, but needs at
// least twice the memory. With little memory (a container's limit, a small machine) such a tool would be killed where
// go build would not.
type thrift struct {
	short atomic.Bool // a tool was killed: all later ones collect garbage
}

// reserve is the memory to leave free while such tools run: for the program, and for all others. Felt right, not
// measured.
const reserve = 256 << 20

// lazy turns garbage collection off for a tool, because tools live briefly and keep most of their memory, unless the
// user has set GOGC or GOMEMLIMIT, or memory is short. beside is the number of tools at the same time.
func (t *thrift) lazy(env []string, limit int64, beside int) []string {
	if getenv(env, "GOGC")+getenv(env, "GOMEMLIMIT") != "" || t != nil && t.short.Load() {
		return nil
	}
	if room, known := memoryRoom(); known && room < int64(max(beside, 1))*limit+reserve {
		return nil
	}
	return []string{"GOGC=off", "GOMEMLIMIT=" + strconv.FormatInt(limit, 10)}
}

// heed records how a tool ended: a tool killed, and not by hotreload, usually ran out of memory.
func (t *thrift) heed(exit process.Exit) {
	if t != nil && exit.Signal != 0 {
		t.short.Store(true)
	}
}
