package host

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestBrowserWaitsThroughManyAttendants: a connection is open, and no worker serves. Between two attendants a worker
// starts and exits before it accepts. The request, which arrives only then, is answered by the second attendant.
// Another connection waits for a worker, which gets the connection.
func TestBrowserWaitsThroughManyAttendants(t *testing.T) {
	s := newStage(t)
	one := s.join(1)
	fd := bound(t, 0)
	_, id, _ := one.ask(fd, "")
	addr := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: portOf(t, fd)}
	connect := func() *net.TCPConn {
		t.Helper()
		conn, err := net.DialTCP("tcp", nil, &addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(limit))
		return conn
	}
	waiting := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.waiting[id])
	}
	judge := func(first []byte) Verdict {
		if bytes.HasPrefix(first, []byte("browser")) {
			return Answer
		}
		return Wait
	}
	answer := func(conn net.Conn) {
		defer conn.Close()
		_, _ = io.Copy(conn, io.LimitReader(conn, int64(len("browser"))))
	}
	browser, client := connect(), connect()
	for range 3 {
		attendant := s.Attend(judge, answer, false)
		accepted := 0
		for end := time.Now().Add(limit); accepted < 2 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			attendant.mu.Lock()
			accepted = len(attendant.waiting)
			attendant.mu.Unlock()
		}
		if accepted < 2 {
			t.Fatalf("the attendant has %d connections, want 2", accepted)
		}
		attendant.Leave()
		if n := waiting(); n != 2 {
			t.Fatalf("%d connections wait for a worker, want 2", n)
		}
	}
	for text, conn := range map[string]*net.TCPConn{"browser": browser, "client": client} {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	attendant := s.Attend(judge, answer, false)
	text, err := io.ReadAll(browser)
	if err != nil || string(text) != "browser" {
		t.Errorf("the browser gets %q, %v", text, err)
	}
	attendant.Leave()
	if n := waiting(); n != 1 {
		t.Errorf("%d connections wait for a worker, want the client's", n)
	}
}

// TestAttendantAtKeptListeners: connections to a listener of --listen are attended if workers ask for the listener, or
// if nobody knows yet. In the second case, Requeue gives them to a worker that accepts by itself.
func TestAttendantAtKeptListeners(t *testing.T) {
	s := newStage(t)
	kept, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if err := s.sockets.Keep(kept); err != nil {
		t.Fatal(err)
	}
	wait := func([]byte) Verdict { return Wait }
	attended := func(unasked bool) int {
		t.Helper()
		a := s.Attend(wait, nil, unasked)
		defer a.Leave()
		return len(a.listeners)
	}
	if n := attended(false); n != 0 {
		t.Errorf("before a worker asks, %d listeners are attended, want none", n)
	}
	if n := attended(true); n != 1 {
		t.Errorf("with unasked, %d listeners are attended, want 1", n)
	}

	client, err := net.DialTCP("tcp", nil, kept.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(limit))
	a := s.Attend(wait, nil, true)
	eventually := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(limit); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	eventually("the attendant has no connection", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.waiting) == 1
	})
	a.Leave()
	s.Requeue()
	_ = kept.SetDeadline(time.Now().Add(limit))
	worker, err := kept.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "request"); err != nil || client.CloseWrite() != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(worker); string(text) != "request" || err != nil {
		t.Errorf("the worker gets %q, %v", text, err)
	}
	_, err = io.WriteString(worker, "answer")
	worker.Close()
	if text, err2 := io.ReadAll(client); string(text) != "answer" || err != nil || err2 != nil {
		t.Errorf("the client gets %q, %v, %v", text, err, err2)
	}
	eventually("the relay does not end", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.relays) == 0
	})

	one := s.join(1)
	inherited, err := kept.File()
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	errno, id, _ := one.ask(int(inherited.Fd()), "")
	if errno != syscall.EALREADY || id == 0 {
		t.Fatalf("a worker that asks for what it has inherited gets %v and the id %d, want EALREADY and an id", errno, id)
	}
	if n := attended(false); n != 1 {
		t.Errorf("after a worker has asked, %d listeners are attended, want 1", n)
	}
}
