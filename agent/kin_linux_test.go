package agent_test

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/agent/core"
	"hotreload/supervisor/host"
)

// TestPreforkLosesNothing: children that are the same program and listen by raw system calls hand over like a worker
// that listens itself. Accepted requests are answered, and so are requests waiting in a queue.
func TestPreforkLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name, sharing string
		loses         bool
	}{
		{"shared", "", false},
		{"control: each child keeps its own listener", "off", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(core.SharingVariable, c.sharing)
			address := freePort(t)
			s := newService(t, "prefork="+address)
			s.replace(true)
			l := run(4, raw(address))
			for i := range handovers {
				l.until(t, i+1)
				s.replace(true)
			}
			l.until(t, handovers+1)
			failures := l.end(t)
			if lost := failures > 0; lost != c.loses {
				t.Errorf("%d of %d requests failed", failures, l.requests)
			}
			if _, worker := l.servers[strconv.Itoa(s.current.cmd.Process.Pid)]; worker {
				t.Error("the worker has answered itself, and not its children")
			}
		})
	}
}

// TestQueueOfAReplacedListener: connections that wait on a replaced listener are served.
func TestQueueOfAReplacedListener(t *testing.T) {
	for _, c := range []struct {
		name, sharing string
		loses         bool
	}{
		{"taken", "", false},
		{"control: left in the queue", "full", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(core.SharingVariable, c.sharing)
			address := freePort(t)
			s := newService(t, "late="+address)
			both := []*process_{s.start(), s.start()}
			for _, p := range both {
				defer s.end(p)
				until(t, func() bool { return strings.Contains(p.out.String(), "listens") })
			}
			var conns []net.Conn
			for range 60 { // the kernel gives each connection to either listener
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(limit))
				conns = append(conns, conn)
			}
			for _, p := range both {
				_ = p.cmd.Process.Signal(syscall.SIGUSR1)
				s.await(host.Ready{Worker: p.worker})
			}
			servers, lost := map[string]int{}, 0
			for _, conn := range conns {
				line, err := bufio.NewReader(conn).ReadString('\n')
				if err != nil {
					lost++
					continue
				}
				servers[line]++
			}
			t.Logf("%d lost; who answered: %v", lost, servers)
			if (lost > 0) != c.loses {
				t.Errorf("%d of %d connections are lost", lost, len(conns))
			}
		})
	}
}

// TestTheSameProcessOnceMore: a worker that becomes the same program by execve is still the worker, and not its own
// kin.
func TestTheSameProcessOnceMore(t *testing.T) {
	address := freePort(t)
	s := newService(t, "twice="+address)
	s.replace(true)
	l := run(4, raw(address))
	for i := range 10 {
		l.until(t, i+1)
		s.replace(true)
	}
	l.until(t, 11)
	if failures := l.end(t); failures > 0 {
		t.Errorf("%d of %d requests failed", failures, l.requests)
	}
	pid := s.current.cmd.Process.Pid
	hellos := 0
	s.mu.Lock()
	for _, e := range s.events {
		if e == (host.Hello{Worker: s.current.worker, Pid: pid}) {
			hellos++
		}
	}
	s.mu.Unlock()
	if hellos != 2 {
		t.Errorf("it has said hello %d times, want before and after", hellos)
	}
}

// until waits for a condition that no event reports.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not become true")
		}
	}
}
