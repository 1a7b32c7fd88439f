//go:build linux || darwin

package agent

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"hotreload/worker/linked/protocol"
)

// link is the connection to the supervisor. It speaks to the kernel itself: what it does must not pass through the
// hooks.
type link struct {
	file *os.File // owns the descriptor, and lets a goroutine wait for it without a thread
	raw  syscall.RawConn

	writing sync.Mutex // held for a frame

	asking  sync.Mutex  // held from a question to its answer
	answers chan answer // of the one question that is under way
	lost    chan struct{}

	// Only of who reads: Welcome's reader, then hearSupervisor.
	in  []byte // what has arrived and was not taken yet
	fds []int  // descriptors that have arrived, likewise
}

// answer is the supervisor's to Way or Ask.
type answer struct {
	kind  protocol.Kind
	errno syscall.Errno
	id    uint32
	fd    int    // -1 = none
	paths string // of Way
}

// helloTimeout is how long the start of the program is held up by a supervisor that says nothing: without it the program
// cannot have its port. The answer takes some 50 µs, on a machine that is not overloaded.
const helloTimeout = 30 * time.Second

var (
	errLost    = errors.New("hotreload: the supervisor is gone")
	errRefused = errors.New("hotreload: the supervisor refused the agent")
)

// dial connects and says hello. The grace is what the supervisor gives a worker to drain.
func dial(path, token string) (l *link, grace time.Duration, err error) {
	fd, err := connect(path)
	if err != nil {
		return nil, 0, err
	}
	file := os.NewFile(uintptr(fd), "hotreload-agent")
	l = &link{file: file, answers: make(chan answer, 1), lost: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if l.raw, err = file.SyscallConn(); err != nil {
		return nil, 0, err
	}
	if err = file.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, 0, err
	}
	if err = l.write(protocol.AppendHello(nil, os.Getpid(), token), -1); err != nil {
		return nil, 0, err
	}
	kind, body, err := l.next()
	if err != nil {
		return nil, 0, err
	}
	milliseconds, ok := protocol.Number(body, 0)
	if kind != protocol.Welcome || !ok {
		return nil, 0, errRefused
	}
	return l, time.Duration(milliseconds) * time.Millisecond, file.SetReadDeadline(time.Time{})
}

// tell sends a frame that has no answer. If the supervisor is gone, hearSupervisor will find out.
func (l *link) tell(kind protocol.Kind, body []byte) {
	_ = l.write(protocol.Append(nil, kind, body), -1)
}

// ask sends a frame, with a descriptor unless it is -1, and waits for the answer.
func (l *link) ask(kind protocol.Kind, body []byte, fd int) (answer, error) {
	l.asking.Lock()
	defer l.asking.Unlock()
	if err := l.write(protocol.Append(nil, kind, body), fd); err != nil {
		return answer{}, err
	}
	select {
	case a := <-l.answers:
		return a, nil
	case <-l.lost:
		return answer{}, errLost
	}
}

// write sends whole frames; the descriptor goes with the first byte.
func (l *link) write(frames []byte, fd int) error {
	var rights []byte
	if fd >= 0 {
		rights = syscall.UnixRights(fd)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	for len(frames) > 0 {
		var n int
		var err error
		waitErr := l.raw.Write(func(s uintptr) bool {
			for {
				n, err = syscall.SendmsgN(int(s), frames, rights, nil, noSignal)
				if err != syscall.EINTR {
					return err != syscall.EAGAIN
				}
			}
		})
		if waitErr != nil {
			return waitErr
		}
		if err != nil {
			return err
		}
		frames, rights = frames[n:], nil
	}
	return nil
}

// next waits for a frame. The body is valid until the next call.
func (l *link) next() (protocol.Kind, []byte, error) {
	for {
		kind, body, rest, err := protocol.Next(l.in)
		if err != nil {
			return 0, nil, err
		}
		if rest != nil {
			l.in = rest
			return kind, body, nil
		}
		if err := l.read(); err != nil {
			return 0, nil, err
		}
	}
}

func (l *link) read() error {
	buf := make([]byte, 512)
	oob := make([]byte, 64) // one descriptor; the supervisor never has two under way
	var n, oobn int
	var err error
	waitErr := l.raw.Read(func(s uintptr) bool {
		for {
			n, oobn, err = receive(int(s), buf, oob)
			if err != syscall.EINTR {
				return err != syscall.EAGAIN
			}
		}
	})
	switch {
	case waitErr != nil:
		return waitErr
	case err != nil:
		return err
	case n == 0:
		return errLost
	}
	l.in = append(append([]byte(nil), l.in...), buf[:n]...) // a new array: the last body may still be in use
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return err
	}
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return err
		}
		l.fds = append(l.fds, fds...)
	}
	return nil
}

// takeFd is the descriptor that came with the frame, or -1.
func (l *link) takeFd() int {
	if len(l.fds) == 0 {
		return -1
	}
	fd := l.fds[0]
	l.fds = l.fds[1:]
	return fd
}
