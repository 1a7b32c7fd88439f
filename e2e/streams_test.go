//go:build linux || darwin

package e2e

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// streaming is a server with long responses: an event stream, a hijacked connection, and a request that is answered
// when a file exists.
const streaming = `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	boot()
	beat := func(w io.Writer, flush func(), done <-chan struct{}) {
		for {
			if _, err := fmt.Fprintf(w, "data: %s\n\n", version); err != nil {
				return
			}
			flush()
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		beat(w, w.(http.Flusher).Flush, r.Context().Done())
	})
	http.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, buffers, err := w.(http.Hijacker).Hijack()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(buffers, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: beat\r\n\r\n")
		go func() {
			defer conn.Close()
			beat(buffers, func() { buffers.Flush() }, nil)
		}()
	})
	http.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		log.Println("holding")
		for {
			if _, err := os.Stat(r.FormValue("until")); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		fmt.Fprint(w, version)
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// stream is a long response.
type stream struct {
	*testing.T
	name  string
	lines *bufio.Scanner
}

// open sends a request on a connection of its own. Without an Accept header, only the response shows that it is a
// stream.
func (s *session) open(path string) *stream {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if path == "/socket" {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "beat")
	}
	answer, err := (&http.Transport{}).RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { answer.Body.Close() })
	return &stream{s.t, path, bufio.NewScanner(answer.Body)}
}

// hears waits for n events, all of which must be want.
func (s *stream) hears(n int, want string) {
	s.Helper()
	for n > 0 {
		if !s.lines.Scan() {
			s.Fatalf("%s has ended (%v), want %d events %q more", s.name, s.lines.Err(), n, want)
		}
		if line := s.lines.Text(); line == "data: "+want {
			n--
		} else if line != "" {
			s.Fatalf("%s: have %q, want %q", s.name, line, want)
		}
	}
}

// ends waits for the end of the connection.
func (s *stream) ends() {
	s.Helper()
	for s.lines.Scan() {
	}
	if err := s.lines.Err(); err != nil && strings.Contains(err.Error(), "deadline") {
		s.Errorf("%s: %v", s.name, err)
	}
	if s.name == "/events" && s.lines.Err() == nil {
		s.Error("the answer is whole: the next request comes on this connection, to old code")
	}
}

// TestStreamsEndAndRequestsDoNot: the grace applies to requests, and is longer than the test.
func TestStreamsEndAndRequestsDoNot(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"main.go": streaming}), "--grace", "10m", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	until := filepath.Join(t.TempDir(), "now")
	held := make(chan string, 1)
	go func() { // ends with the answer
		answer, err := http.Get("http://" + s.addr + "/hold?until=" + until)
		if err != nil {
			held <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			held <- err.Error()
			return
		}
		held <- string(body)
	}()
	events, socket := s.open("/events"), s.open("/socket")
	events.hears(1, "v1")
	socket.hears(1, "v1")
	s.waitFor(`holding`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves`)
	events.ends()
	socket.ends()
	s.open("/events").hears(1, "v2")
	save(t, until, "")
	if have := <-held; have != "v1" {
		t.Errorf("the request is answered with %q", have)
	}
}

// TestStreamGraceChangesWhileStreamsWait: a new value of stream-grace applies to streams that are already waiting.
func TestStreamGraceChangesWhileStreamsWait(t *testing.T) {
	t.Parallel()
	settings := func(grace string) string { return "grace = \"10m\"\nstream_grace = \"" + grace + "\"\n" }
	s := start(t, newModule(t, map[string]string{"main.go": streaming, "hotreload.toml": settings("10m")}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	events, socket := s.open("/events"), s.open("/socket")
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves`)
	events.hears(300, "v1") // and most of them were sent after that line
	socket.hears(300, "v1")
	s.save("hotreload.toml", settings("0s"))
	events.ends()
	socket.ends()
}
