package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestFramesAreFollowed: the same ends of frames are found, wherever the bytes are cut.
func TestFramesAreFollowed(t *testing.T) {
	var all []byte
	var ends []int
	for _, one := range []struct {
		bytes []byte
		free  bool // another frame may follow
	}{
		{frame(settingsFrame, 0), true},
		{frame(pingFrame, flagAck, stamp[:]...), true},
		{frame(headersFrame, 0, 1, 2, 3), false},
		{frame(continuation, 0, 4), false},
		{frame(continuation, flagEndHeaders, 5), true},
		{frame(0, 0, make([]byte, 70_000)...), true},
		{frame(headersFrame, flagEndHeaders, 6), true},
	} {
		all = append(all, one.bytes...)
		if one.free {
			ends = append(ends, len(all))
		}
	}
	for _, size := range []int{1, 2, 8, 9, 10, 17, 4096, len(all)} {
		var f frames
		var have []int
		pings := 0
		for at := 0; at < len(all); {
			piece := all[at:]
			if len(piece) > size {
				piece = piece[:size]
			}
			for len(piece) > 0 {
				n, ended := f.follow(piece)
				at += n
				piece = piece[n:]
				if ended && f.between() {
					have = append(have, at)
				}
				if ended && f.kind() == pingFrame && f.payload == stamp {
					pings++
				}
			}
		}
		if fmt.Sprint(have) != fmt.Sprint(ends) || pings != 1 {
			t.Errorf("in pieces of %d: have ends %v and %d pings, want %v and 1", size, have, pings, ends)
		}
	}
}

// gatedServer serves HTTP/2 with a gate, over TLS or in the clear.
type gatedServer struct {
	*httptest.Server
	draining  atomic.Bool
	overtaken atomic.Bool // of streamsLost
	client    *http.Client
}

func newGatedServer(t *testing.T, overTLS bool, handler http.HandlerFunc, change func(*http.Server)) *gatedServer {
	t.Helper()
	reset := func() {
		followed.Lock()
		followed.leaving = false
		followed.Unlock()
	}
	s := &gatedServer{Server: httptest.NewUnstartedServer(handler)}
	if change != nil {
		change(s.Config)
	}
	Install(s.Config, s.draining.Load)
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	if overTLS {
		s.EnableHTTP2 = true
		transport.Protocols.SetHTTP2(true)
		s.StartTLS()
	} else {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP1(true)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		transport.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	}
	s.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		s.Close()
		reset()
	})
	return s
}

// drain does the work of package agent.
func (s *gatedServer) drain() {
	s.draining.Store(true)
	GoAway()
}

func (s *gatedServer) get(t *testing.T) string {
	t.Helper()
	answer, err := s.client.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.ProtoMajor != 2 || answer.Header.Get("Connection") != "" {
		t.Errorf("have %s, Connection %q", answer.Proto, answer.Header.Get("Connection"))
	}
	return string(text)
}

// TestIdleClientsGoAtOnce: a client without a request is told, too, and its next request comes on another connection.
func TestIdleClientsGoAtOnce(t *testing.T) {
	for name, overTLS := range map[string]bool{"TLS": true, "in the clear": false} {
		t.Run(name, func(t *testing.T) {
			s := newGatedServer(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
				if (r.TLS != nil) != overTLS {
					t.Errorf("the handler sees TLS: %v", r.TLS != nil)
				}
				fmt.Fprint(w, r.RemoteAddr)
			}, nil)
			first := s.get(t)
			if again := s.get(t); again != first {
				t.Fatal("the client opens a connection for each request")
			}
			before := time.Now()
			s.drain()
			if time.Since(before) > doubtAfter {
				t.Error("it has waited for an answer that had come")
			}
			if then := s.get(t); then == first {
				t.Error("after it was told to go the client has come back on the same connection")
			}
		})
	}
}

// TestReadsGoOnAfterTheClientHasSettled, with or without a waiting read.
func TestReadsGoOnAfterTheClientHasSettled(t *testing.T) {
	for name, settle := range map[string]func(c *listened){
		"before a read": func(c *listened) { c.settle() },
		"during a read": func(c *listened) { time.AfterFunc(20*time.Millisecond, c.settle) },
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			defer here.Close()
			defer there.Close()
			c := newListened(here)
			settle(c)
			read := make([]byte, len(clientGoesAway))
			if _, err := io.ReadFull(c, read); err != nil || !bytes.Equal(read, clientGoesAway) {
				t.Fatalf("have %v, %v, want that the client goes away", read, err)
			}
			last := frame(pingFrame, 0, make([]byte, 8)...)
			go func() { _, _ = there.Write(last) }() // ends with the pipe
			read = make([]byte, len(last))
			if _, err := io.ReadFull(c, read); err != nil || !bytes.Equal(read, last) {
				t.Errorf("have %v, %v, want what the client sends then", read, err)
			}
		})
	}
}

// TestProgramSeesItsConnections: a program's count of connections by ConnState is the same as without hotreload.
func TestProgramSeesItsConnections(t *testing.T) {
	var mu sync.Mutex
	states := map[net.Conn][]http.ConnState{}
	s := newGatedServer(t, true, func(w http.ResponseWriter, r *http.Request) {}, func(server *http.Server) {
		server.ConnState = func(conn net.Conn, state http.ConnState) {
			mu.Lock()
			defer mu.Unlock()
			states[conn] = append(states[conn], state)
		}
	})
	s.get(t)
	s.drain()
	s.client.CloseIdleConnections()
	closed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, all := range states {
			if all[len(all)-1] != http.StateClosed {
				return false
			}
		}
		return true
	}
	for end := time.Now().Add(limit); !closed() && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if mu.Lock(); len(states) != 1 {
		t.Errorf("have %v, want one connection", states)
	}
	mu.Unlock()
	if !closed() {
		t.Errorf("have %v, want it closed", states)
	}
}

// TestProgramsOwnHTTP2Stays: a program that serves HTTP/2 with another function keeps the function with the agent,
// too.
func TestProgramsOwnHTTP2Stays(t *testing.T) {
	called := ""
	own := func(name string) func(*http.Server, *tls.Conn, http.Handler) {
		return func(*http.Server, *tls.Conn, http.Handler) { called += name }
	}
	server := &http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": own("h2"), greeted: own(" in the clear"),
	}}
	listenIn(server, nil)
	server.TLSNextProto["h2"](nil, nil, nil)
	server.TLSNextProto[greeted](nil, nil, nil)
	if called != "h2 in the clear" {
		t.Errorf("have %q", called)
	}
}

// TestIsOwnName: the names are those that runtime.FuncForPC gives in programs built by Go 1.24 and 1.26, with
// golang.org/x/net of several versions.
func TestIsOwnName(t *testing.T) {
	for name, want := range map[string]bool{
		"net/http.http2ConfigureServer.func1":                                true,
		"golang.org/x/net/http2.ConfigureServer.func1":                       true, // v0.42.0
		"golang.org/x/net/http2.configureServer.func1":                       true, // v0.62.0
		"example.com/app/vendor/golang.org/x/net/http2.configureServer.func": true,
		"golang.org/x/net/http2.configureServer":                             false,
		"example.com/app/http2.ConfigureServer.func1":                        false,
		"main.main.func1": false,
	} {
		if isOwnName(name) != want {
			t.Errorf("%s: want %v", name, want)
		}
	}
}

// TestNoStreamIsLost: many streams begin on few connections while the clients are told to go. The control tells
// clients by the header, as with a server whose connections cannot be followed: such a server refuses streams already
// on the way.
func TestNoStreamIsLost(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	if lost := streamsLost(t, rounds, true); len(lost) > 0 {
		t.Errorf("%d are lost: %v", len(lost), lost[0])
	}
	for tries := 1; len(streamsLost(t, 10, false)) == 0; tries++ {
		if tries == 20 {
			t.Fatal("the control has lost none: the test is blind")
		}
	}
}

// streamsLost replaces one server by the next, and returns the errors of clients without retries of a partly
// sent request.
func streamsLost(t *testing.T, rounds int, told bool) (lost []error) {
	t.Helper()
	var mu sync.Mutex // guards lost
	var answered atomic.Int64
	failed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(lost) > 0
	}
	await := func(n int64) {
		n += answered.Load()
		for end := time.Now().Add(limit); answered.Load() < n && !failed() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	next := func() *gatedServer {
		var s *gatedServer
		s = newGatedServer(t, true, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			if s.overtaken.Load() && !told {
				w.Header().Set("Connection", "close")
			}
			_, _ = w.Write(body)
		}, nil)
		return s
	}
	now := next()
	client := now.client
	var current atomic.Pointer[gatedServer]
	current.Store(now)
	client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("tcp", current.Load().Listener.Addr().String())
	}
	url := now.URL
	stop := make(chan struct{})
	var done sync.WaitGroup
	for range 16 {
		done.Add(1)
		go func() { // ends with stop, or a loss
			defer done.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := post(client, url); err != nil {
					mu.Lock()
					lost = append(lost, err)
					mu.Unlock()
					return
				}
				answered.Add(1)
			}
		}()
	}
	for range rounds {
		await(200)
		old := current.Load()
		current.Store(next())
		old.overtaken.Store(true)
		if told {
			followed.Lock()
			for c := range followed.open {
				go c.leave() // ends with the write
			}
			followed.Unlock()
		}
		await(200)
		if failed() {
			break
		}
	}
	close(stop)
	done.Wait()
	client.CloseIdleConnections()
	return lost
}

// sent is a body that cannot be sent again, and knows whether it was sent.
type sent struct {
	io.Reader
	read atomic.Bool
}

func (s *sent) Read(p []byte) (int, error) {
	s.read.Store(true)
	return s.Reader.Read(p)
}

func post(client *http.Client, url string) error {
	for {
		body := &sent{Reader: strings.NewReader("hello")}
		answer, err := client.Post(url, "text/plain", body)
		var network *net.OpError
		if err != nil && !body.read.Load() && !errors.As(err, &network) {
			continue // the client has chosen an ending connection, and has sent nothing
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return err
		}
		if !bytes.Equal(text, []byte("hello")) {
			return fmt.Errorf("have %q", text)
		}
		return nil
	}
}
