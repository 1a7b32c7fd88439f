//go:build linux || darwin

package agent_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/supervisor/host"
)

// freePort returns an address free at the moment.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// handovers is how often each test replaces the worker; HOTRELOAD_TEST_HANDOVERS overrides the number.
var handovers = func() int {
	if n, err := strconv.Atoi(os.Getenv("HOTRELOAD_TEST_HANDOVERS")); err == nil {
		return n
	}
	return 20
}()

func TestNoRequestIsLost(t *testing.T) {
	type client = func() (func() (string, error), func())
	unix := shortDir(t)
	tcp := freePort(t)
	for _, c := range []struct {
		name, arg string
		clients   int
		client    client
	}{
		{"POST, keep-alive", "http=" + tcp, 16, keepAlive("tcp", tcp, post, 0)},
		{"POST, keep-alive, thinking", "http=" + tcp, 16, keepAlive("tcp", tcp, post, 3*time.Millisecond)},
		{"GET, a connection each", "http=" + tcp, 16, keepAlive("tcp", tcp, closing, 0)},
		{"POST of a MiB", "http=" + tcp, 4, keepAlive("tcp", tcp, mebibyte, 0)},
		{"POST of a byte now and then", "http=" + tcp, 16, slow(tcp)},
		{"HTTP/2 over TLS", "tls=" + tcp, 8, http2("https", tcp)},
		{"HTTP/2 in the clear", "h2c=" + tcp, 8, http2("http", tcp)},
		{"HTTP/2, many streams", "tls=" + tcp, 32, together(http2("https", tcp))},
		{"raw TCP, new connections", "raw=" + tcp, 8, raw(tcp)},
		{"Unix socket, keep-alive", "unix=" + unix + "/s", 8, keepAlive("unix", unix+"/s", post, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.arg)
			s.replace(true)
			l := run(c.clients, c.client)
			for i := range handovers {
				l.until(t, i+1)
				s.replace(true)
			}
			l.until(t, handovers+1)
			failures := l.end(t)
			if strings.HasPrefix(c.arg, "unix") {
				// While a path is missing, new connections may fail; others must not.
				for _, failure := range l.failures {
					if strings.HasPrefix(failure, "connect: ") {
						failures--
					}
				}
			}
			if failures > 0 {
				t.Errorf("%d of %d requests failed", failures, l.requests)
			}
		})
	}
}

// TestIdleClientsOfHTTP2Move: an idle client sends its next request to the new worker after the replacement.
func TestIdleClientsOfHTTP2Move(t *testing.T) {
	for scheme, kind := range map[string]string{"https": "tls", "http": "h2c"} {
		t.Run(kind, func(t *testing.T) {
			tcp := freePort(t)
			s := newService(t, kind+"="+tcp)
			s.replace(true)
			idleClientsMove(t, s, scheme, tcp, true)
		})
	}
}

// idleClientsMove replaces the worker while an HTTP/2 client is idle. The client then has to move, or cannot.
func idleClientsMove(t *testing.T, s *service, scheme, address string, want bool) {
	t.Helper()
	once, end := http2(scheme, address)()
	defer end()
	var left []*process_
	for range 5 {
		before, err := once()
		if err != nil {
			t.Fatal(err)
		}
		old := s.current
		p := s.start()
		s.await(host.Ready{Worker: p.worker})
		s.Drain(old.worker)
		s.await(host.Released{Worker: old.worker})
		s.current = p
		after, err := once()
		if err != nil {
			t.Fatal(err)
		}
		if have := after != before; have != want {
			t.Errorf("the next request is answered by pid %s, the last was by %s; want another: %v", after, before, want)
		}
		left = append(left, old)
	}
	for _, old := range left {
		s.await(host.Quiet{Worker: old.worker}) // otherwise clients of another load wait for the old worker's answers
		s.end(old)
	}
}

// TestWithoutDrainRequestsAreLost is the control: without the drain, TestNoRequestIsLost would measure a loss.
func TestWithoutDrainRequestsAreLost(t *testing.T) {
	tcp := freePort(t)
	s := newService(t, "http="+tcp)
	s.replace(true)
	l := run(16, keepAlive("tcp", tcp, post, 0))
	for i := range 5 {
		l.until(t, i+1)
		s.replace(false)
	}
	if l.end(t) == 0 {
		t.Error("no request was lost")
	}
}

func TestUnixPathThatTheProgramRemoves(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	s := newService(t, "unix-removed="+path)
	s.replace(true)
	l := run(4, keepAlive("unix", path, closing, 0))
	for i := range handovers {
		l.until(t, i+1)
		s.replace(true)
	}
	l.until(t, handovers+1)
	l.end(t)
	for _, failure := range l.failures {
		if !strings.HasPrefix(failure, "connect: ") {
			t.Error("an accepted connection failed: " + failure)
		}
	}
	s.end(s.current)
	s.current = nil
	s.Close()
	s.sockets.Close()
	if left, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if left, _ := filepath.Glob(filepath.Dir(path) + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestPortZeroStays(t *testing.T) {
	s := newService(t, "print=127.0.0.1:0", "print=127.0.0.1:0")
	seen := map[string]bool{}
	for range 4 {
		s.replace(true)
		for end := time.Now().Add(limit); strings.Count(s.current.out.String(), "listens") < 2; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("output %q", s.current.out)
			}
		}
		for _, line := range strings.Split(strings.TrimSpace(s.current.out.String()), "\n") {
			seen[line] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("have %v, want two addresses", seen)
	}
}

func TestSeveralListeners(t *testing.T) {
	a, b, c := freePort(t), freePort(t), filepath.Join(shortDir(t), "s")
	_, port, _ := net.SplitHostPort(freePort(t))
	s := newService(t, "http="+a, "raw="+b, "unix="+c, "http=:"+port, "tcp4=0.0.0.0:0", "tcp6=[::1]:0")
	s.replace(true)
	for _, address := range [][2]string{{"tcp", a}, {"tcp", b}, {"unix", c}, {"tcp", "127.0.0.1:" + port}} {
		listening(t, address[0], address[1]) // in a first generation, ready means the first accept
	}
	all := []*load{
		run(2, keepAlive("tcp", a, post, 0)), run(2, raw(b)), run(2, keepAlive("unix", c, post, 0)),
		run(2, keepAlive("tcp", "127.0.0.1:"+port, post, 0)), run(2, keepAlive("tcp", "[::1]:"+port, post, 0)),
	}
	for i := range 5 {
		for _, l := range all {
			l.until(t, i+1)
		}
		s.replace(true)
	}
	for i, l := range all {
		l.until(t, 6)
		if l.end(t) > 0 && i != 2 {
			t.Errorf("load %d has failures", i)
		}
	}
}

// listening waits until there is a listener.
func listening(t testing.TB, network, address string) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial(network, address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestBindErrors: the program gets the same error as without hotreload.
func TestBindErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other := newService(t, "http="+freePort(t))
	other.replace(true)
	twice := freePort(t)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"taken by a stranger", []string{"http=" + taken.Addr().String()}, "address already in use"},
		{"taken by a worker of another hotreload", other.args, "address already in use"},
		{"asked for twice", []string{"http=" + twice, "http=" + twice}, "address already in use"},
		{"not here", []string{"http=192.0.2.1:80"}, "cannot assign requested address"},
		{"no folder", []string{"unix=/nowhere/at/all"}, "no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.args...)
			p := s.start()
			select {
			case <-p.done:
			case <-time.After(limit):
				_ = p.cmd.Process.Kill()
				t.Fatalf("it runs on; events %v", s.heard())
			}
			if text := p.out.String(); !strings.Contains(text, c.want) {
				t.Errorf("have %q, want %q", text, c.want)
			}
			s.await(host.Gone{Worker: p.worker})
		})
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	s := newService(t, "http="+freePort(t))
	s.replace(true)
	if text := s.current.out.String(); text != "" {
		t.Errorf("have %q, want nothing", text)
	}
}

// busy waits until the worker answers n requests, as counted by its agent.
func (s *service) busy(n uint64) {
	s.t.Helper()
	var counts host.Counts
	for id, end := uint32(1000), time.Now().Add(limit); counts.Known.InFlight < n; id++ {
		if time.Now().After(end) || !s.Count(s.current.worker, id) {
			s.t.Fatalf("it does not answer %d requests, but %+v", n, counts)
		}
		s.awaitThat(func(events []host.Event) bool {
			i := slices.IndexFunc(events, func(e host.Event) bool { c, is := e.(host.Counts); return is && c.ID == id })
			if i >= 0 {
				counts = events[i].(host.Counts)
			}
			return i >= 0
		})
	}
}

// TestAloneItLeaves: a worker whose supervisor is gone finishes its requests and exits.
func TestAloneItLeaves(t *testing.T) {
	tcp := freePort(t)
	s := newService(t, "http="+tcp)
	s.replace(true)
	answered := make(chan error, 1)
	once, end := keepAlive("tcp", tcp, "GET /?wait=300ms HTTP/1.1\r\nHost: x\r\n\r\n", 0)()
	defer end()
	go func() {
		_, err := once()
		answered <- err
	}()
	s.busy(1)
	s.Close()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	select {
	case <-s.current.done:
	case <-time.After(limit):
		t.Error("it runs on")
	}
}

// TestGoneListenerEnds: a listener that no worker wants any more is closed.
func TestGoneListenerEnds(t *testing.T) {
	a, b := freePort(t), freePort(t)
	s := newService(t, "http="+a)
	s.replace(true)
	s.args = []string{"http=" + b}
	s.replace(true)
	if conn, err := net.Dial("tcp", a); err == nil {
		conn.Close()
		t.Errorf("%s still listens: %v", a, s.sockets.Addresses())
	}
}

// TestWorkersBindOnePath: several workers of one generation listen on the same path, and each one succeeds.
func TestWorkersBindOnePath(t *testing.T) {
	for _, kind := range []string{"unix", "unix-removed"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "s")
			s := newService(t, kind+"="+path)
			for range 5 {
				var together []*process_
				for range 3 {
					together = append(together, s.start())
				}
				for _, p := range together {
					if !s.awaitFor(host.Ready{Worker: p.worker}, limit) {
						t.Fatalf("worker %d is not ready: %s; events %s", p.worker, p.out, s.heard())
					}
				}
				l := run(2, keepAlive("unix", path, closing, 0))
				l.until(t, 2)
				if l.end(t) > 0 {
					t.Error("a request failed while nothing was replaced")
				}
				for _, p := range together {
					s.end(p)
				}
			}
		})
	}
}

// TestHowLongAPathLeadsNowhere measures the gap of Unix paths for docs/promises.md: how long connections are refused
// while a worker takes its path. The test fails if connections are refused for another reason.
func TestHowLongAPathLeadsNowhere(t *testing.T) {
	for _, kind := range []string{"unix", "unix-removed"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "s")
			s := newService(t, kind+"="+path)
			s.replace(true)
			stop, gaps := make(chan struct{}), make(chan []time.Duration)
			go func() { // ends with stop
				var all []time.Duration
				var since time.Time
				for {
					select {
					case <-stop:
						gaps <- all
						return
					default:
					}
					began := time.Now()
					conn, err := net.Dial("unix", path)
					switch {
					case err == nil:
						conn.Close()
						if !since.IsZero() {
							all, since = append(all, time.Since(since)), time.Time{}
						}
					case errors.Is(err, syscall.EAGAIN): // the queue is full of our own connections
					case !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED):
						t.Errorf("another error: %v", err)
						gaps <- all
						return
					case since.IsZero():
						since = began
					}
					time.Sleep(20 * time.Microsecond) // the worker needs the processor, too
				}
			}()
			for range handovers {
				s.replace(true)
			}
			close(stop)
			all := <-gaps
			slices.Sort(all)
			if len(all) == 0 {
				t.Logf("in %d replacements nobody was turned away", handovers)
				return
			}
			t.Logf("in %d replacements callers were turned away %d times, for %s (median) and at most %s",
				handovers, len(all), all[len(all)/2], all[len(all)-1])
		})
	}
}
