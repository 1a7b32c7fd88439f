//go:build linux || darwin

package supervisor

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/bench/load"
)

// takes is a net.Listener for the connections that a BrowserHook receives.
type takes struct {
	came chan net.Conn
	over chan struct{}
	once sync.Once
}

func (l *takes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.came:
		return conn, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *takes) Close() error {
	l.once.Do(func() { close(l.over) })
	return nil
}

func (l *takes) Addr() net.Addr { return &net.TCPAddr{} }

// TestBrowsersUnderLoad: event streams of three browsers stay open while the program is replaced again and again under
// the load of other clients, of which no request is lost and none is answered by old code; and when the worker is
// killed. Nothing is left behind.
func TestBrowsersUnderLoad(t *testing.T) {
	const key = "0123456789abcdef"
	l := &takes{came: make(chan net.Conn, 100), over: make(chan struct{})}
	var mu sync.Mutex // guards streams
	var streams []chan string
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		texts := make(chan string, 10)
		texts <- "begun"
		mu.Lock()
		streams = append(streams, texts)
		mu.Unlock()
		for {
			select {
			case text := <-texts:
				fmt.Fprintln(w, text)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})}
	served := make(chan struct{})
	go func() { // ends with server.Close
		defer close(served)
		_ = server.Serve(l)
	}()
	o := load.Options{Network: "tcp", Address: freePort(t)}
	plan := build(t, "unchanged", true)
	s := start(t, Config{
		Name: plan.Path, Args: []string{"http", o.Address, "bare"}, Agents: true, Policy: Policy{Grace: 2 * time.Second},
		Browser: &BrowserHook{
			Key:   key,
			Pages: func(int) Pages { return Pages{Tag: "<script ></script>", Cache: CacheRevalidate} },
			Take:  func(conn net.Conn) { l.came <- conn },
		},
	})
	await(s, serving(s.replaceWith(plan)))
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	var all []*bufio.Reader
	for range 3 {
		conn, err := net.Dial("tcp", o.Address)
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(10*limit)))
		fmt.Fprintf(conn, "GET /.hotreload/%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n", key)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		all = append(all, bufio.NewReader(answer.Body))
	}
	// hear waits for a text on each stream.
	hear := func(want string) {
		t.Helper()
		for i, in := range all {
			if have, err := in.ReadString('\n'); have != want+"\n" {
				t.Fatalf("stream %d: have %q, %v, want %q", i, have, err, want)
			}
		}
	}
	hear("begun")
	tell := func(text string) {
		t.Helper()
		mu.Lock()
		for _, texts := range streams {
			texts <- text
		}
		mu.Unlock()
		hear(text)
	}
	report := unchangedUnderLoad(t, s, plan, size(3, 100), true, o)
	if lost := report.All.Lost(); lost > 0 {
		t.Errorf("%d of %d requests are lost", lost, report.All.Requests)
	}
	tell("replaced")
	s.nothingForced()
	if pids := s.Signal(syscall.SIGKILL, AllSlots); len(pids) != 1 {
		t.Fatalf("have workers %v", pids)
	}
	await(s, func(Exited) bool { return true })
	tell("killed")
}

func TestNamesOfThisMachine(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"box", nil, []string{"box", "box.local"}},
		{"box.example.org", nil, []string{"box.example.org", "box", "box.local"}},
		{"", nil, nil},
		{"", errors.New("none"), nil},
	} {
		if have := machineNames(c.name, c.err); !slices.Equal(have, c.want) {
			t.Errorf("%q: have %q, want %q", c.name, have, c.want)
		}
	}
}
