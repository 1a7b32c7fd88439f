package web

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPageThroughProxy: a program may be a proxy that passes on pages of another program, and may flush before the
// first byte.
func TestPageThroughProxy(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/packed" && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, wholePage)
			_ = z.Close()
			return
		}
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", strconv.Itoa(len(wholePage)))
		}
		_, _ = io.WriteString(w, wholePage[:20])
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, wholePage[20:])
	}))
	defer behind.Close()
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	want := strings.Replace(wholePage, "<head>", "<head>"+testTag, 1)
	wanting(t, Browser{})
	with, _ := two(t, proxy)
	for _, path := range []string{"/length", "/chunks", "/packed"} {
		for range 20 { // the first flush and the first byte come from two goroutines
			answer := parse(t, say(t, with, strings.Replace(document, "GET /", "GET "+path, 1)+compressed+last))
			if answer.body != want || path == "/length" && answer.length != int64(len(want)) {
				t.Fatalf("%s: have %+v\nwant %s", path, answer, want)
			}
		}
	}
}

// TestFlushedPageWithLength: what is flushed comes, as soon as the place of the tag is known.
func TestFlushedPageWithLength(t *testing.T) {
	const first, rest = "<!doctype html><head><title>x", "</title></head>"
	wanting(t, Browser{})
	more := make(chan bool)
	with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(first+rest)))
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, first)
		<-more
		_, _ = io.WriteString(w, rest)
	}))
	conn, err := net.Dial("tcp", with.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(conn, document+last); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	text := make([]byte, len(first+testTag))
	if err == nil {
		_, err = io.ReadFull(answer.Body, text)
	}
	close(more)
	if err != nil {
		t.Fatalf("before the handler goes on: %v", err)
	}
	after, err := io.ReadAll(answer.Body)
	want := strings.Replace(first, "<head>", "<head>"+testTag, 1) + rest
	if err != nil || string(text)+string(after) != want {
		t.Errorf("have %s%s, %v\nwant %s", text, after, err, want)
	}
}
