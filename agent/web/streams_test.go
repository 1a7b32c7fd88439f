//go:build linux || darwin

package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestWhatAsksForAStream(t *testing.T) {
	for _, c := range []struct {
		name, method, accept string
		want                 bool
	}{
		{"EventSource", "GET", "text/event-stream", true},
		{"a list", "GET", "application/json, text/event-stream", true},
		{"with a parameter, in another case", "GET", "*/*;q=0.1,Text/Event-Stream;q=0.9", true},
		{"a page", "GET", "text/html,application/xhtml+xml,*/*;q=0.8", false},
		{"a type that begins alike", "GET", "text/event-streams", false},
		{"anything", "GET", "*/*", false},
		{"nothing", "GET", "", false},
		{"a call that takes both", "POST", "application/json, text/event-stream", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", nil)
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			if have := asksForStream(r); have != c.want {
				t.Errorf("have %v, want %v", have, c.want)
			}
		})
	}
}

// streamServer serves streams of all kinds, behind a gate. Lasting answers begin with "begun".
type streamServer struct {
	*httptest.Server
	release  chan struct{} // ends the streams that have no other end
	returned chan string   // paths of handlers that have returned
}

func newStreamServer(t *testing.T, begin func(*httptest.Server)) *streamServer {
	s := &streamServer{release: make(chan struct{}), returned: make(chan string, 10)}
	mux := http.NewServeMux()
	handle := func(path, contentType string, wait func(http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			defer func() { s.returned <- path }()
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			_, _ = io.WriteString(w, "begun\n")
			w.(http.Flusher).Flush()
			wait(w, r)
		})
	}
	heeds := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	deaf := func(http.ResponseWriter, *http.Request) { <-s.release }
	handle("/events", "text/event-stream", heeds)
	handle("/events-with-charset", "text/event-stream; charset=utf-8", heeds)
	handle("/deaf-events", "text/event-stream", deaf)
	handle("/download", "application/octet-stream", deaf)
	mux.HandleFunc("/hijacked", func(w http.ResponseWriter, r *http.Request) {
		conn, buffers, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = buffers.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nbegun\n")
		_ = buffers.Flush()
		go func() { // ends with the connection
			_, _ = conn.Read(make([]byte, 1))
			conn.Close()
			s.returned <- "/hijacked"
		}()
	})
	s.Server = httptest.NewUnstartedServer(mux)
	Install(s.Config, func() bool { return false })
	begin(s.Server)
	reset := func() {
		open.Lock()
		open.streams, open.ended = nil, false
		open.Unlock()
	}
	reset()
	var hijacked struct {
		sync.Mutex
		fds []int
	}
	Shutdown = func(fd int) { _ = syscall.Shutdown(fd, syscall.SHUT_RDWR) }
	Outlasts = func(fd int) {
		hijacked.Lock()
		defer hijacked.Unlock()
		hijacked.fds = append(hijacked.fds, fd)
	}
	endHijacked = func() {
		hijacked.Lock()
		defer hijacked.Unlock()
		for _, fd := range hijacked.fds {
			Shutdown(fd)
		}
	}
	t.Cleanup(func() {
		close(s.release)
		s.Close()
		reset()
		if busy, _ := Requests(); busy != 0 {
			t.Errorf("%d requests are counted as being answered, and none is", busy)
		}
	})
	return s
}

// endHijacked does the work of package agent.
var endHijacked func()

// ask begins a request and waits for its first line.
func (s *streamServer) ask(t *testing.T, path string) (rest *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	method := "GET"
	if strings.HasPrefix(path, "POST ") {
		method, path, _ = strings.Cut(path, " ")
	}
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if path == "/hijacked" {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "x")
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	rest = bufio.NewReader(answer.Body)
	if line, err := rest.ReadString('\n'); line != "begun\n" {
		t.Fatalf("have %q, %v", line, err)
	}
	return rest
}

func TestStreamsEnd(t *testing.T) {
	plain := func(s *httptest.Server) { s.Start() }
	secure := func(s *httptest.Server) { s.StartTLS() }
	second := func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() }
	for _, c := range []struct {
		name  string
		begin func(*httptest.Server)
		path  string
		whole bool // the client gets a whole answer
		alone bool // the handler returns only by itself
	}{
		{"events", plain, "/events", false, false},
		{"events, named with a charset", plain, "/events-with-charset", false, false},
		{"events after a POST", plain, "POST /events", false, false},
		{"events whose handler does not heed its context", plain, "/deaf-events", false, true},
		{"hijacked", plain, "/hijacked", true, false},
		{"events, TLS", secure, "/events", false, false},
		{"events whose handler does not heed its context, TLS", secure, "/deaf-events", false, true},
		{"hijacked, TLS", secure, "/hijacked", true, false},
		{"events, HTTP/2", second, "/events", false, false},
		{"events whose handler does not heed its context, HTTP/2", second, "/deaf-events", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStreamServer(t, c.begin)
			before := s.ask(t, c.path)
			download := s.ask(t, "/download")
			EndStreams()
			endHijacked()
			_, err := io.ReadAll(before)
			if whole := err == nil; whole != c.whole {
				t.Errorf("have %v, want a whole answer: %v", err, c.whole)
			}
			if !c.alone {
				select {
				case <-s.returned:
				case <-time.After(limit):
					t.Error("the handler has not found out")
				}
			}
			// An ordinary answer goes on to its end.
			s.release <- struct{}{}
			if c.alone {
				s.release <- struct{}{}
			}
			if _, err := io.ReadAll(download); err != nil {
				t.Errorf("the download: %v", err)
			}
		})
	}
}

// TestStreamThatComesLate ends, too.
func TestStreamThatComesLate(t *testing.T) {
	s := newStreamServer(t, func(s *httptest.Server) { s.Start() })
	EndStreams()
	if answer, err := s.Client().Get(s.URL + "/events"); err == nil {
		if _, err = io.ReadAll(answer.Body); err == nil {
			t.Error("the client has a whole answer, and so a connection on which it will come again")
		}
		answer.Body.Close()
	}
	<-s.returned
}

// TestWhatItIsShowsInTheAnswer: a request for a stream with another answer is not a stream.
func TestWhatItIsShowsInTheAnswer(t *testing.T) {
	s := newStreamServer(t, func(s *httptest.Server) { s.Start() })
	r, err := http.NewRequest("GET", s.URL+"/download", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	rest := bufio.NewReader(answer.Body)
	if _, err := rest.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if Busy() != 1 {
		t.Errorf("%d requests are waited for, want 1", Busy())
	}
	EndStreams()
	s.release <- struct{}{}
	if _, err := io.ReadAll(rest); err != nil {
		t.Error(err)
	}
}

// wrapper is a connection type like those of many packages.
type wrapper struct{ net.Conn }

func TestDescriptorIsFoundBelow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		name string
		conn net.Conn
		want bool
	}{
		{"TCP", conn, true},
		{"TLS", tls.Client(conn, &tls.Config{}), true},
		{"embedded", wrapper{conn}, true},
		{"embedded, a pointer to it", &wrapper{tls.Client(wrapper{conn}, &tls.Config{})}, true},
		{"nothing below", wrapper{}, false},
		{"none", func() net.Conn { a, _ := net.Pipe(); return a }(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := false
			control(c.conn, func(int) { found = true })
			if found != c.want {
				t.Errorf("have %v, want %v", found, c.want)
			}
		})
	}
}
