//go:build linux || darwin

package core

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"hotreload/agent/protocol"
)

// link is the connection to the supervisor. It uses system calls directly, because its own calls must not pass
// through the hooks.
type link struct {
	file *os.File // owns the descriptor, and lets a goroutine wait for it without a thread
	raw  syscall.RawConn

	writing sync.Mutex // held while a frame is written

	asking  sync.Mutex  // held from a question to its answer
	answers chan answer // of the one open question
	lost    chan struct{}

	// Used only by the reader: first dial, then hearSupervisor.
	in  []byte // bytes that have arrived and were not taken yet
	fds []int  // descriptors, likewise
}

// answer is the supervisor's answer to Way or Ask.
type answer struct {
	kind  protocol.Kind
	errno syscall.Errno
	id    uint32
	fd    int    // -1 = none
	paths string // of Way
}

// helloTimeout is how long a silent supervisor may delay the program's start: without the supervisor the program
// cannot get its port. Without overload the answer takes about 50 µs.
const helloTimeout = 30 * time.Second

var (
	errLost    = errors.New("hotreload: the supervisor is gone")
	errRefused = errors.New("hotreload: the supervisor refused the agent")
)

// welcome is the supervisor's first message.
type welcome struct {
	grace   time.Duration // a worker's time to drain
	tracer  int           // the process whose descendants may trace this process, which then waits for Go; 0: none
	browser protocol.Browser
}

// dial connects and says hello.
func dial(path, token string) (l *link, said welcome, err error) {
	fd, err := connect(path)
	if err != nil {
		return nil, said, err
	}
	file := os.NewFile(uintptr(fd), "hotreload-agent")
	l = &link{file: file, answers: make(chan answer, 1), lost: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if l.raw, err = file.SyscallConn(); err != nil {
		return nil, said, err
	}
	if err = file.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, said, err
	}
	if err = l.write(protocol.AppendHello(nil, os.Getpid(), token), -1); err != nil {
		return nil, said, err
	}
	kind, body, err := l.next()
	if err != nil {
		return nil, said, err
	}
	milliseconds, _ := protocol.Number(body, 0)
	tracer, ok := protocol.Number(body, 1)
	if kind != protocol.Welcome || !ok {
		return nil, said, errRefused
	}
	said.grace = time.Duration(milliseconds) * time.Millisecond
	said.tracer = int(tracer)
	said.browser = protocol.ParseBrowser(body, 8)
	return l, said, file.SetReadDeadline(time.Time{})
}

// connectTo connects a new socket, and closes the socket after a failure.
func connectTo(fd int, path string) (int, error) {
	err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// tell sends a frame without an answer. If the supervisor is gone, hearSupervisor notices.
func (l *link) tell(kind protocol.Kind, body []byte) {
	_ = l.write(protocol.Append(nil, kind, body), -1)
}

// ask sends a frame, with a descriptor unless fd is -1, and waits for the answer.
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
	oob := make([]byte, 64) // one descriptor; the supervisor never sends two at a time
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

// takeFd returns the descriptor of the frame, or -1.
func (l *link) takeFd() int {
	if len(l.fds) == 0 {
		return -1
	}
	fd := l.fds[0]
	l.fds = l.fds[1:]
	return fd
}
