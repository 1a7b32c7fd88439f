//go:build linux || darwin

package host

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotreload/agent/protocol"
)

// reader reads frames from a connection, and the descriptors in them. A reader holds one frame and one read.
type reader struct {
	conn   *net.UnixConn
	buf    []byte // the bytes that have arrived; valid from start
	start  int
	fds    []int
	strict bool // descriptors are allowed: the client has sent a token
}

// errTooManyFds: a worker has sent more descriptors than requests.
var errTooManyFds = errors.New("it sends more sockets than it asks for")

// maxFds is how many descriptors may be waiting: one of an incomplete frame, and one of the next frame, which arrived
// with the rest.
const maxFds = 2

func newReader(conn *net.UnixConn) *reader {
	return &reader{conn: conn, buf: make([]byte, 0, protocol.HeaderSize+protocol.MaxBody)}
}

// next waits for a frame. The body is valid until the next call.
func (r *reader) next() (protocol.Kind, []byte, error) {
	for {
		kind, body, rest, err := protocol.Next(r.buf[r.start:])
		if err != nil {
			return 0, nil, err
		}
		if rest != nil {
			r.start = len(r.buf) - len(rest)
			if kind == protocol.Hello {
				r.strict = true
			}
			return kind, body, nil
		}
		if len(r.fds) > 0 && r.start == len(r.buf) {
			return 0, nil, errTooManyFds // no frame is left for these descriptors
		}
		r.buf = r.buf[:copy(r.buf[:cap(r.buf)], r.buf[r.start:])]
		r.start = 0
		if err := r.read(); err != nil {
			return 0, nil, err
		}
	}
}

// read waits for more bytes. There is room: the longest frame fits, and the buffer does not contain a whole frame.
func (r *reader) read() error {
	var oob []byte
	if r.strict { // otherwise the kernel closes descriptors that arrive
		oob = make([]byte, unix.CmsgSpace(4*4))
	}
	n, oobn, _, _, err := r.conn.ReadMsgUnix(r.buf[len(r.buf):cap(r.buf)], oob)
	if n == 0 && len(r.buf) > 0 && (err == nil || errors.Is(err, io.EOF)) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return err
	}
	came := -len(r.fds)
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return err
		}
		r.fds = append(r.fds, fds...)
	}
	if came += len(r.fds); came > 1 || len(r.fds) > maxFds {
		return errTooManyFds
	}
	r.buf = r.buf[:len(r.buf)+n]
	return nil
}

// takeFd returns the next descriptor, which then belongs to the caller, or -1.
func (r *reader) takeFd() int {
	if len(r.fds) == 0 {
		return -1
	}
	fd := r.fds[0]
	r.fds = r.fds[1:]
	return fd
}

// discard closes the remaining descriptors.
func (r *reader) discard() {
	for _, fd := range r.fds {
		_ = unix.Close(fd)
	}
	r.fds = nil
}

// send writes a frame, with a descriptor unless fd is -1.
//
// As much as fits is written at once, even if the deadline has passed: package net checks the deadline before the
// write, and on an overloaded machine a tenth of a second may pass in between. Otherwise the worker would get no
// socket.
func send(conn *net.UnixConn, kind protocol.Kind, body []byte, fd int) error {
	var rights []byte
	if fd >= 0 {
		rights = syscall.UnixRights(fd)
	}
	frame := protocol.Append(nil, kind, body)
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var n int
	var failed error
	err = raw.Control(func(s uintptr) {
		for failed = unix.EINTR; errors.Is(failed, unix.EINTR); {
			n, failed = unix.SendmsgN(int(s), frame, rights, nil, unix.MSG_DONTWAIT)
		}
	})
	if err != nil {
		return err
	}
	if errors.Is(failed, unix.EAGAIN) && kind != protocol.Offer { // other workers can get the offer
		_ = conn.SetWriteDeadline(time.Now().Add(sendTimeout))
		n, _, failed = conn.WriteMsgUnix(frame, rights, nil)
	}
	if failed == nil && n < len(frame) {
		conn.Close() // the next frame would be read as the rest of this one
		return io.ErrShortWrite
	}
	return failed
}

// refuse sends the reason, if possible.
func refuse(conn *net.UnixConn, why error) {
	_ = send(conn, protocol.Refused, []byte(why.Error()), -1)
}
