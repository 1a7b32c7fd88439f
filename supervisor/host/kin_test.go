//go:build linux || darwin

package host

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"hotreload/agent/protocol"
)

// joinKin connects with a token in use.
func (s *stage) joinKin(token string) *agent {
	s.t.Helper()
	a := &agent{UnixConn: s.dial(), t: s.t}
	a.in = newReader(a.UnixConn)
	a.in.strict = true
	a.write(protocol.AppendHello(nil, os.Getpid(), token))
	a.hearsKind(protocol.Welcome)
	return a
}

// hearsKind wants the next frame to be of a kind.
func (a *agent) hearsKind(want protocol.Kind) (body []byte) {
	a.t.Helper()
	kind, body := a.read()
	if kind != want {
		a.t.Fatalf("have a frame of kind %d (%q), want %d", kind, body, want)
	}
	return body
}

// silent wants no event to have come: the next event is the rejection of another agent.
func (s *stage) silent(other *agent, worker int) {
	s.t.Helper()
	other.tell(protocol.Count) // of unknown kind from an agent: the connection ends
	if _, ok := s.next().(Rejected); !ok {
		s.t.Fatal("an event too many")
	}
	s.expect(Gone{Worker: worker})
}

func (s *stage) joinWithKin() (head *agent, token string) {
	s.t.Helper()
	token = s.token(1)
	head = &agent{UnixConn: s.dial(), t: s.t}
	head.in = newReader(head.UnixConn)
	head.in.strict = true
	head.write(protocol.AppendHello(nil, os.Getpid(), token))
	head.hearsKind(protocol.Welcome)
	s.expect(Hello{Worker: 1, Pid: os.Getpid()})
	return head, token
}

// TestKinIsPartOfItsWorker: a report about a worker is true of all its processes.
func TestKinIsPartOfItsWorker(t *testing.T) {
	s := newStage(t)
	head, token := s.joinWithKin()
	other := s.join(2)
	kin, short := s.joinKin(token), s.joinKin(token)
	kin.tell(protocol.Accepting, 0)
	s.expect(Ready{Worker: 1})
	s.Drain(1)
	for _, one := range []*agent{head, kin, short} {
		one.hearsKind(protocol.Drain)
	}
	late := s.joinKin(token)
	late.hearsKind(protocol.Drain)
	for _, one := range []*agent{head, kin, late} {
		one.tell(protocol.Parked)
	}
	head.tell(protocol.Moved)
	head.tell(protocol.Quiet)
	// The host answers only after handling all reports so far.
	for _, one := range []*agent{head, kin, late} {
		one.tell(protocol.Waiting, 0)
		one.hearsKind(protocol.Waiting)
	}
	s.silent(other, 2)
	short.Close() // an agent without further reports
	s.expect(Released{Worker: 1})
	kin.tell(protocol.Moved)
	kin.tell(protocol.Quiet)
	late.Close()
	s.expect(Moved{Worker: 1})
	s.expect(Quiet{Worker: 1})
	head.Close()
	s.expect(Gone{Worker: 1})
	s.Forget(1)
	if _, _, err := kin.in.next(); err == nil {
		t.Error("kin has a supervisor when its worker is gone")
	}
	stranger := s.dial()
	_, _ = stranger.Write(protocol.AppendHello(nil, os.Getpid(), token))
	if rejected, ok := s.next().(Rejected); !ok || !strings.Contains(rejected.Reason, "token") {
		t.Errorf("a token lives longer than its worker: have %+v", rejected)
	}
}

func TestCountsOfKinAreAddedUp(t *testing.T) {
	s := newStage(t)
	head, token := s.joinWithKin()
	kin, short := s.joinKin(token), s.joinKin(token)
	answer := func(a *agent, k Known) { a.write(protocol.Append(nil, protocol.Counts, protocol.CountsBody(7, k))) }
	if !s.Count(1, 7) {
		t.Fatal("there is nobody to ask")
	}
	answer(head, Known{Goroutines: 1, Heap: 10})
	answer(kin, Known{Open: 2, Accepted: 3, Goroutines: 4, Heap: 20, HTTP: true, InFlight: 1, Served: 5})
	short.hearsKind(protocol.Count)
	short.Close()
	known := Known{Open: 2, Accepted: 3, Goroutines: 5, Heap: 30, HTTP: true, InFlight: 1, Served: 5}
	want := Counts{Worker: 1, ID: 7, Known: known}
	if have := s.next(); !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v, want %+v", have, want)
	}
}
