//go:build linux

package agent_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/agent/core"
	"hotreload/supervisor/host"
)

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// kept is a client's lasting connection.
type kept struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func keep(t *testing.T, network, address string) *kept {
	t.Helper()
	conn, err := dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(limit)) // renewed by send
	return &kept{Conn: conn, t: t, in: bufio.NewReader(conn)}
}

// send sends a request. The answer may take until the limit, however old the connection is.
func (k *kept) send(text string) {
	k.t.Helper()
	_ = k.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(k, text); err != nil {
		k.t.Fatal(err)
	}
}

// answer is the text of the next answer, and whether the connection ends with this answer.
func (k *kept) answer() (text string, last bool) {
	k.t.Helper()
	answer, err := http.ReadResponse(k.in, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		k.t.Fatalf("%s %v", answer.Status, err)
	}
	return string(body), answer.Close
}

// expect asks, and wants the answer to come from this worker.
func (k *kept) expect(from *process_, wantLast bool) (text string) {
	k.t.Helper()
	k.send(get)
	return k.expectAnswer(from, wantLast)
}

func (k *kept) expectAnswer(from *process_, wantLast bool) (text string) {
	k.t.Helper()
	text, last := k.answer()
	if pid, _, _ := strings.Cut(text, " "); pid != fmt.Sprint(from.cmd.Process.Pid) || last != wantLast {
		k.t.Errorf("have an answer of %s, the last one: %v; want %d, %v", pid, last, from.cmd.Process.Pid, wantLast)
	}
	return text
}

// succeed starts a worker and has the previous worker drain until the line, but not exit.
func (s *service) succeed() (old, young *process_) {
	s.t.Helper()
	old = s.current
	young = s.startReady()
	s.drainOf(old)
	return old, young
}

func (s *service) startReady() *process_ {
	s.t.Helper()
	p := s.start()
	s.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	s.current = p
	s.await(host.Ready{Worker: p.worker})
	return p
}

func (s *service) drainOf(p *process_) {
	s.t.Helper()
	if !s.Drain(p.worker) {
		s.t.Fatal("there is no agent")
	}
	s.await(host.Released{Worker: p.worker})
	s.await(host.Moved{Worker: p.worker})
}

// TestIdleConnectionMoves: with a request between replacements and without, before the first one, and on a Unix socket.
func TestIdleConnectionMoves(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	tcp := freePort(t)
	for _, c := range []struct {
		name, arg, network, address string
		unused                      bool
	}{
		{"TCP", "http=" + tcp, "tcp", tcp, true},
		{"Unix", "unix-removed=" + path, "unix", path, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.arg)
			first := s.startReady()
			used, silent := keep(t, c.network, c.address), keep(t, c.network, c.address)
			used.expect(first, false)
			silent.expect(first, false)
			var unused *kept
			if c.unused {
				unused = keep(t, c.network, c.address)
			}
			for range 5 {
				old, young := s.succeed()
				used.expect(young, false)
				s.await(host.Quiet{Worker: old.worker})
			}
			silent.expect(s.current, false)
			if c.unused {
				unused.expect(s.current, false)
			}
		})
	}
}

// taken waits until the worker has read all bytes sent so far.
func (k *kept) taken() { k.t.Helper(); k.takenBut(0) }

// takenBut waits until the worker has read all bytes sent so far, but for the last n.
func (k *kept) takenBut(n int) {
	k.t.Helper()
	hex := func(address net.Addr) string {
		a := address.(*net.TCPAddr)
		ip := a.IP.To4()
		return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
	}
	row := hex(k.RemoteAddr()) + " " + hex(k.LocalAddr()) + " 01 "
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			k.t.Fatal(err)
		}
		// local remote state sent:unread
		_, rest, there := strings.Cut(string(table), row)
		if there && strings.HasPrefix(rest, fmt.Sprintf("00000000:%08X ", n)) {
			return
		}
		if time.Now().After(end) {
			k.t.Fatalf("the worker does not read:\n%s", table)
		}
	}
}

// TestRequestAfterALateAnswer: a client has the whole answer, but the handler runs on while the worker drains, and the
// server has read the first byte of the next request. The new worker answers. In the control, without the relay, the
// old one does.
func TestRequestAfterALateAnswer(t *testing.T) {
	for _, relayed := range []bool{true, false} {
		t.Run(fmt.Sprint("relayed ", relayed), func(t *testing.T) {
			if !relayed {
				t.Setenv(core.MovingVariable, "unrelayed")
			}
			address := freePort(t)
			s := newService(t, "http="+address)
			first := s.startReady()
			k := keep(t, "tcp", address)
			end := filepath.Join(t.TempDir(), "end")
			k.send("GET /?after=" + end + " HTTP/1.1\r\nHost: x\r\n\r\n")
			k.expectAnswer(first, false)
			old, young := s.succeed()
			k.send(post)
			k.takenBut(len(post) - 1)
			if err := os.WriteFile(end, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if !relayed {
				young = first
			}
			k.expectAnswer(young, true)
			s.await(host.Quiet{Worker: old.worker})
		})
	}
}

// TestRequestThatHasBegunStays: the old worker has got a part of the request, in one of several ways.
func TestRequestThatHasBegunStays(t *testing.T) {
	const one, half = 1, 8
	for _, c := range []struct {
		name  string
		sent  int
		begin func(k *kept, first *process_)
	}{
		{"a byte", one, func(k *kept, first *process_) { k.expect(first, false); k.send(get[:one]) }},
		{"half a head", half, func(k *kept, first *process_) { k.expect(first, false); k.send(get[:half]) }},
		{"a byte on a new connection", one, func(k *kept, _ *process_) { k.send(get[:one]) }},
		{"half a head on a new connection", half, func(k *kept, _ *process_) { k.send(get[:half]) }},
		{"a byte behind another request", one, func(k *kept, first *process_) {
			k.send(get + get[:one])
			k.expectAnswer(first, false)
		}},
		{"half a head behind another request", half, func(k *kept, first *process_) {
			k.send(get + get[:half])
			k.expectAnswer(first, false)
		}},
		{"a byte while another request is answered", one, func(k *kept, first *process_) {
			file := filepath.Join(k.t.TempDir(), "go")
			k.send("GET /?until=" + file + " HTTP/1.1\r\nHost: x\r\n\r\n")
			k.taken()
			k.send(get[:one]) // net/http reads on while the handler works
			k.taken()
			touch(k.t, file)
			k.expectAnswer(first, false)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, "http="+tcp)
			first := s.startReady()
			k := keep(t, "tcp", tcp)
			c.begin(k, first)
			k.taken()
			s.succeed()
			k.send(get[c.sent:])
			k.expectAnswer(first, true)
			keep(t, "tcp", tcp).expect(s.current, false)
		})
	}
}

func touch(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLongRequest: the line does not wait for a long request. If the answer had begun before the drain, the
// connection moves after the answer; otherwise the answer ends the connection.
func TestLongRequest(t *testing.T) {
	for _, begun := range []bool{true, false} {
		t.Run(fmt.Sprint("the answer had begun: ", begun), func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, "http="+tcp)
			first := s.startReady()
			k := keep(t, "tcp", tcp)
			file := filepath.Join(t.TempDir(), "go")
			query := "until=" + file
			if begun {
				query += "&begin=1"
			}
			k.send("GET /?" + query + " HTTP/1.1\r\nHost: x\r\n\r\n")
			if begun {
				if _, err := k.in.Peek(1); err != nil {
					t.Fatal(err)
				}
			}
			k.taken()
			_, young := s.succeed()
			touch(t, file)
			k.expectAnswer(first, !begun)
			if begun {
				s.await(host.Quiet{Worker: first.worker}) // otherwise a client that asks at once may reach the old worker
				k.expect(young, false)
			}
		})
	}
}

// TestLimitsOfAMovedConnection: the limits of a request begin with the request, and the limits between requests hold.
func TestLimitsOfAMovedConnection(t *testing.T) {
	tcp := freePort(t)
	s := newService(t, "head="+tcp)
	first := s.startReady()
	k := keep(t, "tcp", tcp)
	k.expect(first, false)
	_, young := s.succeed()
	time.Sleep(500 * time.Millisecond) // more than the server's limit for a head
	k.expect(young, false)

	tcp = freePort(t)
	s = newService(t, "idle="+tcp)
	first = s.startReady()
	k = keep(t, "tcp", tcp)
	k.expect(first, false)
	s.succeed()
	if _, err := k.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("have %v, want that the server closes", err)
	}
}

// TestOwnFunctionsOfAServer: a server's own functions are called for moved connections as for accepted connections,
// and Shutdown ends moved connections, too.
func TestOwnFunctionsOfAServer(t *testing.T) {
	tcp := freePort(t)
	s := newService(t, "own="+tcp)
	first := s.startReady()
	one, two := keep(t, "tcp", tcp), keep(t, "tcp", tcp)
	one.expect(first, false)
	two.expect(first, false)
	_, young := s.succeed()
	for i, k := range []*kept{one, two} {
		want := fmt.Sprintf("%d open=%d listener=%s number=%d from=%s cancelled=false", young.cmd.Process.Pid, i+1, tcp,
			i+1, k.LocalAddr())
		if have := k.expect(young, false); have != want {
			t.Errorf("have %q\nwant %q", have, want)
		}
	}
	two.send("GET /hijack HTTP/1.1\r\nHost: x\r\n\r\nhello\n")
	for _, line := range []string{"hello\n", "again\n"} {
		if have, err := two.in.ReadString('\n'); have != line || err != nil {
			t.Errorf("have %q, %v; want %q", have, err, line)
		}
		two.send("again\n")
	}
	two.Close()
	silent := keep(t, "tcp", tcp)
	silent.expect(young, false)
	_, young = s.succeed()
	one.expect(young, false) // silent waits, and the server has not heard of silent yet
	one.send("GET /stop HTTP/1.1\r\nHost: x\r\n\r\n")
	one.answer()
	if _, err := silent.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("have %v, want that the server closes", err)
	}
	for end := time.Now().Add(limit); !strings.Contains(young.out.String(), "shut down"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("Shutdown does not return")
		}
	}
}

// isStopped reports whether all threads of a process are stopped. A signal does not stop a process at once.
func isStopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if _, state, _ := strings.Cut(string(text), ") "); err != nil || !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// TestNobodyTakesTheConnection: the connection stays, and the old worker answers its next request, once.
func TestNobodyTakesTheConnection(t *testing.T) {
	for _, c := range []struct {
		name   string
		arg    string                                          // the address follows; "": no new worker
		before func(t *testing.T, tcp string, young *process_) // the old worker drains
		after  func(young *process_)
	}{
		{"the new one serves elsewhere", "elsewhere", nil, nil},
		{"the new one has stopped", "own=", func(t *testing.T, tcp string, young *process_) {
			var k *kept // beside the old worker, the new one gets some of all connections
			for text := ""; !strings.HasPrefix(text, fmt.Sprint(young.cmd.Process.Pid, " ")); text, _ = k.answer() {
				if k != nil {
					k.Close()
				}
				k = keep(t, "tcp", tcp)
				k.send(get)
			}
			k.send("GET /stop HTTP/1.1\r\nHost: x\r\n\r\n")
			k.answer()
			for end := time.Now().Add(limit); !strings.Contains(young.out.String(), "shut down"); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("Shutdown does not return")
				}
			}
		}, nil},
		{"the new one is stopped", "http=", func(t *testing.T, _ string, young *process_) {
			_ = young.cmd.Process.Signal(syscall.SIGSTOP)
			for end := time.Now().Add(limit); !isStopped(t, young.cmd.Process.Pid); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the new worker does not stop")
				}
			}
		}, func(young *process_) {
			_ = young.cmd.Process.Signal(syscall.SIGCONT)
		}},
		{"there is none", "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, "http="+tcp)
			first := s.startReady()
			one, two := keep(t, "tcp", tcp), keep(t, "tcp", tcp)
			one.expect(first, false)
			two.expect(first, false)
			var young *process_
			switch c.arg {
			case "":
			case "elsewhere":
				s.args = []string{"http=" + freePort(t)}
				young = s.startReady()
			default:
				s.args = []string{c.arg + tcp}
				young = s.startReady()
			}
			if c.before != nil {
				c.before(t, tcp, young)
			}
			s.drainOf(first)
			one.expect(first, true)
			if c.after != nil {
				c.after(young)
			}
			two.expect(first, true)
			s.await(host.Quiet{Worker: first.worker})
		})
	}
}

// TestEachConnectionToItsServer: a program has several servers, and each connection moves to the same server.
func TestEachConnectionToItsServer(t *testing.T) {
	a, b, c := freePort(t), freePort(t), freePort(t)
	s := newService(t, "http="+a, "own="+b, "own="+c)
	first := s.startReady()
	var all []*kept
	for _, address := range []string{a, b, c} {
		listening(t, "tcp", address)
		k := keep(t, "tcp", address)
		k.expect(first, false)
		all = append(all, k)
	}
	for range 3 {
		_, young := s.succeed()
		for i, address := range []string{"", "listener=" + b, "listener=" + c} {
			if have := all[i].expect(young, false); !strings.Contains(have, address) {
				t.Errorf("have %q, want %s", have, address)
			}
		}
	}
}

// TestManyConnectionsMove: all new workers get connections, and the old worker has none left.
func TestManyConnectionsMove(t *testing.T) {
	const many = 500
	tcp := freePort(t)
	s := newService(t, "http="+tcp)
	first := s.startReady()
	var all []*kept
	for i := range many {
		k := keep(t, "tcp", tcp)
		if i%2 == 0 {
			k.expect(first, false)
		}
		all = append(all, k)
	}
	s.generation = 2
	young := []*process_{s.startReady(), s.startReady()}
	s.drainOf(first)
	s.await(host.Quiet{Worker: first.worker})
	answers := map[string]int{}
	for _, k := range all {
		k.send(get)
		text, _ := k.answer()
		pid, _, _ := strings.Cut(text, " ")
		answers[pid]++
	}
	for _, p := range young {
		if have := answers[fmt.Sprint(p.cmd.Process.Pid)]; have != many/2 {
			t.Errorf("worker %d has answered %d times, want %d", p.worker, have, many/2)
		}
	}
}
