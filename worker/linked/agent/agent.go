//go:build linux || darwin

package agent

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/worker/linked/protocol"
)

// Hooks are variables of the standard library. A nil one, or one that holds nil, is missing.
type Hooks struct {
	Socket  *func(family, sotype, proto int) (int, error)       // net.socketFunc
	Listen  *func(fd, backlog int) error                        // net.listenFunc
	Accept4 *func(fd, flags int) (int, syscall.Sockaddr, error) // internal/poll.Accept4Func; Linux
	Accept  *func(fd int) (int, syscall.Sockaddr, error)        // internal/poll.AcceptFunc; macOS
	Close   *func(fd int) error                                 // internal/poll.CloseFunc

	SetLogger func(Logger) // in internal/testlog; nil: files are not reported
}

// agent is the one in this process. Its fields do not change after Start, but for backs.
type agent struct {
	*state
	link  *link
	files *files
	grace time.Duration
	backs sync.Map // path that we removed -> another name of its socket; see makeWay

	// What the hooks did before.
	socketFunc  func(int, int, int) (int, error)
	listenFunc  func(int, int) error
	accept4Func func(int, int) (int, syscall.Sockaddr, error)
	acceptFunc  func(int) (int, syscall.Sockaddr, error)
	closeFunc   func(int) error
}

// running is 1 once the hooks are in place, draining 1 once the supervisor has asked for it.
var running, draining int32

// Running reports whether this process has a supervisor that it has said hello to.
func Running() bool { return atomic.LoadInt32(&running) != 0 }

// Requests counts the requests that are being answered and those that were, if somebody does. It is set before the
// program runs.
var Requests func() (inFlight, served uint64)

// Busy counts the requests that are being answered, if somebody does. It is set before the program runs.
var Busy func() int

// Draining reports whether the program is to finish what it has and take nothing new.
func Draining() bool { return atomic.LoadInt32(&draining) != 0 }

// Start puts the agent to work if the environment says so, and is called before the program can have made a listener.
// Whatever goes wrong, the program goes on as if there were no agent: it is the supervisor that misses its hello.
func Start(h Hooks) {
	path, named := syscall.Getenv(protocol.PathVariable) // not os.Getenv, which tells others what is asked for
	token, _ := syscall.Getenv(protocol.TokenVariable)
	if !named {
		return
	}
	_ = os.Unsetenv(protocol.PathVariable)
	_ = os.Unsetenv(protocol.TokenVariable)
	l, grace, err := dial(path, token)
	if err != nil {
		return
	}
	if missing := h.missing(); missing != "" {
		l.tell(protocol.Unable, []byte(missing+" is missing in "+runtime.Version()))
		_ = l.file.Close()
		return
	}
	outlive()
	a := &agent{state: newState(), link: l, files: newFiles(l), grace: grace}
	a.install(h)
	if h.SetLogger != nil {
		h.SetLogger(a.files)
		go a.files.reportFiles() // ends with the process
	}
	atomic.StoreInt32(&running, 1)
	go a.hearSupervisor() // ends with the process, or ends it
}

// install puts the agent in front of what the hooks do.
func (a *agent) install(h Hooks) {
	a.socketFunc, *h.Socket = *h.Socket, a.socket
	a.listenFunc, *h.Listen = *h.Listen, a.listen
	a.closeFunc, *h.Close = *h.Close, a.close
	if h.Accept4 != nil {
		a.accept4Func, *h.Accept4 = *h.Accept4, a.accept4
	}
	if h.Accept != nil {
		a.acceptFunc, *h.Accept = *h.Accept, a.accept
	}
}

// missing names a hook that this version of Go does not have.
func (h Hooks) missing() string {
	switch {
	case h.Socket == nil || *h.Socket == nil:
		return "net.socketFunc"
	case h.Listen == nil || *h.Listen == nil:
		return "net.listenFunc"
	case h.Close == nil || *h.Close == nil:
		return "internal/poll.CloseFunc"
	case h.Accept4 != nil && *h.Accept4 == nil:
		return "internal/poll.Accept4Func"
	case h.Accept != nil && *h.Accept == nil:
		return "internal/poll.AcceptFunc"
	case h.Accept == nil && h.Accept4 == nil:
		return "internal/poll.Accept4Func"
	}
	return ""
}

// socket is behind net.socketFunc. It knows what kind of socket is made and not what for, which costs each stream
// socket two options that make no difference to a connection.
func (a *agent) socket(family, sotype, proto int) (int, error) {
	stream := isStream(sotype)
	if stream && family == syscall.AF_UNIX && calledToListen() {
		a.makeWay()
	}
	fd, err := a.socketFunc(family, sotype, proto)
	if err == nil && stream && (family == syscall.AF_INET || family == syscall.AF_INET6) {
		prepare(fd)
	}
	return fd, err
}

// makeWay removes the paths of the supervisor's that are in the way, as late as can be: from here until the socket is
// bound, and listen has put the supervisor's into its place, nobody can connect. It stays as it is if the supervisor is
// gone.
func (a *agent) makeWay() {
	got, err := a.link.ask(protocol.Way, nil, -1)
	if err != nil || got.paths == "" {
		return
	}
	names := append([]byte(got.paths), 0)
	var path string
	isPath := true
	for start, i := 0, 0; i < len(names); i++ { // not by package strings: not every program has it
		if names[i] != 0 {
			continue
		}
		name := string(names[start:i])
		start = i + 1
		if isPath {
			path = name
		} else {
			a.backs.Store(path, name)
			_ = syscall.Unlink(path)
		}
		isPath = !isPath
	}
}

// comeBack makes the path that was just bound lead to the supervisor's listener again, which will take the socket's
// place; so nobody has to wait for the supervisor, who does it if this fails.
func (a *agent) comeBack(path string) {
	if name, known := a.backs.Load(path); known {
		a.backs.Delete(path)
		_ = syscall.Rename(name.(string), path)
	}
}

// calledToListen reports whether the socket that is made will be one to listen on. A path can be bound only if it is
// free, so the supervisor has to take its own socket off it, and must not do so for each connection that is dialled.
func calledToListen() bool {
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		switch frame.Function {
		case "net.(*sysListener).listenUnix", "net.ListenUnix":
			return true
		}
		if !more {
			return false
		}
	}
}

// listen is behind net.listenFunc. The socket is bound and nothing else holds it: its place can be taken.
func (a *agent) listen(fd, backlog int) error {
	path, ours := a.address(fd)
	if !ours {
		return a.listenFunc(fd, backlog)
	}
	a.comeBack(path)
	got, err := a.link.ask(protocol.Ask, []byte(path), fd)
	switch {
	case err != nil: // the supervisor is gone
		return a.listenFunc(fd, backlog)
	case got.kind != protocol.Listener:
		return syscall.EPROTO
	case got.errno != 0:
		return got.errno
	case got.fd >= 0:
		err = replace(fd, got.fd)
		_ = syscall.Close(got.fd)
		if err != nil {
			return err
		}
	}
	a.listens(fd, got.id)
	return nil
}

// address tells whether the supervisor can hold the listener of this socket, and its path if it has one. An abstract
// name cannot be bound a second time, whatever anybody does, so its socket is left to the program.
func (a *agent) address(fd int) (path string, ours bool) {
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return "", false
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
		return "", true
	case *syscall.SockaddrUnix:
		path = name.Name
		if path == "" || path[0] == '@' || path[0] == 0 {
			return "", false
		}
		if path[0] != '/' {
			dir, err := syscall.Getwd()
			if err != nil {
				return "", false
			}
			path = dir + "/" + path
		}
		return path, len(path) <= protocol.MaxBody
	}
	return "", false
}

// accept4 is behind internal/poll.Accept4Func. The poller takes EAGAIN for an empty queue and waits for more.
func (a *agent) accept4(fd, flags int) (int, syscall.Sockaddr, error) {
	if !a.mayAccept(fd) {
		return -1, nil, syscall.EAGAIN
	}
	s, from, err := a.accept4Func(fd, flags)
	a.accepted(s, err)
	return s, from, err
}

// accept is behind internal/poll.AcceptFunc.
func (a *agent) accept(fd int) (int, syscall.Sockaddr, error) {
	if !a.mayAccept(fd) {
		return -1, nil, syscall.EAGAIN
	}
	s, from, err := a.acceptFunc(fd)
	a.accepted(s, err)
	return s, from, err
}

func (a *agent) mayAccept(fd int) bool {
	id, first, goOn := a.enter(fd)
	if first {
		a.files.flush(true)
		a.link.tell(protocol.Accepting, protocol.Numbers(id))
	}
	return goOn
}

func (a *agent) accepted(fd int, err error) {
	if err != nil {
		fd = -1
	}
	a.say(a.leave(fd))
}

// close is behind internal/poll.CloseFunc, which closes files of all kinds.
func (a *agent) close(fd int) error {
	id, known := a.closing(fd)
	err := a.closeFunc(fd)
	if id != 0 {
		a.link.tell(protocol.Closed, protocol.Numbers(id))
	}
	if known {
		a.say(a.closed())
	}
	return err
}

func (a *agent) say(n news) {
	if n.parked {
		a.link.tell(protocol.Parked, nil)
	}
	if n.quiet {
		a.link.tell(protocol.Quiet, nil)
	}
}

func (a *agent) startDraining() {
	atomic.StoreInt32(&draining, 1)
	a.say(a.drain())
}

// hearSupervisor does what the supervisor says, until it is gone; then it sees to it that the program leaves.
func (a *agent) hearSupervisor() {
	leaving := false
	for {
		kind, body, err := a.link.next()
		if err != nil {
			break
		}
		switch kind {
		case protocol.Way:
			a.link.answers <- answer{kind: kind, fd: -1, paths: string(body)} // has room: one question at a time
		case protocol.Listener:
			errno, _ := protocol.Number(body, 0)
			id, _ := protocol.Number(body, 1)
			a.link.answers <- answer{kind: kind, errno: syscall.Errno(errno), id: id, fd: a.link.takeFd()}
		case protocol.Count:
			id, _ := protocol.Number(body, 0)
			a.files.flush(false) // who asks may want to know what was opened until now
			a.link.tell(protocol.Counts, protocol.CountsBody(id, a.known()))
		case protocol.Drain:
			a.startDraining()
		case protocol.Leave:
			a.startDraining()
			if !leaving {
				leaving = true
				go func() { // ends with the last request, or with the process
					a.awaitIdle(nil)
					a.link.tell(protocol.Idle, nil)
				}()
			}
		}
	}
	close(a.link.lost)
	a.leaveAlone()
}

// known is what there is to count. It stops the program for some microseconds, and nobody asks often.
func (a *agent) known() (k protocol.Known) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	k.Open, k.Accepted = a.count()
	k.Goroutines, k.Heap = uint64(runtime.NumGoroutine()), memory.HeapAlloc
	if Requests != nil {
		k.HTTP = true
		k.InFlight, k.Served = Requests()
	}
	return k
}

// awaitIdle waits until no request is being answered, or for an end. Connections on which nothing is asked, and those
// that have become something else, do not count.
func (a *agent) awaitIdle(end <-chan time.Time) {
	look := time.NewTicker(idleLook)
	defer look.Stop()
	for idle := 0; idle < 2; { // the second time is for what the first was too early to see written
		select {
		case <-look.C:
		case <-end:
			return
		}
		if idle++; Busy != nil && Busy() > 0 {
			idle = 0
		}
	}
}

// idleLook is how often a worker that is to leave is looked at, and so how long the last answer has to be written after
// its handler has returned. Felt right, not measured.
const idleLook = 10 * time.Millisecond

// leaveAlone ends a program without a supervisor: its ports are free at once, it finishes what it is answering, then
// may shut down in its own way, then has to go.
func (a *agent) leaveAlone() {
	a.startDraining()
	a.giveUp(freed)
	a.awaitIdle(time.After(a.grace))
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	time.Sleep(a.grace)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// freed puts a socket that leads nowhere in the place of a listener, whose number the program still has.
func freed(fd int) {
	nowhere, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return
	}
	_ = replace(fd, nowhere)
	_ = syscall.Close(nowhere)
}
