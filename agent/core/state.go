//go:build linux || darwin

package core

import "sync"

// state is the agent's knowledge of the program's sockets. The methods are the events of these sockets.
type state struct {
	mu        sync.Mutex       // guards all below
	draining  bool             // no accept may enter the kernel any more
	looking   bool             // nothing is reported until the program's own loops are known
	unknown   int              // connections of the program's own loops, at the last look
	underWay  int              // accepts in the kernel
	parked    bool             // Parked was sent
	quiet     bool             // Quiet was sent
	listeners map[int]uint32   // descriptor -> the supervisor's id, for listeners from the supervisor
	accepting map[int]struct{} // descriptors of listeners on which accept was called
	open      map[int]origin   // by descriptor: connections, from accept to close
	total     uint64           // connections so far

	waiting  map[int][]queued // by listener: connections for the next accepts; also in open
	nWaiting int32            // number of connections in waiting; atomic, for reading without mu
}

// origin tells where a connection came from.
type origin struct {
	listener uint32 // the supervisor's id of the listener; 0: the program's own
	seen     bool   // the part for net/http follows the connection
}

// news is a report for the supervisor.
type news struct{ parked, quiet bool }

func newState() *state {
	return &state{
		listeners: map[int]uint32{}, accepting: map[int]struct{}{}, open: map[int]origin{}, waiting: map[int][]queued{},
	}
}

// listens records a listener from the supervisor.
func (s *state) listens(fd int, id uint32) {
	s.mu.Lock()
	s.listeners[fd] = id
	s.mu.Unlock()
}

// hasListeners reports whether there is a listener from the supervisor.
func (s *state) hasListeners() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listeners) > 0
}

// enter is called before an accept enters the kernel. If goOn is false, the accept must not enter, and leave is not
// called. The first accept on a listener is reported even while draining: there may be connections for this worker
// alone.
func (s *state) enter(fd int) (id uint32, first, goOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.accepting[fd]; !known {
		s.accepting[fd] = struct{}{}
		id, first = s.listeners[fd], true
	}
	if !s.draining {
		s.underWay++
	}
	return id, first, !s.draining
}

// giveUp calls f with the descriptor of each listener from the supervisor; no listener is closed meanwhile.
func (s *state) giveUp(f func(fd int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for fd := range s.listeners {
		f(fd)
	}
}

// leave is called after an accept on a listener, with the connection's descriptor or -1.
func (s *state) leave(listener, fd int) news {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	if fd >= 0 {
		s.open[fd] = origin{listener: s.listeners[listener]}
		s.total++
	}
	return s.newsLocked()
}

// adopt records a connection that another worker has accepted on this listener.
func (s *state) adopt(fd int, listener uint32) {
	s.mu.Lock()
	s.open[fd] = origin{listener: listener, seen: true}
	s.total++
	s.mu.Unlock()
}

// see records a connection as followed, and returns the supervisor's id of its listener.
func (s *state) see(fd int) (listener uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, known := s.open[fd]
	if !known {
		return 0
	}
	from.seen = true
	s.open[fd] = from
	return from.listener
}

// unseen counts the connections that are not followed yet, on listeners for which such is true, and the running
// accepts, which may bring more.
func (s *state) unseen(such func(listener uint32) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, from := range s.open {
		if !from.seen && such(from.listener) {
			n++
		}
	}
	return n + s.underWay
}

// listenerOf returns the supervisor's id of a listener; 0: not the supervisor's.
func (s *state) listenerOf(fd int) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners[fd]
}

// count returns the number of open connections, and of all connections so far.
func (s *state) count() (open, all uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.open) + s.unknown), s.total
}

// closing is called before any descriptor is closed, and forgets the descriptor. known tells whether it was known.
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

// closed is called after the close of a known descriptor.
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

// beginLook is called before drain: until looked is called, nothing is reported. A second call returns false.
func (s *state) beginLook() (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = !s.draining
	s.looking = s.looking || first
	return first
}

// looked is called when the program's own loops accept no more, with the number of their connections.
func (s *state) looked(unknown int) news {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looking, s.unknown = false, unknown
	return s.newsLocked()
}

// newsLocked returns the news that is true now and was not reported yet. Each report is sent once.
func (s *state) newsLocked() (n news) {
	if !s.draining || s.looking || s.underWay > 0 || len(s.waiting) > 0 {
		return news{}
	}
	n.parked, s.parked = !s.parked, true
	if len(s.open)+s.unknown == 0 {
		n.quiet, s.quiet = !s.quiet, true
	}
	return n
}
