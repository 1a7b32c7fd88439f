//go:build linux || darwin

package core

import (
	"sync"
	"syscall"
)

// EndStreams ends streams, if the program uses net/http. It is set before the program runs.
var EndStreams func()

// GoAway tells HTTP/2 clients to send their next requests elsewhere, and waits a moment for their confirmation.
// GoAway is set before the program runs; nil if the program has no such clients.
var GoAway func()

// takenOver are the connections that a handler has taken over from net/http (WebSockets, tunnels), from then on until
// they are closed.
var takenOver struct {
	sync.Mutex
	fds   map[int]struct{}
	ended bool // such connections must end
}

// Outlasts records the descriptor of a connection taken over by a handler. The descriptor must be open until Outlasts
// returns.
func Outlasts(fd int) {
	takenOver.Lock()
	defer takenOver.Unlock()
	if takenOver.ended {
		Shutdown(fd)
		return
	}
	if takenOver.fds == nil {
		takenOver.fds = map[int]struct{}{}
	}
	takenOver.fds[fd] = struct{}{}
}

// isClosed forgets a descriptor, before it is closed.
func isClosed(fd int) {
	takenOver.Lock()
	delete(takenOver.fds, fd)
	takenOver.Unlock()
}

// endStreams ends streams, present and future ones. Both sides of such a connection see the end, as if the program
// had closed the connection. The program still has to close the descriptor.
func endStreams() {
	if EndStreams != nil {
		EndStreams()
	}
	takenOver.Lock()
	defer takenOver.Unlock()
	takenOver.ended = true
	for fd := range takenOver.fds {
		Shutdown(fd)
	}
	takenOver.fds = nil
}

// Shutdown ends a connection and leaves the descriptor open.
func Shutdown(fd int) { _ = syscall.Shutdown(fd, syscall.SHUT_RDWR) }
