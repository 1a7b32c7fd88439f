//go:build linux || darwin

package host

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotreload/worker/linked/protocol"
)

// reader takes frames off a connection, and the descriptors that come with them. It holds one frame and one read.
type reader struct {
	conn   *net.UnixConn
	buf    []byte // what has arrived, from start
	start  int
	fds    []int
	strict bool // descriptors are welcome: a token was shown
}

// errTooManyFds is about a worker that sends descriptors nobody asked it for.
var errTooManyFds = errors.New("it sends more sockets than it asks for")

// maxFds is how many descriptors may have arrived and not been taken: one for each Ask, of which one is under way.
const maxFds = 1

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
		r.buf = r.buf[:copy(r.buf[:cap(r.buf)], r.buf[r.start:])]
		r.start = 0
		if err := r.read(); err != nil {
			return 0, nil, err
		}
	}
}

// read waits for more. There is room: the longest frame fits, and what is there is not a whole one.
func (r *reader) read() error {
	var oob []byte
	if r.strict { // else the kernel closes what comes
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
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return err
		}
		r.fds = append(r.fds, fds...)
	}
	if len(r.fds) > maxFds {
		return errTooManyFds
	}
	r.buf = r.buf[:len(r.buf)+n]
	return nil
}

// takeFd is the descriptor that came, now the caller's, or -1.
func (r *reader) takeFd() int {
	if len(r.fds) == 0 {
		return -1
	}
	fd := r.fds[0]
	r.fds = r.fds[1:]
	return fd
}

// discard closes what nobody took.
func (r *reader) discard() {
	for _, fd := range r.fds {
		_ = unix.Close(fd)
	}
	r.fds = nil
}

// send writes a frame, with a descriptor unless it is -1.
//
// What there is room for is written at once, whatever the clock says: net looks at a deadline before it writes, and on a
// machine with too much to do a tenth of a second may pass between the two. The worker would go without its socket.
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
	if errors.Is(failed, unix.EAGAIN) {
		_ = conn.SetWriteDeadline(time.Now().Add(sendTimeout))
		n, _, failed = conn.WriteMsgUnix(frame, rights, nil)
	}
	if failed == nil && n < len(frame) {
		conn.Close() // the next frame would be read as the rest of this one
		return io.ErrShortWrite
	}
	return failed
}

// refuse says why, as far as it can.
func refuse(conn *net.UnixConn, why error) {
	_ = send(conn, protocol.Refused, []byte(why.Error()), -1)
}

// faulty reports whether a conversation ended by what was said, and not because the worker, or we, had gone.
func faulty(err error) bool {
	var system syscall.Errno
	return !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, errDone) && !errors.As(err, &system)
}
