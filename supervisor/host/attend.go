//go:build linux

package host

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hotreload/agent/protocol"
)

// Attendant accepts connections in place of the workers while there is no worker. By the first bytes of a connection,
// judge decides whether the Attendant answers; the bytes stay unread. All other connections wait, unread, for the
// next worker that accepts at the same address. If that worker exits before it accepts, the connections come to the
// next Attendant: a browser's request may have arrived in between.
type Attendant struct {
	host   *Host
	judge  func(first []byte) Verdict
	answer func(net.Conn)

	listeners []*net.TCPListener
	running   sync.WaitGroup // accepting, and looking at first bytes

	mu      sync.Mutex // guards all below
	left    bool
	room    int                     // for connections that wait
	waiting map[*net.TCPConn]uint32 // ids of the listeners
}

// Verdict is judge's decision about a connection.
type Verdict uint8

const (
	Unclear Verdict = iota // more bytes are needed
	Wait                   // for a worker
	Answer                 // now
)

// maxWaiting is how many connections may wait outside the kernel's queue. At the limit, nothing more is accepted
// before the next worker, and browsers wait, too.
const maxWaiting = 256

// maxPeek is how many bytes of a connection judge may see.
const maxPeek = 8 << 10

// Attend accepts at the TCP addresses for which workers have asked, until Leave; with unasked, also at those given by
// Keep: then Requeue must follow when a worker has served for a while without asking. Attend must be called only while
// no worker runs. answer is called in a goroutine of its own.
func (h *Host) Attend(judge func(first []byte) Verdict, answer func(net.Conn), unasked bool) *Attendant {
	a := &Attendant{host: h, judge: judge, answer: answer, waiting: map[*net.TCPConn]uint32{}, room: maxWaiting}
	if full := a.takeBack(); full {
		return a
	}
	for id, fd := range h.sockets.attended(unasked) {
		file := os.NewFile(uintptr(fd), "attended")
		l, err := net.FileListener(file)
		_ = file.Close()
		if err != nil {
			continue // no descriptors are left: callers wait in the queue
		}
		listener, tcp := l.(*net.TCPListener)
		if !tcp {
			_ = l.Close()
			continue
		}
		a.listeners = append(a.listeners, listener)
		a.running.Add(1)
		go a.accept(id, listener) // ends with Leave
	}
	return a
}

// takeBack looks again at the connections that waited for a worker, and reports whether there is no room for others.
func (a *Attendant) takeBack() (full bool) {
	h := a.host
	h.mu.Lock()
	defer h.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, all := range h.waiting {
		kept := all[:0]
		for _, fd := range all {
			conn := connOf(fd)
			if conn == nil { // the connection waits on
				kept = append(kept, fd)
				continue
			}
			a.waiting[conn] = id
			a.running.Add(1)
			go a.look(conn) // ends with Leave
		}
		a.room -= len(kept)
		h.waiting[id] = kept
	}
	return len(a.waiting) >= a.room
}

// connOf returns the connection of a descriptor and closes the descriptor; nil if no descriptors are left, and then
// the descriptor stays open.
func connOf(fd int) *net.TCPConn {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(own), "waiting")
	defer file.Close()
	conn, _ := net.FileConn(file)
	tcp, is := conn.(*net.TCPConn)
	if !is {
		return nil
	}
	_ = unix.Close(fd)
	return tcp
}

// attended returns duplicates of the listeners on TCP for which workers have asked, by id; with unasked, also of those
// given by Keep. Without, a listener of --listen is left out if workers accept there without the agent's knowledge.
func (s *Sockets) attended(unasked bool) map[uint32]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[uint32]int{}
	for _, one := range s.all {
		if !one.asked && !unasked || one.place != nil {
			continue
		}
		if fd, err := unix.FcntlInt(uintptr(one.fd), unix.F_DUPFD_CLOEXEC, 3); err == nil {
			all[one.id] = fd
		}
	}
	return all
}

func (a *Attendant) accept(id uint32, l *net.TCPListener) {
	defer a.running.Done()
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			return // the deadline of Leave, or no descriptors are left
		}
		a.mu.Lock()
		a.waiting[conn] = id
		full, left := len(a.waiting) >= a.room, a.left
		if !left {
			a.running.Add(1)
			go a.look(conn) // ends with Leave
		}
		a.mu.Unlock()
		if full || left {
			return
		}
	}
}

// look waits for a verdict about a connection. New bytes wake look once each.
func (a *Attendant) look(conn *net.TCPConn) {
	defer a.running.Done()
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	verdict := Unclear
	buffer := make([]byte, maxPeek)
	_ = raw.Read(func(fd uintptr) bool {
		n, _, err := unix.Recvfrom(int(fd), buffer, unix.MSG_PEEK)
		if err == unix.EAGAIN || err == unix.EINTR {
			return false
		}
		if err != nil || n == 0 || n == len(buffer) {
			verdict = Wait
			return true
		}
		verdict = a.judge(buffer[:n])
		return verdict != Unclear
	})
	if verdict != Answer {
		return
	}
	a.mu.Lock()
	if a.left {
		verdict = Wait
	} else {
		delete(a.waiting, conn)
	}
	a.mu.Unlock()
	if verdict == Answer {
		go a.answer(conn) // answer has a limit of its own
	}
}

// Leave ends an Attendant. After Leave nothing more is accepted, and waiting connections go to the next worker.
func (a *Attendant) Leave() {
	past := time.Unix(1, 0)
	a.mu.Lock()
	a.left = true
	for _, l := range a.listeners {
		_ = l.SetDeadline(past)
	}
	for conn := range a.waiting {
		_ = conn.SetReadDeadline(past)
	}
	a.mu.Unlock()
	a.running.Wait()
	for _, l := range a.listeners {
		_ = l.Close()
	}
	h := a.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for conn, id := range a.waiting {
		raw, err := conn.SyscallConn()
		if err == nil && !h.closed {
			_ = raw.Control(func(own uintptr) {
				if fd, err := unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 3); err == nil {
					h.waiting[id] = append(h.waiting[id], fd)
				}
			})
		}
		_ = conn.Close()
	}
}

// giveWaiting answers Waiting: with a connection for this listener, if one waits.
func (h *Host) giveWaiting(in *reader, id uint32) error {
	fd := -1
	h.mu.Lock()
	if all := h.waiting[id]; len(all) > 0 {
		fd, h.waiting[id] = all[0], all[1:]
	}
	h.mu.Unlock()
	if fd < 0 {
		return send(in.conn, protocol.Waiting, protocol.Numbers(0), -1)
	}
	defer unix.Close(fd)
	return send(in.conn, protocol.Waiting, protocol.Numbers(1), fd)
}

// Requeue gives the waiting connections of listeners for which no worker has asked to the kernel's queue: a worker that
// accepts without the agent's knowledge takes no connection from us. The worker sees a new connection from this
// machine, and bytes are relayed to the client.
func (h *Host) Requeue() {
	asked := h.sockets.asked()
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, all := range h.waiting {
		if asked[id] || h.closed {
			continue
		}
		for _, fd := range all {
			if conn := connOf(fd); conn != nil {
				go h.relay(conn) // ends with the connection, or with Close
			} else {
				_ = unix.Close(fd) // no descriptors are left
			}
		}
		delete(h.waiting, id)
	}
}

// asked returns the ids of the listeners for which workers have asked.
func (s *Sockets) asked() map[uint32]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[uint32]bool{}
	for _, one := range s.all {
		if one.asked {
			ids[one.id] = true
		}
	}
	return ids
}

// relay connects a client with whoever accepts at the address that the client has chosen. The kernel completes the
// second connection without a worker.
func (h *Host) relay(client *net.TCPConn) {
	defer client.Close()
	to, is := client.LocalAddr().(*net.TCPAddr)
	if !is {
		return
	}
	worker, err := net.DialTCP("tcp", nil, to)
	if err != nil {
		return
	}
	defer worker.Close()
	end := func() { client.Close(); worker.Close() }
	h.mu.Lock()
	closed := h.closed
	h.relays[client] = end
	h.mu.Unlock()
	if closed {
		return
	}
	defer func() {
		h.mu.Lock()
		delete(h.relays, client)
		h.mu.Unlock()
	}()
	pass := func(to, from *net.TCPConn) {
		if _, err := io.Copy(to, from); err != nil || to.CloseWrite() != nil {
			end()
		}
	}
	answered := make(chan struct{})
	go func() { // ends with the worker's connection
		defer close(answered)
		pass(client, worker)
	}()
	pass(worker, client)
	<-answered
}

// hangUp closes the connections for a next worker, which will not come, and ends the relays.
func (h *Host) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, all := range h.waiting {
		for _, fd := range all {
			_ = unix.Close(fd)
		}
	}
	h.waiting = nil
	for _, end := range h.relays {
		end()
	}
}
