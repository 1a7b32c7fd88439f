//go:build linux || darwin

package agent

import "sync"

// state is what the agent knows of the program's sockets. Its methods are what can happen to them.
type state struct {
	mu        sync.Mutex       // guards all below
	draining  bool             // no accept may enter the kernel any more
	underWay  int              // accepts in the kernel
	parked    bool             // Parked was said
	quiet     bool             // Quiet was said
	listeners map[int]uint32   // descriptor -> the supervisor's id, of listeners that it gave
	accepting map[int]struct{} // descriptors of listeners on which accept was called
	open      map[int]struct{} // descriptors of connections, from accept to close
	total     uint64           // connections, ever
}

// news is what the supervisor has to be told.
type news struct{ parked, quiet bool }

func newState() *state {
	return &state{listeners: map[int]uint32{}, accepting: map[int]struct{}{}, open: map[int]struct{}{}}
}

// listens notes a listener that came from the supervisor.
func (s *state) listens(fd int, id uint32) {
	s.mu.Lock()
	s.listeners[fd] = id
	s.mu.Unlock()
}

// enter is called before an accept enters the kernel. Unless it says go on it must not, and leave is not called.
func (s *state) enter(fd int) (id uint32, first, goOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return 0, false, false
	}
	s.underWay++
	if _, known := s.accepting[fd]; !known {
		s.accepting[fd] = struct{}{}
		return s.listeners[fd], true, true
	}
	return 0, false, true
}

// giveUp calls f with the descriptor of each listener that the supervisor gave, none of which is closed meanwhile.
func (s *state) giveUp(f func(fd int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for fd := range s.listeners {
		f(fd)
	}
}

// leave is called when an accept has come back, with the connection's descriptor or -1.
func (s *state) leave(fd int) news {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	if fd >= 0 {
		s.open[fd] = struct{}{}
		s.total++
	}
	return s.newsLocked()
}

// count is how many connections are open, and how many there were in all.
func (s *state) count() (open, all uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.open)), s.total
}

// closing is called before a descriptor is closed, whatever it is. It is forgotten; known says whether it was known.
func (s *state) closing(fd int) (id uint32, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known = s.open[fd]; known {
		delete(s.open, fd)
		return 0, true
	}
	if _, known = s.accepting[fd]; known {
		delete(s.accepting, fd)
	}
	if id, listener := s.listeners[fd]; listener {
		delete(s.listeners, fd)
		return id, true
	}
	return 0, known
}

// closed is called when one that was known is closed.
func (s *state) closed() news {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newsLocked()
}

// drain lets no accept enter the kernel any more.
func (s *state) drain() news {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	return s.newsLocked()
}

// newsLocked finds out what is true now and was not said yet. Each is said once.
func (s *state) newsLocked() (n news) {
	if !s.draining || s.underWay > 0 {
		return news{}
	}
	n.parked, s.parked = !s.parked, true
	if len(s.open) == 0 {
		n.quiet, s.quiet = !s.quiet, true
	}
	return n
}
