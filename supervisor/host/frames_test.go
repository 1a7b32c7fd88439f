//go:build linux || darwin

package host

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotreload/agent/protocol"
)

// pair is two ends of a connection.
func pair(t *testing.T) (ours, theirs *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr") // short: a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, "s")})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	theirs, err = net.DialUnix("unix", nil, listener.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	if ours, err = listener.AcceptUnix(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	return ours, theirs
}

// TestSendDoesNotLookAtTheClock: a frame with room in the queue is written after the deadline, too, as for a process
// that the machine has kept waiting.
func TestSendDoesNotLookAtTheClock(t *testing.T) {
	ours, theirs := pair(t)
	if err := ours.SetWriteDeadline(time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := send(ours, protocol.Drain, nil, -1); err != nil {
		t.Fatal(err)
	}
	if kind, _, err := newReader(theirs).next(); kind != protocol.Drain || err != nil {
		t.Fatalf("have %v (%v), want %v", kind, err, protocol.Drain)
	}
}

// TestSendToWhoDoesNotRead: the end comes soon, and only whole frames were written.
func TestSendToWhoDoesNotRead(t *testing.T) {
	ours, theirs := pair(t)
	body := make([]byte, 100)
	sent := 0
	var err error
	for ; err == nil && sent < 1<<20; sent++ {
		err = send(ours, protocol.Refused, body, -1)
	}
	sent-- // the last frame was not sent
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("after %d frames: %v, want %v", sent, err, os.ErrDeadlineExceeded)
	}
	ours.Close()
	in := newReader(theirs)
	for read := 0; ; read++ {
		kind, got, err := in.next()
		if read == sent {
			if err == nil {
				t.Errorf("more than %d frames", sent)
			}
			return
		}
		if err != nil || kind != protocol.Refused || len(got) != len(body) {
			t.Fatalf("frame %d of %d: kind %d, %d bytes (%v)", read, sent, kind, len(got), err)
		}
	}
}
