//go:build linux || darwin

package host

import (
	"net"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"hotreload/agent/protocol"
)

// connection returns a descriptor of a connection, and the connection's other end.
func connection(t *testing.T) (fd int, far net.Conn) {
	t.Helper()
	near, far := pair(t)
	file, err := near.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return int(file.Fd()), far
}

// serves has a worker of a generation accept on a listener.
func (s *stage) serves(worker, generation int, id uint32) *agent {
	s.t.Helper()
	a := s.joinAs(worker, generation)
	a.tell(protocol.Accepting, id)
	s.expect(Ready{Worker: worker})
	return a
}

func (a *agent) move(number, listener uint32, fd int) {
	a.t.Helper()
	if err := send(a.UnixConn, protocol.Move, protocol.Numbers(number, listener), fd); err != nil {
		a.t.Fatal(err)
	}
}

// hears waits for a frame with these numbers; first 0 allows any first number.
func (a *agent) hears(kind protocol.Kind, first, second uint32) (got uint32) {
	a.t.Helper()
	have, body := a.read()
	one, _ := protocol.Number(body, 0)
	two, _ := protocol.Number(body, 1)
	if have != kind || first != 0 && one != first || two != second {
		a.t.Fatalf("have kind %d, %d, %d; want %d, %d, %d", have, one, two, kind, first, second)
	}
	return one
}

// offered waits for a connection, and checks that far is the connection's other end.
func (a *agent) offered(listener uint32, far net.Conn) (number uint32) {
	a.t.Helper()
	number = a.hears(protocol.Offer, 0, listener)
	fd := a.in.takeFd()
	if fd < 0 {
		a.t.Fatal("no connection came")
	}
	defer unix.Close(fd)
	if _, err := far.Write([]byte("x")); err != nil {
		a.t.Fatal(err)
	}
	if n, err := unix.Read(fd, make([]byte, 10)); n != 1 || err != nil {
		a.t.Errorf("it is another connection: read %d, %v", n, err)
	}
	return number
}

const gate = 7 // a listener

func TestMove(t *testing.T) {
	t.Parallel() // one case waits for takeTimeout
	fd, far := connection(t)
	for _, c := range []struct {
		name string
		play func(t *testing.T, s *stage, old *agent)
	}{
		{"to the newest that accepts there", func(t *testing.T, s *stage, old *agent) {
			s.serves(2, 2, gate)
			young := s.serves(3, 3, gate)
			s.serves(4, 4, gate+1)
			old.move(1, gate, fd)
			id := young.offered(gate, far)
			young.tell(protocol.Took, id, 1)
			young.hears(protocol.Yours, id, 1)
			old.hears(protocol.Given, 1, 1)
			young.tell(protocol.Took, id, 0) // already decided
			old.move(2, gate, fd)
			young.offered(gate, far)
		}},
		{"by turns to those of one generation", func(t *testing.T, s *stage, old *agent) {
			young := []*agent{s.serves(2, 2, gate), s.serves(3, 2, gate)}
			for i := range uint32(6) {
				old.move(i, gate, fd)
				young[i%2].offered(gate, far)
			}
		}},
		{"not to one that drains", func(t *testing.T, s *stage, old *agent) {
			drains, young := s.serves(2, 2, gate), s.serves(3, 2, gate)
			s.Drain(2)
			drains.hears(protocol.Drain, 0, 0)
			for i := range uint32(3) {
				old.move(i, gate, fd)
				young.offered(gate, far)
			}
		}},
		{"to nobody", func(t *testing.T, s *stage, old *agent) {
			s.serves(2, 2, gate+1)
			old.move(1, gate, fd)
			old.hears(protocol.Given, 1, 0)
		}},
		{"to one that does not want it, and then to another", func(t *testing.T, s *stage, old *agent) {
			young, younger := s.serves(2, 2, gate), s.serves(3, 3, gate)
			old.move(1, gate, fd)
			id := younger.offered(gate, far)
			younger.tell(protocol.Took, id, 0)
			younger.hears(protocol.Yours, id, 0)
			id = young.offered(gate, far)
			young.tell(protocol.Took, id, 1)
			old.hears(protocol.Given, 1, 1)
		}},
		{"to one that goes before it is decided", func(t *testing.T, s *stage, old *agent) {
			young := s.serves(2, 2, gate)
			old.move(1, gate, fd)
			young.offered(gate, far)
			young.Close()
			old.hears(protocol.Given, 1, 0)
		}},
		{"to one that says nothing for long", func(t *testing.T, s *stage, old *agent) {
			young := s.serves(2, 2, gate)
			old.move(1, gate, fd)
			id := young.offered(gate, far)
			old.hears(protocol.Given, 1, 0)
			young.hears(protocol.Yours, id, 0)
			young.tell(protocol.Took, id, 1) // too late, and the worker knows
			old.move(2, gate, fd)
			young.offered(gate, far)
		}},
		{"from one that goes before it is decided", func(t *testing.T, s *stage, old *agent) {
			young := s.serves(2, 2, gate)
			old.move(1, gate, fd)
			id := young.offered(gate, far)
			old.Close()
			s.expect(Gone{Worker: 1})
			young.tell(protocol.Took, id, 1)
			young.hears(protocol.Yours, id, 1)
		}},
		{"what somebody else was offered", func(t *testing.T, s *stage, old *agent) {
			thief, young := s.serves(2, 2, gate), s.serves(3, 3, gate)
			old.move(1, gate, fd)
			id := young.offered(gate, far)
			thief.tell(protocol.Took, id, 1)
			thief.tell(protocol.Moved)
			s.expect(Moved{Worker: 2}) // the worker's earlier frames were handled
			young.tell(protocol.Took, id, 1)
			young.hears(protocol.Yours, id, 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			c.play(t, s, s.serves(1, 1, gate))
		})
	}
}

// TestMovedIsToldOnce: even if the agent sends the same report twice.
func TestMovedIsToldOnce(t *testing.T) {
	s := newStage(t)
	a := s.join(1)
	a.tell(protocol.Moved)
	a.tell(protocol.Moved)
	a.tell(protocol.Quiet)
	s.expect(Moved{Worker: 1})
	s.expect(Quiet{Worker: 1})
}

func TestMayBeStopped(t *testing.T) {
	if runtime.GOOS == "linux" && mayBeStopped(os.Getpid()) {
		t.Error("we are taken for stopped")
	}
	if !mayBeStopped(1 << 30) {
		t.Error("who is not there is taken for one that works")
	}
}
