package core

import "syscall"

// registration is a descriptor's entry in an epoll.
type registration struct {
	epoll int
	entry entry
}

// stopOwnLoops takes the listeners from the program's own loops, and reports whether the program has such loops. A
// loop that is already awake and accepts late finds nothing: its descriptor now belongs to a listener without
// clients. The program may remove this listener from the epoll, or close it, like the other listener.
func (a *agent) stopOwnLoops() bool {
	loops, found := findLoops(a.link.descriptor())
	for fd, in := range loops {
		a.swapped(fd, in)
	}
	return found
}

// swapped replaces a listener, also in these epolls, by a listener to which no client can connect.
func (a *agent) swapped(fd int, in []registration) {
	a.whileOpen(func() {
		var removed []registration
		for _, r := range in { // fails if the number belongs to another descriptor by now
			if syscall.EpollCtl(r.epoll, syscall.EPOLL_CTL_DEL, fd, &syscall.EpollEvent{}) == nil {
				removed = append(removed, r)
			}
		}
		done := len(removed) > 0 && !a.acceptsLocked(fd) && putNowhere(fd)
		for _, r := range removed {
			if !done {
				r.entry.events = 0 // the listener stays, and wakes no goroutine
			}
			_ = watch(r.epoll, fd, r.entry)
		}
	})
}

// putNowhere replaces fd by a listener with a name chosen by the kernel.
func putNowhere(fd int) bool {
	nowhere, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(nowhere)
	if syscall.Bind(nowhere, &syscall.SockaddrUnix{}) != nil || syscall.Listen(nowhere, 1) != nil {
		return false
	}
	return replace(fd, nowhere) == nil
}

// findLoops returns the listeners registered in the program's own epolls, and whether there is such an epoll. The Go
// runtime's epoll is the one that contains our link.
func findLoops(link int) (loops map[int][]registration, own bool) {
	loops = map[int][]registration{}
	for _, fd := range numbersIn("/proc/self/fd") {
		var stat syscall.Stat_t
		if syscall.Fstat(fd, &stat) != nil || stat.Mode&syscall.S_IFMT != 0 || nameOf(fd) != "anon_inode:[eventpoll]" {
			continue
		}
		registered := map[int]registration{}
		eachLine(contents("/proc/self/fdinfo/"+decimal(fd)), func(line []byte) {
			if listener, ok := field(line, "tfd:", 10); ok {
				e, _ := findEntry(line, int(listener))
				registered[int(listener)] = registration{fd, e}
			}
		})
		if _, runtimes := registered[link]; runtimes {
			continue
		}
		own = true
		for listener, r := range registered {
			if isListener(listener) {
				loops[listener] = append(loops[listener], r)
			}
		}
	}
	return loops, own
}

func isListener(fd int) bool {
	accepts, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && accepts != 0 && isStreamSocket(fd)
}

func isStreamSocket(fd int) bool {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	return err == nil && isStream(kind)
}

// ownAddresses returns the ports and paths on which the program listens.
func ownAddresses() map[spot]bool {
	all := map[spot]bool{}
	for _, fd := range numbersIn("/proc/self/fd") {
		if isListener(fd) {
			if at, ok := spotOf(fd); ok {
				all[at] = true
			}
		}
	}
	return all
}

// spot is the place of a listener or of its connections, without the host's address, which may differ.
type spot struct {
	port int
	path string
}

func spotOf(fd int) (spot, bool) {
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return spot{}, false
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return spot{port: name.Port}, true
	case *syscall.SockaddrInet6:
		return spot{port: name.Port}, true
	case *syscall.SockaddrUnix:
		return spot{path: name.Name}, name.Name != ""
	}
	return spot{}, false
}

// unknownConnections counts the connections at these places that package net does not know. busy counts the ones
// whose client waits for an answer, as far as the kernel can tell.
func (a *agent) unknownConnections(at map[spot]bool) (open, busy int) {
	link := a.link.descriptor()
	for _, fd := range numbersIn("/proc/self/fd") {
		var stat syscall.Stat_t
		if fd == link || syscall.Fstat(fd, &stat) != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFSOCK ||
			a.knows(fd) || !isStreamSocket(fd) {
			continue
		}
		if here, ok := spotOf(fd); !ok || !at[here] {
			continue
		}
		if _, err := syscall.Getpeername(fd); err != nil { // a listener, or a connection that has ended
			continue
		}
		open++
		if awaited(fd) {
			busy++
		}
	}
	return open, busy
}

// numbersIn returns the names in a folder that are numbers. It avoids package os, whose openings are reported.
func numbersIn(dir string) (all []int) {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	buf := make([]byte, 1<<14)
	for {
		n, err := syscall.ReadDirent(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return all
		}
		_, _, names := syscall.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if n, ok := field([]byte(name), "", 10); ok {
				all = append(all, int(n))
			}
		}
	}
}

func eachLine(text []byte, f func(line []byte)) {
	start := 0
	for i, c := range text {
		if c == '\n' {
			f(text[start:i])
			start = i + 1
		}
	}
}

// knows reports whether package net has this connection.
func (s *state) knows(fd int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.open[fd]
	return known
}

// acceptsLocked reports whether package net accepts on this listener.
func (s *state) acceptsLocked(fd int) bool {
	_, accepts := s.accepting[fd]
	return accepts
}

// whileOpen calls f; meanwhile package net closes no descriptor.
func (s *state) whileOpen(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// descriptor returns the link's descriptor.
func (l *link) descriptor() int {
	number := -1
	_ = l.raw.Control(func(fd uintptr) { number = int(fd) })
	return number
}
