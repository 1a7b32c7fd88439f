//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotreload/agent/protocol"
)

const limit = 20 * time.Second

// stage is a host with a record of its events.
type stage struct {
	*Host
	t      *testing.T
	path   string
	events chan Event
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, path: filepath.Join(dir, "agent"), events: make(chan Event, 1000)}
	sockets := NewSockets()
	if s.Host, err = New(s.path, time.Second, sockets, func(e Event) { s.events <- e }); err != nil {
		t.Fatal(err)
	}
	s.former = time.Millisecond // all agents are this process, so the wait for a former connection is in vain
	t.Cleanup(func() {
		s.Close()
		sockets.Close()
		os.RemoveAll(dir)
	})
	return s
}

// expect waits for the next event.
func (s *stage) expect(want Event) {
	s.t.Helper()
	if have := s.next(); !reflect.DeepEqual(have, want) {
		s.t.Fatalf("have event %T%+v, want %T%+v", have, have, want, want)
	}
}

func (s *stage) next() Event {
	s.t.Helper()
	select {
	case e := <-s.events:
		return e
	case <-time.After(limit):
		s.t.Fatal("no event comes")
		return nil
	}
}

// token returns the token of a new worker.
func (s *stage) token(worker int) string { return s.tokenOf(worker, worker) }

func (s *stage) tokenOf(worker, generation int) string {
	for _, entry := range s.Admit(worker, generation) {
		if token, ok := strings.CutPrefix(entry, protocol.TokenVariable+"="); ok {
			return token
		}
	}
	s.t.Fatal("no token")
	return ""
}

func (s *stage) dial() *net.UnixConn {
	s.t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: s.path})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(limit))
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// agent is the other side, played by the test.
type agent struct {
	*net.UnixConn
	t  *testing.T
	in *reader
}

// join says hello for a worker.
func (s *stage) join(worker int) *agent {
	s.t.Helper()
	return s.joinAs(worker, worker)
}

func (s *stage) joinAs(worker, generation int) *agent {
	s.t.Helper()
	a := &agent{UnixConn: s.dial(), t: s.t}
	a.in = newReader(a.UnixConn)
	a.in.strict = true
	a.write(protocol.AppendHello(nil, os.Getpid(), s.tokenOf(worker, generation)))
	if kind, _ := a.read(); kind != protocol.Welcome {
		s.t.Fatalf("have a frame of kind %d, want welcome", kind)
	}
	s.expect(Hello{Worker: worker, Pid: os.Getpid()})
	return a
}

func (a *agent) write(frames []byte) {
	a.t.Helper()
	if _, err := a.Write(frames); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) tell(kind protocol.Kind, numbers ...uint32) {
	a.t.Helper()
	a.write(protocol.Append(nil, kind, protocol.Numbers(numbers...)))
}

func (a *agent) read() (protocol.Kind, []byte) {
	a.t.Helper()
	kind, body, err := a.in.next()
	if err != nil {
		a.t.Fatal(err)
	}
	return kind, body
}

// bound returns a TCP socket as after the agent's hooks and bind.
func bound(t *testing.T, port int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	return fd
}

func portOf(t *testing.T, fd int) int {
	t.Helper()
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return name.(*unix.SockaddrInet4).Port
}

// ask asks for the listener of a bound socket.
func (a *agent) ask(fd int, path string) (errno syscall.Errno, id uint32, listener int) {
	a.t.Helper()
	if err := send(a.UnixConn, protocol.Ask, []byte(path), fd); err != nil {
		a.t.Fatal(err)
	}
	kind, body := a.read()
	if kind != protocol.Listener {
		a.t.Fatalf("have a frame of kind %d (%q), want a listener", kind, body)
	}
	number, _ := protocol.Number(body, 0)
	id, _ = protocol.Number(body, 1)
	listener = a.in.takeFd()
	if listener >= 0 {
		a.t.Cleanup(func() { unix.Close(listener) })
	}
	return syscall.Errno(number), id, listener
}

func TestConversation(t *testing.T) {
	s := newStage(t)
	one := s.join(1)
	fd := bound(t, 0)
	port := portOf(t, fd)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	errno, id, listener := one.ask(fd, "")
	if errno != 0 || id == 0 || listener >= 0 {
		t.Fatalf("first: have error %d, id %d, descriptor %d; want its own socket", errno, id, listener)
	}
	s.expect(Asked{Worker: 1, Network: "tcp4", Address: address, New: true})
	one.tell(protocol.Accepting, id)
	s.expect(Ready{Worker: 1})

	two := s.join(2)
	errno, same, listener := two.ask(bound(t, port), "")
	if errno != 0 || same != id || listener < 0 || portOf(t, listener) != port {
		t.Fatalf("second: have error %d, id %d, descriptor %d; want the first one's", errno, same, listener)
	}
	s.expect(Asked{Worker: 2, Network: "tcp4", Address: address})
	two.tell(protocol.Accepting, id)
	s.expect(Ready{Worker: 2})

	if !s.Drain(1) {
		t.Error("worker 1 could not be asked to drain")
	}
	if kind, _ := one.read(); kind != protocol.Drain {
		t.Errorf("have a frame of kind %d, want drain", kind)
	}
	one.tell(protocol.Parked)
	one.tell(protocol.Parked) // a repeated report
	one.tell(protocol.Quiet)
	s.expect(Released{Worker: 1})
	s.expect(Quiet{Worker: 1})
	one.Close()
	s.expect(Gone{Worker: 1})
	if s.Drain(1) || s.Drain(3) {
		t.Error("who is not there was asked to drain")
	}
}

// TestReadyWaitsForAllListeners: a worker is ready when it accepts on all listeners of the last worker, or after a
// while. The first worker gets a short while for the listeners that it opens after the first.
func TestReadyWaitsForAllListeners(t *testing.T) {
	s := newStage(t)
	one := s.join(1)
	var ids []uint32
	for range 2 {
		_, id, _ := one.ask(bound(t, 0), "")
		ids = append(ids, id)
		s.next()
	}
	began := time.Now()
	one.tell(protocol.Accepting, ids[0])
	one.tell(protocol.Accepting, ids[1])
	s.expect(Ready{Worker: 1})
	if took := time.Since(began); took < FirstReadyAfter {
		t.Errorf("the first worker was ready after %v, want %v", took, FirstReadyAfter)
	}

	two := s.join(2)
	two.tell(protocol.Accepting, ids[1])
	two.tell(protocol.Accepting, ids[0])
	began = time.Now()
	s.expect(Ready{Worker: 2})
	if took := time.Since(began); took >= ReadyAfter {
		t.Errorf("it was ready after %v, want at once", took)
	}

	three := s.join(3)
	began = time.Now()
	three.tell(protocol.Accepting, ids[0])
	s.expect(Ready{Worker: 3})
	if took := time.Since(began); took < ReadyAfter {
		t.Errorf("with one of two it was ready after %v, want %v", took, ReadyAfter)
	}
}

// TestStrangers: a client other than a worker is refused with the reason, in bounded memory, and affects no other
// client.
func TestStrangers(t *testing.T) {
	s := newStage(t)
	worker := s.join(1)
	token := s.token(2)
	me := os.Getpid()
	hello := protocol.AppendHello(nil, me, token)
	older := append([]byte(nil), hello...)
	older[1] = 0
	for _, c := range []struct {
		name string
		send []byte
		fill int // number of additional bytes
		end  bool
		want string
	}{
		{name: "without a token", send: protocol.AppendHello(nil, me, ""), want: "token"},
		{name: "with a wrong token", send: protocol.AppendHello(nil, me, token+"x"), want: "token"},
		{name: "with a token that begins well", send: protocol.AppendHello(nil, me, token[:len(token)-1]), want: "token"},
		{name: "with a worker's number alone", send: protocol.AppendHello(nil, me, "2"), want: "token"},
		{name: "with the token of one that never was", send: protocol.AppendHello(nil, me, "9"+token), want: "token"},
		{name: "with another's pid", send: protocol.AppendHello(nil, 1, token), want: "pid"},
		{name: "garbage", send: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), want: "version"},
		{name: "a hello without the magic", send: protocol.Append(nil, protocol.Hello, []byte("xxxxxxxxxxxxxxxxxx")),
			want: "not a hello"},
		{name: "something else first", send: protocol.Append(nil, protocol.Quiet, nil), want: "not a hello"},
		{name: "an older version", send: older, want: "version"},
		{name: "half a message", send: hello[:10], end: true, want: "no hello"},
		{name: "nothing", end: true, want: "no hello"},
		{name: "a length that cannot be", send: []byte{1, protocol.Version, 0xff, 0xff}, want: "longer"},
		{name: "a gigabyte", send: []byte{1, protocol.Version, 0xff, 0xff}, fill: 1 << 30, want: "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			conn := s.dial()
			_, _ = conn.Write(c.send)
			for sent, chunk := 0, make([]byte, 1<<20); sent < c.fill; sent += len(chunk) {
				if _, err := conn.Write(chunk); err != nil {
					break
				}
			}
			if c.end {
				_ = conn.CloseWrite()
			}
			rejected, ok := s.next().(Rejected)
			if !ok || !strings.Contains(rejected.Reason, c.want) {
				t.Errorf("have %+v, want one about %q", rejected, c.want)
			}
			kind, body, err := newReader(conn).next()
			if err == nil && (kind != protocol.Refused || !strings.Contains(string(body), c.want)) {
				t.Errorf("it was answered with kind %d, %q", kind, body)
			}
			if err != nil && c.fill == 0 {
				t.Errorf("it was not told: %v", err)
			}
			runtime.ReadMemStats(&after)
			if used := int64(after.TotalAlloc) - int64(before.TotalAlloc); used > 8<<20 {
				t.Errorf("it cost %d bytes", used)
			}
		})
	}
	s.crowded(t)
	worker.tell(protocol.Accepting, 0)
	for {
		if _, ok := s.next().(Ready); ok {
			break // the refusals of the crowd come in between
		}
	}
}

// crowded opens too many connections that send nothing.
func (s *stage) crowded(t *testing.T) {
	t.Run("no word at all", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it waits for 5 s: not with -short")
		}
		s.dial()
		if rejected, ok := s.next().(Rejected); !ok || !strings.Contains(rejected.Reason, "no hello") {
			t.Errorf("have %+v", rejected)
		}
	})
	t.Run("a crowd", func(t *testing.T) {
		for range maxStrangers + s.expected() + 1 {
			s.dial()
		}
		if rejected, ok := s.next().(Rejected); !ok || !strings.Contains(rejected.Reason, "have not said hello") {
			t.Errorf("have %+v", rejected)
		}
	})
}

// TestWorkersThatStartTogether: none of many workers is refused because all have connected before any says hello.
// This order occurs on a machine under load.
func TestWorkersThatStartTogether(t *testing.T) {
	s := newStage(t)
	const workers = 2 * maxStrangers
	var tokens []string
	for worker := range workers {
		tokens = append(tokens, s.token(worker))
	}
	var agents []*agent
	for range workers {
		a := &agent{UnixConn: s.dial(), t: t}
		a.in = newReader(a.UnixConn)
		agents = append(agents, a)
	}
	for worker, a := range agents {
		a.write(protocol.AppendHello(nil, os.Getpid(), tokens[worker]))
		if kind, _ := a.read(); kind != protocol.Welcome {
			t.Fatalf("worker %d: have a frame of kind %d, want welcome", worker, kind)
		}
		s.expect(Hello{Worker: worker, Pid: os.Getpid()})
	}
}

// TestWorkersThatMisbehave: a faulty worker loses its connection, and no other worker is affected.
func TestWorkersThatMisbehave(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(a *agent)
		want string
	}{
		{"a kind that does not exist", func(a *agent) { a.tell(protocol.Kind(200)) }, "unknown kind"},
		{"the supervisor's words", func(a *agent) { a.tell(protocol.Welcome, 1) }, "unknown kind"},
		{"asks and sends no socket", func(a *agent) { a.tell(protocol.Ask) }, "sends no socket"},
		{"sends two sockets", func(a *agent) {
			fd := bound(a.t, 0)
			_, _, _ = a.WriteMsgUnix(protocol.Append(nil, protocol.Ask, nil), syscall.UnixRights(fd, fd), nil)
		}, "more sockets"},
		{"a length that cannot be", func(a *agent) { a.write([]byte{4, protocol.Version, 0xff, 0xff}) }, "longer"},
		{"another version", func(a *agent) { a.write([]byte{4, protocol.Version + 1, 0, 0}) }, "version"},
		{"half a message", func(a *agent) { a.write([]byte{5, protocol.Version, 0, 4, 0}); a.CloseWrite() }, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			other, bad := s.join(1), s.join(2)
			c.do(bad)
			if rejected, ok := s.next().(Rejected); !ok || !strings.Contains(rejected.Reason, c.want) ||
				!strings.Contains(rejected.Reason, "worker 2") {
				t.Errorf("have %+v, want one about worker 2 and %q", rejected, c.want)
			}
			s.expect(Gone{Worker: 2})
			if kind, _ := bad.read(); kind != protocol.Refused {
				t.Errorf("it was answered with kind %d", kind)
			}
			other.tell(protocol.Accepting, 0)
			s.expect(Ready{Worker: 1})
		})
	}
}

// TestSocketsThatCannotListen: the worker gets an error, as from its own call, and stays connected.
func TestSocketsThatCannotListen(t *testing.T) {
	s := newStage(t)
	a := s.join(1)
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	connected, err := net.Dial("tcp", listening.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	file, err := connected.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	udp, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	defer unix.Close(udp)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, c := range map[string]struct {
		fd   int
		path string
		want syscall.Errno
	}{
		"connected":              {int(file.Fd()), "", syscall.EISCONN},
		"UDP":                    {udp, "", syscall.ESOCKTNOSUPPORT},
		"no socket":              {int(null.Fd()), "", syscall.ENOTSOCK},
		"a path that is no path": {bound(t, 0), "/x", syscall.EINVAL},
	} {
		if errno, _, listener := a.ask(c.fd, c.path); errno != c.want || listener >= 0 {
			t.Errorf("%s: have %v, want %v", name, errno, c.want)
		}
		if asked, ok := s.next().(Asked); !ok || !errors.Is(asked.Err, c.want) {
			t.Errorf("%s: have event %+v", name, asked)
		}
	}
}

// TestKeep: a worker gets the supervisor's own listener, and can bind beside this listener.
func TestKeep(t *testing.T) {
	s := newStage(t)
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := s.sockets.Keep(own.(syscall.Conn)); err != nil {
		t.Fatal(err)
	}
	a := s.join(1)
	port := own.Addr().(*net.TCPAddr).Port
	errno, _, listener := a.ask(bound(t, port), "")
	if errno != 0 || listener < 0 || portOf(t, listener) != port {
		t.Errorf("have %v, descriptor %d", errno, listener)
	}
}

// TestRelease: a released listener ends when no worker uses it.
func TestRelease(t *testing.T) {
	s := newStage(t)
	used, unused := listen(t), listen(t)
	for _, own := range []net.Listener{used, unused} {
		if err := s.sockets.Keep(own.(syscall.Conn)); err != nil {
			t.Fatal(err)
		}
	}
	port := used.Addr().(*net.TCPAddr).Port
	first, second := s.join(1), s.join(2)
	first.ask(bound(t, port), "")
	for _, own := range []net.Listener{used, unused} {
		if err := s.sockets.Release(own.(syscall.Conn)); err != nil {
			t.Fatal(err)
		}
		own.Close()
	}
	if have := s.sockets.Addresses(); len(have) != 1 || have[0][1] != used.Addr().String() {
		t.Errorf("%v are left, want %v, which a worker uses", have, used.Addr())
	}
	if errno, _, listener := second.ask(bound(t, port), ""); errno != 0 || listener < 0 || portOf(t, listener) != port {
		t.Errorf("the next worker gets %v, descriptor %d", errno, listener)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestMend: a listener that a worker has shut down listens again.
func TestMend(t *testing.T) {
	s := newStage(t)
	a := s.join(1)
	fd := bound(t, 0)
	a.ask(fd, "")
	if mended := s.sockets.Mend(); mended != nil {
		t.Errorf("have %v mended before anything was broken", mended)
	}
	_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	if mended := s.sockets.Mend(); len(mended) != 1 || mended[0].Err != nil || mended[0].Blocking {
		t.Errorf("have %v, want one that listens again", mended)
	}
	_ = unix.SetNonblock(fd, false)
	if mended := s.sockets.Mend(); len(mended) != 1 || mended[0].Err != nil || !mended[0].Blocking {
		t.Errorf("have %v, want one that does not block", mended)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", portOf(t, fd)))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// TestCrashWhileAnotherLeaves: a worker dies while its predecessor is about to exit. No worker serves, so the
// listener stays for the next one.
func TestCrashWhileAnotherLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		old  func(s *stage, old *agent, id uint32)
	}{
		{"it drains", func(s *stage, old *agent, _ uint32) {
			old.tell(protocol.Parked)
			s.expect(Released{Worker: 1})
		}},
		{"it has closed its listener", func(_ *stage, old *agent, id uint32) { old.tell(protocol.Closed, id) }},
		{"it leaves at the same time", func(_ *stage, old *agent, _ uint32) { old.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // FirstReadyAfter passes in each round
			for range 20 {
				s := newStage(t)
				old, young := s.join(1), s.join(2)
				fd := bound(t, 0)
				_, id, _ := old.ask(fd, "")
				s.next()
				old.tell(protocol.Accepting, id)
				s.expect(Ready{Worker: 1})
				young.ask(bound(t, portOf(t, fd)), "")
				s.next()
				young.tell(protocol.Accepting, id)
				s.expect(Ready{Worker: 2})
				c.old(s, old, id)
				young.Close()
				for s.next() != (Gone{Worker: 2}) {
				}
				if all := s.sockets.Addresses(); len(all) != 1 {
					t.Fatalf("have %v, want the listener", all)
				}
			}
		})
	}
}

// TestNothingLeaks: descriptors of connections and sockets end with the host.
func TestNothingLeaks(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Skip("/dev/fd, which lists the open descriptors, cannot be read: ", err)
		}
		return len(entries)
	}
	before := count()
	t.Run("life", func(t *testing.T) {
		s := newStage(t)
		for worker := 1; worker <= 5; worker++ {
			a := s.join(worker)
			a.ask(bound(t, 0), "")
			_, _, _ = a.WriteMsgUnix([]byte{1}, syscall.UnixRights(bound(t, 0)), nil) // in the middle of a frame
			a.Close()
			for {
				if _, gone := s.next().(Gone); gone {
					break
				}
			}
		}
	})
	if after := count(); after > before {
		t.Errorf("have %d descriptors, had %d", after, before)
	}
}

func TestAgentThatIsUnable(t *testing.T) {
	s := newStage(t)
	a := s.join(1)
	a.write(protocol.Append(nil, protocol.Unable, []byte("net.socketFunc is missing")))
	s.expect(Absent{Worker: 1, Reason: "net.socketFunc is missing"})
	s.expect(Gone{Worker: 1})
}
