//go:build linux || darwin

package core

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/agent/protocol"
)

// Hooks are variables of the standard library. A nil hook, or a hook that contains nil, is missing.
type Hooks struct {
	Socket  *func(family, sotype, proto int) (int, error)       // net.socketFunc
	Listen  *func(fd, backlog int) error                        // net.listenFunc
	Accept4 *func(fd, flags int) (int, syscall.Sockaddr, error) // internal/poll.Accept4Func; Linux
	Accept  *func(fd int) (int, syscall.Sockaddr, error)        // internal/poll.AcceptFunc; macOS
	Close   *func(fd int) error                                 // internal/poll.CloseFunc

	SetLogger func(Logger) // in internal/testlog; nil: files are not reported
}

// agent is the agent of this process. The fields do not change after Start, except for backs and loops.
type agent struct {
	*state
	link  *link
	moves *moves
	files *files
	grace time.Duration
	goOn  chan struct{} // receives one value if the program waits for Go before its main; room for one
	kin   bool          // kin of the worker, and not the worker itself
	loops atomic.Value  // *ownLoops, if the program has event loops and drains
	backs sync.Map      // a removed path -> another name of the path's socket; see makeWay

	// The previous values of the hooks.
	socketFunc  func(int, int, int) (int, error)
	listenFunc  func(int, int) error
	accept4Func func(int, int) (int, syscall.Sockaddr, error)
	acceptFunc  func(int) (int, syscall.Sockaddr, error)
	closeFunc   func(int) error
}

// this is the running agent.
var this *agent

// running is 1 once the hooks are in place; draining is 1 once the supervisor has asked the worker to drain.
var running, draining int32

// Running reports whether this process is connected to a supervisor.
func Running() bool { return atomic.LoadInt32(&running) != 0 }

// Requests returns the number of requests in flight and of answered requests; nil if nothing counts requests.
// Requests is set before the program runs.
var Requests func() (inFlight, served uint64)

// Busy returns the number of requests in flight; nil if nothing counts requests. Busy is set before the program runs.
var Busy func() int

// Movers knows which connections wait for a request; nil if there is no Mover. Movers is set before the program runs.
var Movers Mover

// Mover follows the connections of servers.
type Mover interface {
	// GiveAway continues to give away connections that wait for a request, and returns how many may still be given
	// away. It is called repeatedly while the worker drains for others.
	GiveAway() (left int)

	// Serves reports whether the Mover follows the connections accepted on a listener.
	Serves(listener uint32) bool

	// Take gets a connection that another worker has accepted on this listener; the descriptor then belongs to the
	// Mover. how is the other Mover's value. Take returns nil if the Mover cannot serve the connection. Otherwise it
	// returns a function to call once, with true to serve the connection, or false to drop it.
	Take(listener, how uint32, fd int) (serve func(bool))
}

// Draining reports whether the program should finish, and accept nothing new.
func Draining() bool { return atomic.LoadInt32(&draining) != 0 }

// Start starts the agent if the environment asks for an agent. It is called before the program can have made a
// listener. After a failure the program runs as without an agent, and the supervisor notices the missing Hello.
func Start(h Hooks) {
	path, named := syscall.Getenv(protocol.PathVariable) // not os.Getenv, which reports its argument to the logger
	token, _ := syscall.Getenv(protocol.TokenVariable)
	kin := false
	if !named {
		if path, token, kin = foundByKin(); !kin {
			return
		}
	}
	_ = os.Unsetenv(protocol.PathVariable)
	_ = os.Unsetenv(protocol.TokenVariable)
	_ = os.Unsetenv(protocol.KinVariable)
	l, said, err := dial(path, token)
	if err != nil {
		return
	}
	if missing := h.missing(); missing != "" {
		l.tell(protocol.Unable, []byte(missing+" is missing in "+runtime.Version()))
		_ = l.file.Close()
		return
	}
	if !kin { // the process that has started kin decides when kin exits
		outlive()
	}
	leaveForKin(path, token)
	a := &agent{state: newState(), link: l, moves: newMoves(), files: newFiles(l), grace: said.grace, kin: kin}
	a.goOn = make(chan struct{}, 1)
	Browser = said.browser
	this = a
	a.install(h)
	if h.SetLogger != nil {
		h.SetLogger(a.files)
		go a.files.reportFiles() // ends with the process
	}
	atomic.StoreInt32(&running, 1)
	go a.hearSupervisor() // ends with the process, or ends it
	if said.tracer != 0 {
		a.awaitDebugger(said.tracer)
	}
}

// awaitDebugger waits before the program's main until a debugger has set its breakpoints. The supervisor says when;
// if the supervisor is gone, the program goes on.
func (a *agent) awaitDebugger(tracer int) {
	allowTracer(tracer)
	select {
	case <-a.goOn:
	case <-a.link.lost:
	}
}

// install puts the agent in front of the hooks' previous functions.
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

// missing returns the name of a hook missing in this version of Go.
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

// socket replaces net.socketFunc. At this point the socket's type is known, but not its purpose. So every stream
// socket gets two options, which make no difference to a connection.
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

// makeWay removes the supervisor's paths that are in the way, as late as possible: nobody can connect from here on,
// until the socket is bound and listen has replaced it by the supervisor's socket. If the supervisor is gone, makeWay
// does nothing.
func (a *agent) makeWay() {
	got, err := a.link.ask(protocol.Way, nil, -1)
	if err != nil || got.paths == "" {
		return
	}
	names := append([]byte(got.paths), 0)
	var path string
	isPath := true
	for start, i := 0, 0; i < len(names); i++ { // without package strings, because not every program uses that package
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

// comeBack makes the path of a new socket refer to the supervisor's listener again, which is about to replace the
// socket. So connections need not wait for the supervisor, which does the same if comeBack fails.
func (a *agent) comeBack(path string) {
	if name, known := a.backs.Load(path); known {
		a.backs.Delete(path)
		_ = syscall.Rename(name.(string), path)
	}
}

// calledToListen reports whether the new socket will listen. A path can be bound only if the path does not exist, so
// the supervisor has to remove the path of its own socket, but must not do so for each outgoing connection.
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

// listen replaces net.listenFunc. The socket is bound, and nothing else refers to it yet, so the agent can replace
// it.
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

// address reports whether the supervisor can hold the listener of this socket, and the socket's path, if any. An
// abstract name can never be bound twice, so a socket with such a name stays the program's.
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

// accept4 replaces internal/poll.Accept4Func. The poller takes EAGAIN for an empty queue and waits.
func (a *agent) accept4(fd, flags int) (int, syscall.Sockaddr, error) {
	may := a.mayAccept(fd, flags)
	if c, news, ok := a.unqueue(fd); ok {
		if may {
			a.accepted(fd, -1, nil) // no system call
		}
		a.say(news)
		return c.fd, c.from, nil
	}
	if !may {
		return -1, nil, syscall.EAGAIN
	}
	s, from, err := a.accept4Func(fd, flags)
	a.accepted(fd, s, err)
	return s, from, err
}

// accept replaces internal/poll.AcceptFunc.
func (a *agent) accept(fd int) (int, syscall.Sockaddr, error) {
	if !a.mayAccept(fd, 0) {
		return -1, nil, syscall.EAGAIN
	}
	s, from, err := a.acceptFunc(fd)
	a.accepted(fd, s, err)
	return s, from, err
}

func (a *agent) mayAccept(fd, flags int) bool {
	id, first, goOn := a.enter(fd)
	waits := id
	if first {
		if id == 0 {
			id, waits = a.share(fd, flags)
		}
	}
	if first && goOn {
		a.takeWaiting(fd, waits)
		a.files.flush(true, false)
		a.link.tell(protocol.Accepting, protocol.Numbers(id))
	}
	return goOn
}

func (a *agent) accepted(listener, fd int, err error) {
	if err != nil {
		fd = -1
	}
	a.say(a.leave(listener, fd))
}

// close replaces internal/poll.CloseFunc, which closes files of all kinds.
func (a *agent) close(fd int) error {
	id, known := a.closing(fd)
	isClosed(fd)
	for _, c := range a.unwanted(fd) {
		_ = a.close(c.fd)
	}
	if !known {
		a.files.closing(fd)
	}
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

// startDraining stops accepting. With others, other workers take over; otherwise no worker does.
func (a *agent) startDraining(others bool) {
	atomic.StoreInt32(&draining, 1)
	first := a.beginLook()
	news := a.drain()
	if first {
		news = a.stopLoops()
	}
	if others && atomic.CompareAndSwapInt32(&moving, 0, 1) {
		go a.giveAway() // ends with the process
	}
	if GoAway != nil {
		GoAway()
	}
	a.say(news)
}

// hearSupervisor handles the supervisor's frames until the connection ends; then hearSupervisor makes the program
// exit.
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
			fd := -1
			if with, _ := protocol.Number(body, 2); with != 0 {
				fd = a.link.takeFd()
			}
			a.link.answers <- answer{kind: kind, errno: syscall.Errno(errno), id: id, fd: fd}
		case protocol.Waiting:
			fd := -1
			if with, _ := protocol.Number(body, 0); with != 0 {
				fd = a.link.takeFd()
			}
			a.link.answers <- answer{kind: kind, fd: fd}
		case protocol.Count:
			id, _ := protocol.Number(body, 0)
			a.files.flush(false, true) // the supervisor may need the files opened so far
			a.link.tell(protocol.Counts, protocol.CountsBody(id, a.known()))
		case protocol.Drain:
			alone, _ := protocol.Number(body, 0)
			a.startDraining(alone == 0)
			if alone != 0 {
				a.link.tell(protocol.Moved, nil) // there is no other worker to move connections to
			}
		case protocol.Go:
			select {
			case a.goOn <- struct{}{}:
			default: // said before
			}
		case protocol.EndStreams:
			endStreams()
		case protocol.Offer, protocol.Given, protocol.Yours:
			a.hearOfMove(kind, body)
		case protocol.Leave:
			a.startDraining(false)
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
	if a.kin && !a.hasListeners() {
		return // may be a daemon, which outlives the worker
	}
	a.leaveAlone()
}

// known returns the agent's counts. The call stops the program for some microseconds, and is rare.
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

// awaitIdle waits until no request is in flight, or until end. Idle connections do not count, nor do connections that
// have become something else.
func (a *agent) awaitIdle(end <-chan time.Time) {
	look := time.NewTicker(idleLook)
	defer look.Stop()
	for idle := 0; idle < 2; { // the second look is for an answer not yet written at the first look
		select {
		case <-look.C:
		case <-end:
			return
		}
		if idle++; Busy != nil && Busy() > 0 || a.loopsBusy() {
			idle = 0
		}
	}
}

// idleLook is the pause between two looks at a worker that should exit, and so also the time for writing the last
// answer after its handler has returned. Felt right, not measured.
const idleLook = 10 * time.Millisecond

// freed replaces a listener by a socket without an address, so that the program keeps a valid descriptor.
func freed(fd int) {
	nowhere, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return
	}
	_ = replace(fd, nowhere)
	_ = syscall.Close(nowhere)
}
