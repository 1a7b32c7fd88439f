package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// relayLate is relay for an HTTP/2 request of a client that opened the connection ahead of need, and so could not
// know to go elsewhere (isLate). The connection may carry other requests, so only this one is relayed: between the
// workers as HTTP/1.1, and only if HTTP/1.1 has everything for the request. All other requests of such a client are
// answered here.
func (m *Mover) relayLate(w http.ResponseWriter, r *http.Request, conn net.Conn) bool {
	c, _ := r.Context().Value(listenedKey).(*listened)
	if c == nil || !c.isLate() || !isPlain(r) {
		return false
	}
	listener, how := m.whence(conn)
	if listener == 0 {
		return false
	}
	preface, ok := prefaceOf(conn, r.TLS)
	if !ok {
		return false
	}
	atomic.AddUint64(&counts.begun, 1)
	defer atomic.AddUint64(&counts.begun, ^uint64(0)) // the other worker counts the request
	wire := m.wire(listener, how)
	if wire == nil {
		return false
	}
	defer wire.Close()
	defer goesWith(r, wire)()
	if _, err := wire.Write(append(preface, headOf(r)...)); err != nil {
		panic(http.ErrAbortHandler) // the other worker has crashed: the client's request ends
	}
	passAnswer(w, r, bufio.NewReader(wire))
	return true
}

// isPlain reports whether a request has nothing but a head, and asks for nothing that lasts.
func isPlain(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength == 0 && len(r.Trailer) == 0 &&
		r.Header.Get("Te") == "" && !asksForStream(r)
}

// passAnswer passes on the other worker's answer as the bytes arrive. Interim answers are left out.
func passAnswer(w http.ResponseWriter, r *http.Request, from *bufio.Reader) {
	answer, err := http.ReadResponse(from, r)
	for err == nil && !final(answer.StatusCode) {
		answer, err = http.ReadResponse(from, r)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	header := w.Header()
	header["Content-Type"] = nil // not to be guessed here
	for key, values := range answer.Header {
		if key != "Connection" && key != "Keep-Alive" && key != "Upgrade" { // of the connection between the workers
			header[key] = values
		}
	}
	for key := range answer.Trailer {
		header.Add("Trailer", key)
	}
	w.WriteHeader(answer.StatusCode)
	buffer := make([]byte, 32<<10)
	for err == nil {
		var n int
		if n, err = answer.Body.Read(buffer); n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}
	if err != io.EOF {
		panic(http.ErrAbortHandler)
	}
	for key, values := range answer.Trailer {
		header[key] = values
	}
}
