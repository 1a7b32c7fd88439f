//go:build linux || darwin

package core

import (
	"sync/atomic"
	"syscall"
)

// Programs can make a listener by their own system calls, without net.Listen: fasthttp's prefork does so, with
// SO_REUSEPORT, to give each child a listener. The agent learns of the listener at the first accept. Then the
// supervisor keeps this listener, or the supervisor's listener replaces it (share_linux.go). Connections in the old
// queue go to the program first.

// queued is a connection from the queue of a replaced listener.
type queued struct {
	fd   int
	from syscall.Sockaddr
}

// queue records a connection for the next accepts on a listener.
func (s *state) queue(listener int, c queued) {
	s.mu.Lock()
	s.waiting[listener] = append(s.waiting[listener], c)
	s.open[c.fd] = origin{listener: s.listeners[listener]}
	s.total++
	atomic.AddInt32(&s.nWaiting, 1)
	s.mu.Unlock()
}

// unqueue returns the first of these connections, also while draining.
func (s *state) unqueue(listener int) (c queued, n news, ok bool) {
	if atomic.LoadInt32(&s.nWaiting) == 0 { // almost always
		return queued{}, news{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.waiting[listener]
	if len(all) == 0 {
		return queued{}, news{}, false
	}
	s.setWaitingLocked(listener, all[1:])
	return all[0], s.newsLocked(), true
}

// unwanted returns the connections of a closed listener.
func (s *state) unwanted(listener int) (all []queued) {
	if atomic.LoadInt32(&s.nWaiting) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all = s.waiting[listener]
	s.setWaitingLocked(listener, nil)
	return all
}

func (s *state) setWaitingLocked(listener int, left []queued) {
	atomic.AddInt32(&s.nWaiting, int32(len(left)-len(s.waiting[listener])))
	if len(left) == 0 {
		delete(s.waiting, listener)
	} else {
		s.waiting[listener] = left
	}
}
