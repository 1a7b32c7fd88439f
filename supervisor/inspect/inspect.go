// Package inspect reads the system's facts about processes and their sockets: who listens where; the files that a
// process has open, locked and loaded; the reason why a process waits; memory and CPU time; and whether the kernel
// has killed a process for lack of memory. On Linux the facts come from /proc, see proc(5). On other systems most
// facts are unknown, and the results say so.
//
// A pid stands for the process and its descendants, because wrappers start programs, and programs start others.
// Nothing is cached, except for the place of a symbol in a binary (signals_linux.go). All functions may be called
// from any goroutine. Each call reads some files, and takes some tenths of a millisecond for a process.
package inspect

import "time"

// Tick is the resolution of CPU times; USER_HZ is 100 on every Linux that Go runs on (proc(5)).
const Tick = time.Second / 100

// Place is the address of a listening or bound socket.
type Place struct {
	Network string // tcp, tcp6, udp, udp6 or unix
	Addr    string // host:port, where an empty host means all addresses; or a path, or @name
}

// Holder is a process with a socket; Pid 0 = none was found.
type Holder struct {
	Pid  int
	Name string
	Ours bool // a worker of hotreload or its descendant, or hotreload itself, which holds the workers' listeners
}
