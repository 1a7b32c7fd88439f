//go:build linux || darwin

package core

import (
	"syscall"

	"hotreload/agent/protocol"
)

// Browser is the supervisor's configuration for browsers. It is set before the program runs.
var Browser protocol.Browser

// Visit gives a connection to the supervisor, with the bytes read so far, and reports whether it was sent. The
// descriptor stays the caller's. remote is the client's address; "" if the connection itself tells the address.
func Visit(remote string, first []byte, fd int) bool {
	return len(first) <= protocol.MaxVisit && this.link.write(protocol.AppendVisit(nil, remote, first), fd) == nil
}

// Untagged tells the supervisor that a document has no tag, and why.
func Untagged(path, why string) {
	_ = this.link.write(protocol.AppendUntagged(nil, path, why), -1) // hearSupervisor notices the supervisor's end
}

// WaitingVariable is for the control of a test. With "off", the agent does not take connections that wait for a
// worker.
const WaitingVariable = "HOTRELOAD_TEST_WAITING"

// takeWaiting takes the connections accepted on a listener while there was no worker. The next accepts return them.
func (a *agent) takeWaiting(listener int, id uint32) {
	control, _ := syscall.Getenv(WaitingVariable)
	if id == 0 || Browser.Key == "" || a.accept4Func == nil || control == "off" {
		return
	}
	for {
		got, err := a.link.ask(protocol.Waiting, protocol.Numbers(id), -1)
		if err != nil || got.kind != protocol.Waiting || got.fd < 0 {
			return
		}
		from, err := syscall.Getpeername(got.fd)
		if err != nil { // the client is gone
			_ = syscall.Close(got.fd)
			continue
		}
		a.queue(listener, queued{got.fd, from})
	}
}
