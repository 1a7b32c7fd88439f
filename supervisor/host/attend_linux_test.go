package host

import (
	"bytes"
	"io"
	"net"
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
		attendant := s.Attend(judge, answer)
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
	attendant := s.Attend(judge, answer)
	text, err := io.ReadAll(browser)
	if err != nil || string(text) != "browser" {
		t.Errorf("the browser gets %q, %v", text, err)
	}
	attendant.Leave()
	if n := waiting(); n != 1 {
		t.Errorf("%d connections wait for a worker, want the client's", n)
	}
}
