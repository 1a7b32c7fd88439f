package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// http1 has the methods of net/http's answer for HTTP/1, http2 the methods of net/http's answer for HTTP/2.
type (
	http1 interface {
		http.ResponseWriter
		http.Flusher
		http.Hijacker
		io.ReaderFrom
		io.StringWriter
		deadlines
		CloseNotify() <-chan bool
		EnableFullDuplex() error
	}
	http2 interface {
		http.ResponseWriter
		http.Flusher
		http.Pusher
		io.StringWriter
		deadlines
		CloseNotify() <-chan bool
	}
)

// writer1 is an answer together with its request. writer1 has all methods of the answer, and looks at the headers
// before they are written.
type writer1 struct {
	http1
	request request
}

func (w *writer1) begins() {
	if !w.request.begun {
		w.request.closes(w.http1.Header())
		w.request.begins(w.http1.Header)
	}
}

// Unwrap is for http.ResponseController and for its future methods.
func (w *writer1) Unwrap() http.ResponseWriter { return w.http1 }

func (w *writer1) Header() http.Header {
	w.request.headers = true
	return w.http1.Header()
}

func (w *writer1) WriteHeader(code int) {
	if final(code) {
		w.begins()
	}
	w.http1.WriteHeader(code)
}

func (w *writer1) Write(p []byte) (int, error) {
	w.begins()
	return w.http1.Write(p)
}

func (w *writer1) WriteString(s string) (int, error) {
	w.begins()
	return w.http1.WriteString(s)
}

func (w *writer1) ReadFrom(from io.Reader) (int64, error) {
	w.begins()
	return w.http1.ReadFrom(from)
}

func (w *writer1) Flush() {
	w.begins()
	w.http1.Flush()
}

func (w *writer1) FlushError() error {
	w.begins()
	return w.http1.FlushError()
}

func (w *writer1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := w.http1.Hijack()
	if err == nil && !w.request.carries {
		w.request.hijacked(conn)
	}
	return conn, buffers, err
}

// writer2 is writer1 for HTTP/2.
type writer2 struct {
	http2
	request request
}

func (w *writer2) begins() {
	if !w.request.begun {
		w.request.begins(w.http2.Header)
	}
}

// Unwrap is like writer1's.
func (w *writer2) Unwrap() http.ResponseWriter { return w.http2 }

func (w *writer2) Header() http.Header {
	w.request.headers = true
	return w.http2.Header()
}

func (w *writer2) WriteHeader(code int) {
	if final(code) {
		w.begins()
	}
	w.http2.WriteHeader(code)
}

func (w *writer2) Write(p []byte) (int, error) {
	w.begins()
	return w.http2.Write(p)
}

func (w *writer2) WriteString(s string) (int, error) {
	w.begins()
	return w.http2.WriteString(s)
}

func (w *writer2) Flush() {
	w.begins()
	w.http2.Flush()
}

func (w *writer2) FlushError() error {
	w.begins()
	return w.http2.FlushError()
}

// isFollowed reports whether an answer is one of the above types.
func isFollowed(w http.ResponseWriter) bool {
	switch w.(type) {
	case *writer1, *writer2, *page1, *page2:
		return true
	}
	return false
}

// final reports whether a status code is the final answer's, not an interim answer's.
func final(code int) bool { return code >= 200 || code == http.StatusSwitchingProtocols }
