package exchange

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"hotreload/worker/wire"
)

// limit is how long a test waits for a fact before giving up.
const limit = 30 * time.Second

// stage is an exchange with a record of its events.
type stage struct {
	*Exchange
	t *testing.T

	mu     sync.Mutex // guards all below
	events []Event
	said   []func() // the Heard functions not called yet
	total  int      // number of messages
	hears  bool     // call Heard at once
}

// add keeps an event. Messages may be many, so they are only counted.
func (s *stage) add(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	said, ok := e.(Said)
	switch {
	case !ok:
		s.events = append(s.events, e)
	case s.hears:
		said.Heard()
	default:
		s.said = append(s.said, said.Heard)
	}
	if ok {
		s.total++
	}
}

// listen acknowledges every message from now on.
func (s *stage) listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, heard := range s.said {
		heard()
	}
	s.hears = true
}

func (s *stage) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr") // short: the address of a Unix socket has little room
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t}
	if s.Exchange, err = New(filepath.Join(dir, "say"), s.add); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		os.RemoveAll(dir)
	})
	return s
}

func (s *stage) all() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event(nil), s.events...)
}

// await waits until a condition is true of all events so far.
func (s *stage) await(is func([]Event) bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); !is(s.all()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("have events %+v", s.all())
		}
	}
}

func (s *stage) expect(want Event) {
	s.t.Helper()
	s.await(func(events []Event) bool {
		for _, e := range events {
			if reflect.DeepEqual(e, want) {
				return true
			}
		}
		return false
	})
}

// program is the other end of a line.
type program struct {
	net.Conn
	in *bufio.Reader
	t  *testing.T
}

func (s *stage) dial() *program {
	s.t.Helper()
	conn, err := net.Dial("unix", s.door.Path())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(limit))
	return &program{conn, bufio.NewReader(conn), s.t}
}

// join returns a program that has sent a worker's token.
func (s *stage) join(worker int) *program {
	s.t.Helper()
	token, _ := strings.CutPrefix(s.Admit(worker)[1], wire.TokenVariable+"=")
	p := s.dial()
	p.send(wire.AppendJoin(nil, os.Getpid(), token))
	p.expect(wire.Welcome, "")
	return p
}

func (p *program) send(frames []byte) {
	p.t.Helper()
	if _, err := p.Write(frames); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) say(kind wire.Kind, body string) { p.send(wire.Append(nil, kind, []byte(body))) }

func (p *program) expect(kind wire.Kind, body string) {
	p.t.Helper()
	have, text, err := wire.Read(p.in, wire.MaxBody)
	if have != kind || string(text) != body || err != nil {
		p.t.Fatalf("have frame %d %q, %v; want %d %q", have, text, err, kind, body)
	}
}

// closed expects the end of the line, after a frame with the reason.
func (p *program) closed() string {
	p.t.Helper()
	var why string
	for {
		kind, text, err := wire.Read(p.in, wire.MaxBody)
		if err != nil {
			if err != io.EOF && !strings.Contains(err.Error(), "reset") {
				p.t.Errorf("the line does not end: %v", err)
			}
			return why
		}
		if kind == wire.Refused {
			why = string(text)
		}
	}
}

func TestConversation(t *testing.T) {
	s := newStage(t)
	p := s.join(7)
	s.expect(Joined{7})
	p.say(wire.Ready, "")
	p.say(wire.Retire, "")
	p.say(wire.Heed, "")
	p.say(wire.Take, "")
	p.say(wire.TakeLess, "")
	p.say(wire.Finished, "")
	for _, want := range []Event{Ready{7}, Retires{7}, Heeds{7}, Takes{7, 1}, Takes{7, -1}, Finished{7}} {
		s.expect(want)
	}
	s.Drain(7)
	s.Reload(7)
	s.Message(7, 1, []byte(`{}`))
	s.Query(7, 2, true)
	p.expect(wire.Drain, "")
	p.expect(wire.Reload, "")
	p.expect(wire.Message, "\x00\x00\x00\x01{}")
	p.expect(wire.Query, "\x00\x00\x00\x02\x01")
	p.say(wire.Done, "\x00\x00\x00\x01")
	s.expect(Done{7, 1})
	p.say(wire.Status, "\x00\x00\x00\x02"+`{"text":"well"}`)
	s.expect(Answered{7, 2, &wire.State{Text: "well"}})
	if s.Drain(8) {
		t.Error("it talks to a worker that is not there")
	}
	p.Close()
	s.expect(Left{7})
	s.await(func([]Event) bool { return !s.Drain(7) })
}

// TestLastWords: the last messages of a worker before its end are received.
func TestLastWords(t *testing.T) {
	s := newStage(t)
	p := s.join(1)
	var frames []byte
	for i := range 100 {
		frames = wire.Append(frames, wire.Done, wire.Numbered(uint32(i), nil))
	}
	p.send(frames)
	p.Close()
	if !s.Forget(1) { // unless everything was read by now
		s.expect(Left{1})
	}
	s.expect(Done{1, 99})
	s.expect(Left{1})
}

func TestWhoIsTurnedAway(t *testing.T) {
	join := func(token string) []byte { return wire.AppendJoin(nil, 1, token) }
	for _, c := range []struct {
		name string
		send []byte
		want string
	}{
		{"garbage", []byte("GET / HTTP/1.1\r\n\r\n"), "another version"},
		{"no join", wire.Append(nil, wire.Ready, nil), "show no token"},
		{"wrong token", join("1.guessed"), "not that of a worker"},
		{"a number alone", join("1"), "not that of a worker"},
		{"nobody's token", join(""), "not that of a worker"},
		{"a long one", join(strings.Repeat("1", 1000)), "longer than it may be"},
		{"a second one", nil, "talks to us already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			token, _ := strings.CutPrefix(s.Admit(1)[1], wire.TokenVariable+"=")
			if c.send == nil {
				s.dial().send(join(token))
				s.expect(Joined{1})
				c.send = join(token)
			}
			p := s.dial()
			p.send(c.send)
			if why := p.closed(); !strings.Contains(why, c.want) {
				t.Errorf("have %q, want %q", why, c.want)
			}
			s.await(func(events []Event) bool {
				last, ok := events[len(events)-1].(Rejected)
				return ok && strings.Contains(last.Reason, c.want)
			})
		})
	}
}

// TestGarbage: garbage ends the line, and one event names the worker and the fault.
func TestGarbage(t *testing.T) {
	for name, c := range map[string]struct {
		send []byte
		want string
	}{
		"unknown kind":       {wire.Append(nil, 99, nil), "unknown kind 99"},
		"no JSON":            {wire.Append(nil, wire.Say, []byte("hello")), "JSON"},
		"a reply to nothing": {wire.Append(nil, wire.Reply, []byte("abc")), "too short"},
		"too long":           {[]byte{byte(wire.Say), wire.Version, 0xff, 0xff, 0xff, 0xff}, "longer than it may be"},
		"a status of junk":   {wire.Append(nil, wire.Status, wire.Numbered(1, []byte(`7`))), "status is none"},
		"another protocol":   {[]byte("HTTP/1.1 200 OK\r\n"), "another version"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			other := s.join(2)
			p := s.join(1)
			p.send(c.send)
			if why := p.closed(); !strings.Contains(why, c.want) {
				t.Errorf("have %q, want %q", why, c.want)
			}
			s.expect(Left{1})
			told := 0
			for _, e := range s.all() {
				if e, ok := e.(Rejected); ok {
					told++
					if !strings.HasPrefix(e.Reason, "worker 1: ") || !strings.Contains(e.Reason, c.want) {
						t.Errorf("have %q", e.Reason)
					}
				}
			}
			if told != 1 {
				t.Errorf("it is told %d times", told)
			}
			other.say(wire.Ready, "")
			s.expect(Ready{2})
		})
	}
}

// TestFlood: if a worker does not wait for Heard, nothing beyond the window is read; other workers are not affected.
func TestFlood(t *testing.T) {
	s := newStage(t)
	flood, other := s.join(1), s.join(2)
	var written sync.WaitGroup
	written.Go(func() { // ends when its line does
		frames := bytes.Repeat(wire.Append(nil, wire.Say, []byte(`"x"`)), 1000)
		for range 1000 {
			if _, err := flood.Write(frames); err != nil {
				return
			}
		}
		t.Error("a million messages were taken")
	})
	s.await(func([]Event) bool { return s.count() == wire.Window })
	for i := range 100 { // meanwhile the flood would get through
		other.say(wire.Done, string(wire.Numbered(uint32(i), nil)))
		s.expect(Done{2, uint32(i)})
	}
	if have := s.count(); have != wire.Window {
		t.Errorf("%d messages of the flood were taken without having been heard, want %d", have, wire.Window)
	}
	// Acknowledged at once, the messages come at their pace, and an event reports the throttling.
	s.listen()
	s.expect(Throttled{1})
	if have := s.count(); have < Pace {
		t.Errorf("it is throttled after %d messages, want %d", have, Pace)
	}
	other.say(wire.Ready, "")
	s.expect(Ready{2})
	for _, e := range s.all() {
		if _, ok := e.(Left); ok {
			t.Error("it was cut off")
		}
	}
	s.Close()
	written.Wait()
}

func last[E Event](events []Event) (found E) {
	for _, e := range events {
		if e, ok := e.(E); ok {
			found = e
		}
	}
	return found
}

func TestPace(t *testing.T) {
	start := time.Unix(1e9, 0)
	p := &pace{}
	for i := range Pace {
		if wait := p.next(start); wait != 0 {
			t.Fatalf("message %d waits for %v", i+1, wait)
		}
	}
	if wait := p.next(start); wait != evenly {
		t.Errorf("the one after waits for %v, want %v", wait, evenly)
	}
	if wait := p.next(start); wait != 2*evenly {
		t.Errorf("the next one waits for %v, want %v", wait, 2*evenly)
	}
	later := start.Add(time.Hour)
	if wait := p.next(later); wait != 0 {
		t.Errorf("after an hour: it waits for %v", wait)
	}
}

// TestWorkerThatDoesNotListen: unsent frames are limited, and nothing waits for the worker.
func TestWorkerThatDoesNotListen(t *testing.T) {
	s := newStage(t)
	s.join(1) // and reads nothing more
	message := []byte(`"` + strings.Repeat("x", 1<<19) + `"`)
	for i := 0; s.Message(1, uint32(i), message); i++ {
		if i > 100 {
			t.Fatal("50 MB are kept for it")
		}
	}
	s.expect(Left{1})
}

// TestStrangersAreFew: a crowd is refused, and each worker that may come makes room for one more.
func TestStrangersAreFew(t *testing.T) {
	s := newStage(t)
	const workers = 100
	for worker := range workers {
		s.Admit(worker)
	}
	for range maxStrangers + workers - 1 {
		s.dial()
	}
	s.join(1) // the last connection with room, so all earlier ones were let in
	if early := last[Rejected](s.all()); early != (Rejected{}) {
		t.Fatalf("a connection that has room is refused: %+v", early)
	}
	s.dial()
	s.dial()
	s.await(func(events []Event) bool {
		return strings.Contains(last[Rejected](events).Reason, "have not shown a token yet")
	})
}

// FuzzLine: every input from a program is understood or refused, and the exchange continues.
func FuzzLine(f *testing.F) {
	f.Add(wire.Append(nil, wire.Say, []byte(`{}`)))
	f.Add(wire.Append(wire.Append(nil, wire.Take, nil), wire.Done, []byte{0, 0, 0, 1}))
	f.Add(wire.Append(nil, wire.Status, []byte("\x00\x00\x00\x01null")))
	f.Fuzz(func(t *testing.T, in []byte) {
		here, there := net.Pipe()
		defer there.Close()
		events := 0
		x := &Exchange{events: func(e Event) {
			events++
			switch e := e.(type) {
			case Said:
				e.Heard()
			case Replied:
				e.Heard()
			}
		}}
		l := &line{worker: 1, conn: here, cut: make(chan struct{}), heard: make(chan struct{}, wire.Window),
			wake: make(chan struct{}, 1)}
		err := x.listen(l, bufio.NewReader(bytes.NewReader(in)))
		if err == nil || events > len(in) {
			t.Errorf("error %v, %d events", err, events)
		}
		l.hangUp()
	})
}
