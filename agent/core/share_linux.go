package core

import (
	"syscall"
	"time"
	"unsafe"

	"hotreload/agent/protocol"
)

// share makes a listener made without net.Listen one of the supervisor's, and returns its id; 0 if the listener stays
// the program's own, or comes from --listen. waits is the listener's id for takeWaiting, also for one of --listen.
// share is called before the first accept on the listener enters the kernel.
//
// Either the supervisor keeps this very socket, and nothing changes here; or the supervisor has a socket already,
// which replaces this one. Then the kernel gives all new connections to the supervisor's socket (host.steer). A
// connection on its way to this socket is in the queue a moment later, and is taken from there. Nothing new arrives
// meanwhile: a filter drops SYNs, and clients send these again.
func (a *agent) share(fd, flags int) (id, waits uint32) {
	control, _ := syscall.Getenv(SharingVariable)
	if control == "off" || !isShareable(fd) {
		return 0, 0
	}
	poller, entry := a.poller(fd)
	if poller < 0 {
		return 0, 0 // no event would report connections on another socket
	}
	got, err := a.link.ask(protocol.Ask, nil, fd)
	if err != nil || got.kind != protocol.Listener || got.errno != 0 {
		return 0, got.id // 0, except for a listener of --listen
	}
	if got.fd < 0 {
		a.listens(fd, got.id)
		return got.id, got.id
	}
	defer syscall.Close(got.fd)
	own, err := dup(fd)
	if err != nil {
		return 0, 0
	}
	defer syscall.Close(own)
	a.listens(fd, got.id)
	if control != "full" {
		a.empty(fd, flags)
	}
	if replace(fd, got.fd) == nil {
		if watch(poller, fd, entry) == nil {
			return got.id, got.id
		}
		_ = replace(fd, own)
	}
	//lint:ignore SA1019 the agent imports the standard library alone, and this call does all that is needed
	_ = syscall.DetachLsf(own)
	a.unlisten(fd)
	a.link.tell(protocol.Closed, protocol.Numbers(got.id))
	return 0, 0
}

// SharingVariable is for controls of tests. With "off", listeners made without net.Listen are not shared; with
// "full", their queue is not emptied.
const SharingVariable = "HOTRELOAD_TEST_SHARING"

// isShareable reports whether a second socket can listen beside this one: a TCP listener with SO_REUSEPORT.
func isShareable(fd int) bool {
	for _, option := range [...]int{syscall.SO_ACCEPTCONN, reusePort()} {
		if is, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, option); err != nil || is == 0 {
			return false
		}
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return false
	}
	switch name.(type) {
	case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
		return true
	}
	return false
}

// halfWay is how long a connection may take from the SYN into the queue: some microseconds on one machine.
const halfWay = time.Millisecond

// noSYN is a filter that accepts packets of existing connections and no new ones.
var noSYN = []syscall.SockFilter{
	{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: 13},           // the flags of the TCP header
	{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: 0x12},        // of these SYN and ACK
	{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jf: 1, K: 0x02}, // SYN alone:
	{Code: syscall.BPF_RET | syscall.BPF_K, K: 0}, {Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffffffff},
}

// empty takes the connections in the queue of a listener about to be replaced, and lets nothing new arrive.
func (a *agent) empty(fd, flags int) {
	//lint:ignore SA1019 the agent imports the standard library alone, and this call does all that is needed
	_ = syscall.AttachLsf(fd, noSYN)
	wait := time.NewTimer(halfWay)
	defer wait.Stop()
	for last := false; ; {
		for {
			s, from, err := a.accept4Func(fd, flags)
			if err == syscall.EINTR || err == syscall.ECONNABORTED {
				continue
			}
			if err != nil {
				break
			}
			a.queue(fd, queued{s, from})
		}
		if last {
			return
		}
		<-wait.C
		last = true
	}
}

func dup(fd int) (int, error) {
	n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// entry is the runtime poller's entry of a descriptor.
type entry struct {
	events uint32
	data   uint64
}

// poller finds the runtime's epoll instance, which contains our link, and the instance's entry of fd; -1 if there is
// none.
func (a *agent) poller(fd int) (int, entry) {
	link := -1
	_ = a.link.raw.Control(func(s uintptr) { link = int(s) })
	name := make([]byte, 64)
	for candidate := 0; candidate < mostPollers; candidate++ {
		n, err := syscall.Readlink("/proc/self/fd/"+number(uint64(candidate)), name)
		if err != nil || string(name[:n]) != "anon_inode:[eventpoll]" {
			continue
		}
		text := contents("/proc/self/fdinfo/" + number(uint64(candidate)))
		if _, ours := findEntry(text, link); !ours {
			continue
		}
		if e, known := findEntry(text, fd); known {
			return candidate, e
		}
		return -1, entry{}
	}
	return -1, entry{}
}

// mostPollers is how many descriptors to search: the runtime makes its epoll for our link, before the program runs.
const mostPollers = 256

func contents(path string) (text []byte) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	for buf := make([]byte, 4096); ; {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return text
		}
		text = append(text, buf[:n]...)
	}
}

// findEntry finds a descriptor in /proc's description of an epoll instance:
//
//	tfd:        3 events: 80000019 data:     7f12a6c3e008  pos:0 ino:a71e0a sdev:9
func findEntry(text []byte, fd int) (e entry, known bool) {
	for len(text) > 0 {
		end := 0
		for end < len(text) && text[end] != '\n' {
			end++
		}
		line := text[:end]
		if end++; end > len(text) {
			end = len(text)
		}
		text = text[end:]
		tfd, a := field(line, "tfd:", 10)
		events, b := field(line, "events:", 16)
		data, c := field(line, "data:", 16)
		if a && b && c && tfd == uint64(fd) {
			return entry{uint32(events), data}, true
		}
	}
	return entry{}, false
}

// field reads the number after a name.
func field(line []byte, name string, base uint64) (n uint64, ok bool) {
	i := 0
	for i+len(name) <= len(line) && string(line[i:i+len(name)]) != name {
		i++
	}
	if i += len(name); i > len(line) {
		return 0, false
	}
	for i < len(line) && line[i] == ' ' {
		i++
	}
	for ; i < len(line) && line[i] != ' '; i++ {
		digit := uint64(0)
		switch c := line[i]; {
		case c >= '0' && c <= '9':
			digit = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			digit = uint64(c-'a') + 10
		default:
			return 0, false
		}
		n, ok = n*base+digit, true
	}
	return n, ok
}

// watch makes the poller report events of the new socket behind fd as before of the old socket.
func watch(poller, fd int, e entry) error {
	event := syscall.EpollEvent{Events: e.events}
	*(*[8]byte)(unsafe.Pointer(&event.Fd)) = *(*[8]byte)(unsafe.Pointer(&e.data)) // Fd and Pad are the kernel's data
	return syscall.EpollCtl(poller, syscall.EPOLL_CTL_ADD, fd, &event)
}

// unlisten withdraws the record of a listener from the supervisor.
func (s *state) unlisten(fd int) {
	s.mu.Lock()
	delete(s.listeners, fd)
	s.mu.Unlock()
}
