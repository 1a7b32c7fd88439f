package browser

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// proxied is a proxy before a handler, without a tag unless tagged is given.
func proxied(t *testing.T, target func() string) (s *site, addr string) {
	t.Helper()
	s = newSite(t, Settings{Hosts: []string{"tunnel.dev"}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	go s.Proxy(listener, Proxy{Service: "web", Target: target, Tag: func(generation int) string { // ends with the site
		return fmt.Sprintf(`<script src="/x" data-generation="%d"></script>`, generation)
	}})
	return s, s.addr
}

// The proxy passes on exactly the bytes of the program and of the client.
func TestProxyChangesNothing(t *testing.T) {
	var saw *http.Request
	var body []byte
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		saw = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Encoding", "br")
		w.Header()["X-Odd"] = []string{"1", "2"}
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte{0, 1, 2})
	}))
	defer program.Close()
	s, _ := proxied(t, func() string { return program.Listener.Addr().String() })
	s.Tell("web", reloaded(7))
	answer, text := s.ask("POST", "/a%2Fb?x=1&y=%20", `{"a": 1}`, "Host: localhost:7331",
		"Origin: http://localhost:7331", "Content-Type: multipart/form-data; boundary=x", "Accept-Encoding: br")
	if saw.Host != "localhost:7331" || saw.RequestURI != "/a%2Fb?x=1&y=%20" || string(body) != `{"a": 1}` ||
		saw.Header.Get("Content-Type") != "multipart/form-data; boundary=x" || saw.Header.Get("Accept-Encoding") != "br" ||
		saw.Header.Get("Origin") != "http://localhost:7331" {
		t.Errorf("the program saw %s %s %v %q", saw.Host, saw.RequestURI, saw.Header, body)
	}
	if answer.StatusCode != http.StatusTeapot || text != "\x00\x01\x02" || answer.Header.Get("Content-Encoding") != "br" ||
		len(answer.Header["X-Odd"]) != 2 {
		t.Errorf("the client saw %s %v %q", answer.Status, answer.Header, text)
	}
	for name := range answer.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("a CORS header: %s", name)
		}
	}
	if answer, _ := s.ask("GET", below("state"), ""); answer.StatusCode != http.StatusOK {
		t.Errorf("a path of ours: %s", answer.Status)
	}
	for _, header := range []string{"Connection: Upgrade", "Accept: */*"} {
		saw = nil
		if answer, _ := s.ask("GET", "/", "", "Host: evil.example", header, "Upgrade: websocket"); saw != nil ||
			answer.StatusCode != http.StatusForbidden {
			t.Errorf("a foreign host: %s", answer.Status)
		}
	}
}

// A document gets the tag, with the generation at the time of the request; no other answer does.
func TestProxyTags(t *testing.T) {
	const page = "<!doctype html><html><head><title>x</title></head></html>"
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/chunked" {
			_ = http.NewResponseController(w).Flush()
		}
		fmt.Fprint(w, page)
	}))
	defer program.Close()
	s, _ := proxied(t, func() string { return program.Listener.Addr().String() })
	s.Tell("web", reloaded(7))
	want := strings.Replace(page, "<head>", `<head><script src="/x" data-generation="7"></script>`, 1)
	for _, host := range []string{"localhost:7331", "tunnel.dev"} {
		for path, length := range map[string]int{"/": len(want), "/chunked": -1} {
			answer, text := s.ask("GET", path, "", "Accept: text/html", "Host: "+host, "Accept-Encoding: gzip")
			if text != want || answer.ContentLength != int64(length) {
				t.Errorf("%s: have %q, %d bytes", path, text, answer.ContentLength)
			}
		}
	}
	if _, text := s.ask("GET", "/", "", "Accept: text/html", "HX-Request: true"); text != page {
		t.Errorf("a fragment: %q", text)
	}
}

// A request of a new generation is not sent on a connection on which an old worker may answer.
func TestProxyConnectsForEachGeneration(t *testing.T) {
	var opened atomic.Int32
	program := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RemoteAddr)
	}))
	program.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	program.Start()
	defer program.Close()
	s, _ := proxied(t, func() string { return program.Listener.Addr().String() })
	for i, c := range []struct{ generation, connections int }{{1, 1}, {1, 1}, {2, 2}, {2, 2}, {3, 3}} {
		s.Tell("web", reloaded(c.generation))
		if answer, _ := s.ask("GET", "/", ""); answer.StatusCode != http.StatusOK || int(opened.Load()) != c.connections {
			t.Errorf("request %d of generation %d: %d connections, want %d", i+1, c.generation, opened.Load(), c.connections)
		}
	}
}

// Streams arrive as they are written, and protocols with a connection of their own pass.
func TestProxyStreams(t *testing.T) {
	more := make(chan bool)
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			for range 2 {
				fmt.Fprint(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
				<-more
			}
			return
		}
		conn, both, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		both.Flush()
		_, _ = io.Copy(conn, both)
	}))
	defer program.Close()
	_, addr := proxied(t, func() string { return program.Listener.Addr().String() })
	answer, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for range 2 {
		part := make([]byte, len("data: x\n\n"))
		if _, err := io.ReadFull(answer.Body, part); err != nil || string(part) != "data: x\n\n" {
			t.Fatalf("have %q, %v", part, err)
		}
		more <- true // the program has not written the rest yet
	}

	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", addr)
	in := bufio.NewReader(conn)
	head, err := http.ReadResponse(in, nil)
	if err != nil || head.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("have %v, %v", head, err)
	}
	fmt.Fprint(conn, "hello")
	echo := make([]byte, 5)
	if _, err := io.ReadFull(in, echo); err != nil || string(echo) != "hello" {
		t.Errorf("have %q, %v", echo, err)
	}
}

// The proxy never repeats a request that the program may have started. A request waits if no worker serves.
func TestProxySendsOnce(t *testing.T) {
	var requests atomic.Int32
	program, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	go func() { // ends with the listener
		for {
			conn, err := program.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				requests.Add(1)
			}
			conn.Close() // without an answer
		}
	}()
	var known atomic.Bool
	s, _ := proxied(t, func() string {
		if known.Swap(true) {
			return program.Addr().String()
		}
		return "" // at first
	})
	if answer, text := s.ask("POST", "/", "body"); answer.StatusCode != http.StatusBadGateway || requests.Load() != 1 {
		t.Errorf("have %s %s, and the program got %d requests, want 1", answer.Status, text, requests.Load())
	}
	if !known.Load() {
		t.Error("it did not wait for the address")
	}
}

func TestDialEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := dialWhenThere(ctx, &net.Dialer{}, func() string { return "" })
	if err == nil || !strings.Contains(err.Error(), "no TCP") {
		t.Errorf("have %v", err)
	}
}
