//go:build !386 && !s390x

package web

import (
	"net"
	"net/http"
	"syscall"
	"time"
	"unsafe"
)

// Before the first request, the server reads the connection itself, and we cannot follow the read. So we ask the
// kernel how many bytes were read. The order of the steps makes this safe:
//
//	SO_RCVLOWAT   bytes that arrive now do not wake the reader
//	proof         no byte has arrived, so nothing has woken the reader before
//	deadline      ends the read, without a byte
//	StateClosed   the server has closed its descriptor; only our duplicate is left
//	proof         no byte was read
//
// One case remains: 3 ms after the accept the reader has not begun to wait, and reads in the same microseconds in
// which we look and a byte arrives. The second proof would find the byte, and the connection would be closed.

// unusedFor is the least age of a connection before we take it from the server: by then the server waits for bytes,
// as the first proof requires. Usually the server waits after 20 µs.
const unusedFor = 3 * time.Millisecond

// movesUnused reports whether a connection can move before its first request.
func movesUnused(conn net.Conn) bool {
	_, tcp := conn.(*net.TCPConn)
	return tcp
}

// giveUnused gives away a connection without any request so far, and reports whether to try again.
func (m *Mover) giveUnused(f *kept) (left bool) {
	if !movesUnused(f.conn) {
		return false
	}
	if time.Since(f.since) < unusedFor {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != unused {
		return false
	}
	fd := -1
	pure := false
	err := f.raw.Control(func(own uintptr) {
		setLowWater(int(own), muchWater)
		pure = m.unproved || untouched(int(own), f.received)
		if pure {
			fd = duplicate(int(own))
		}
		if fd < 0 {
			setLowWater(int(own), 1)
		}
	})
	if err != nil || fd < 0 {
		return false
	}
	f.state, f.closed = leaving, make(chan struct{})
	_ = f.conn.SetReadDeadline(past)
	go m.takeUnused(f, fd, f.closed) // ends when the server lets go of the connection, or a request has come
	return true
}

// takeUnused waits until the server has closed its side of a connection, and gives it away; or finds that the
// connection must stay.
func (m *Mover) takeUnused(f *kept, fd int, closed <-chan struct{}) {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-closed:
			setLowWater(fd, 1)
			if !m.unproved && readOf(fd) != f.received {
				closeFd(fd)
				return
			}
			m.sendAs(f.listener, fd)
			return
		case <-again.C:
			f.mu.Lock()
			if f.state == leaving && !m.unproved && readOf(fd) != f.received {
				server := m.serverOf(f.listener)
				f.staysLocked(headTime(server))
				f.state = busy
			}
			leaves := f.state == leaving || f.state == gone
			if f.state == leaving {
				_ = f.conn.SetReadDeadline(past) // the server may have set its own
			}
			f.mu.Unlock()
			if !leaves {
				closeFd(fd)
				return
			}
		}
	}
}

// staysLocked gives a connection back to its server. limit is the server's time for the read; 0: no limit.
func (f *kept) staysLocked(limit time.Duration) {
	until := noDeadline
	if limit > 0 {
		until = time.Now().Add(limit)
	}
	_ = f.conn.SetReadDeadline(until)
	_ = f.raw.Control(func(fd uintptr) { setLowWater(int(fd), 1) })
}

// headTime returns how long the server waits for a request's head.
func headTime(server *http.Server) time.Duration {
	if server.ReadHeaderTimeout != 0 {
		return server.ReadHeaderTimeout
	}
	return server.ReadTimeout
}

// muchWater is more than a request's first bytes, and too little to make the kernel enlarge the buffer.
const muchWater = 1 << 16

func setLowWater(fd, bytes int) {
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes)
}

// untouched reports whether no bytes have arrived except for those read before.
func untouched(fd int, read uint64) bool {
	waiting, ok := unread(fd)
	received, ok2 := received(fd)
	return ok && ok2 && waiting == 0 && received == read
}

// readFrom returns how many bytes of a connection were received and read. The result is never too large: bytes that
// arrive between the two calls count as unread.
func readFrom(raw syscall.RawConn) (n uint64) {
	_ = raw.Control(func(fd uintptr) {
		all, _ := received(int(fd))
		waiting, _ := unread(int(fd))
		n = all - uint64(waiting)
	})
	return n
}

// readOf is like readFrom, but never too small: bytes that arrive between the two calls count as read.
func readOf(fd int) uint64 {
	waiting, _ := unread(fd)
	all, _ := received(fd)
	return all - uint64(waiting)
}

func unread(fd int) (n int32, ok bool) {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	return n, errno == 0
}

// received returns tcpi_bytes_received of struct tcp_info, the number of bytes received in order.
func received(fd int) (n uint64, ok bool) {
	var info struct {
		before [128]byte
		bytes  uint64
	}
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return info.bytes, errno == 0 && uintptr(size) == unsafe.Sizeof(info)
}
