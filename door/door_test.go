package door

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// open opens a door in a folder with a short name, because names of sockets have a limit.
func open(t *testing.T, rules Rules) *Door {
	t.Helper()
	dir, err := os.MkdirTemp("", "door")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d, err := Open(filepath.Join(dir, "d"), rules)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Shut(); d.Wait() })
	return d
}

func enter(t *testing.T, d *Door) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", d.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// ends waits until the other side closes a connection.
func ends(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is open: %d bytes, %v", n, err)
	}
}

// greeter accepts clients with the word "hi", answers "welcome", and echoes the rest.
func greeter(d **Door) func(conn *net.UnixConn) {
	return func(conn *net.UnixConn) {
		word := make([]byte, 2)
		if _, err := io.ReadFull(conn, word); err != nil || string(word) != "hi" {
			return
		}
		(*d).Known(conn)
		_, _ = conn.Write([]byte("welcome"))
		_, _ = io.Copy(conn, conn)
	}
}

func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	have := make([]byte, len(want))
	if _, err := io.ReadFull(conn, have); err != nil || string(have) != want {
		t.Fatalf("have %q, %v, want %q", have, err, want)
	}
}

func TestStrangersAreFewAndHaveLittleTime(t *testing.T) {
	var d *Door
	crowded := make(chan bool, 100)
	d = open(t, Rules{Strangers: 2, Within: 300 * time.Millisecond, Meet: greeter(&d),
		Crowded: func() { crowded <- true }})
	d.Receive()
	known := enter(t, d)
	_, _ = known.Write([]byte("hi"))
	hear(t, known, "welcome")
	one, two := enter(t, d), enter(t, d)
	ends(t, enter(t, d))
	<-crowded
	ends(t, one) // the time limit is over
	ends(t, two)
	_, _ = known.Write([]byte("still here")) // the time limit does not apply to an identified client
	hear(t, known, "still here")
	next := enter(t, d) // and there is room again
	_, _ = next.Write([]byte("hi"))
	hear(t, next, "welcome")
}

func TestShutEndsStrangersAndWaitsForOthers(t *testing.T) {
	var d *Door
	d = open(t, Rules{Strangers: 9, Within: time.Hour, Meet: greeter(&d), Crowded: func() {}})
	d.Receive()
	known, stranger := enter(t, d), enter(t, d)
	_, _ = known.Write([]byte("hi"))
	hear(t, known, "welcome")
	_, _ = stranger.Write([]byte("h")) // greeter reads this byte, now or later
	d.Shut()
	ends(t, stranger)
	var waited atomic.Bool
	done := make(chan struct{})
	go func() {
		d.Wait()
		waited.Store(true)
		close(done)
	}()
	_, _ = known.Write([]byte("more"))
	hear(t, known, "more")
	if waited.Load() {
		t.Error("Wait did not wait for an identified connection")
	}
	known.Close()
	<-done
	if _, err := net.Dial("unix", d.Path()); err == nil {
		t.Error("the door is still open")
	}
}

func TestPeerOf(t *testing.T) {
	peers := make(chan Peer, 1)
	d := open(t, Rules{Strangers: 1, Within: time.Hour, Meet: func(conn *net.UnixConn) { peers <- PeerOf(conn) },
		Crowded: func() {}})
	d.Receive()
	enter(t, d)
	peer := <-peers
	if told := runtime.GOOS == "linux" || runtime.GOOS == "darwin"; peer.Known != told {
		t.Fatalf("the peer is known: %v, want %v", peer.Known, told)
	} else if !told {
		t.Skip("hotreload learns only on Linux and macOS which process is at the other end of a connection")
	}
	if peer.UID != os.Getuid() || peer.PID != os.Getpid() {
		t.Errorf("have %+v", peer)
	}
}

func TestUninvited(t *testing.T) {
	me := os.Getuid()
	for _, c := range []struct {
		name string
		peer Peer
		also []int
		in   bool
	}{
		{"we", Peer{Known: true, UID: me}, nil, true},
		{"root", Peer{Known: true, UID: 0}, nil, true},
		{"nobody knows who", Peer{UID: me + 1}, nil, true},
		{"another", Peer{Known: true, UID: me + 1}, nil, false},
		{"one who may as well", Peer{Known: true, UID: me + 1}, []int{me + 2, me + 1}, true},
		{"another than that", Peer{Known: true, UID: me + 1}, []int{me + 2}, false},
	} {
		if err := c.peer.Uninvited(c.also...); (err == nil) != c.in {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestToken(t *testing.T) {
	token := Token(17)
	if worker, ok := Claims(token); !ok || worker != 17 {
		t.Errorf("token %q has worker %d, %v", token, worker, ok)
	}
	if _, ok := Claims("no number"); ok {
		t.Error("a token without a number is accepted")
	}
	if !Same(token, strings.Clone(token)) || Same(token, Token(17)) || Same(token, token[:len(token)-1]) ||
		Same("", "") {
		t.Error("Same returns a wrong result")
	}
}

func TestFaulty(t *testing.T) {
	for _, c := range []struct {
		err    error
		faulty bool
	}{
		{io.EOF, false}, {net.ErrClosed, false}, {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		{syscall.ECONNRESET, false}, {errors.New("wrong message"), true}, {io.ErrUnexpectedEOF, true},
	} {
		if Faulty(c.err) != c.faulty {
			t.Errorf("%v: have %v", c.err, !c.faulty)
		}
	}
}
