package web

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// While connections move, a request on a connection that cannot move is relayed to a worker of the next generation.
// Such connections are those over TLS; on some systems those before the first request; and those whose last answer came
// late, if the server has read a byte of the next request. The old worker takes the connection from its server before
// the program has seen the request, and passes bytes: the request goes on unchanged, and the answer comes back and ends
// the connection. The socket pair between both workers is called the wire. The other end of the wire is a connection of
// the new worker's server (relayed.go).

// Ways in which a connection comes to another worker.
const (
	itself  uint32 = 0
	inClear uint32 = 1 // the request of a connection without TLS
	overTLS uint32 = 2 // the same with TLS, plus how the server asks for the client's certificates (tls.ClientAuthType)
)

// relay has another worker answer a request, and reports whether a worker has taken the request. It returns at the
// end of the answer.
func (m *Mover) relay(g *gate, w http.ResponseWriter, r *http.Request, conn net.Conn) bool {
	if !m.relays || g.curious || conn == nil || carriesRequests(r) || isFollowed(w) {
		return false
	}
	if r.ProtoMajor != 1 {
		return m.relayLate(w, r, conn)
	}
	own, ok := w.(http1)
	listener, how := m.whence(conn)
	if !ok || listener == 0 {
		return false
	}
	preface, ok := prefaceOf(conn, r.TLS)
	if !ok {
		return false
	}
	lasts := r.Method == http.MethodConnect || asksForStream(r)
	if (lasts || r.Header.Get("Upgrade") != "") && streamsHaveEnded() {
		return false
	}
	q := &request{writer: own, conn: conn, headers: true, tunnel: r.Method == http.MethodConnect}
	atomic.AddUint64(&counts.begun, 1)
	defer q.wasRelayed()
	wire := m.wire(listener, how)
	if wire == nil {
		return false
	}
	defer wire.Close()
	client, buffers, err := own.Hijack()
	if err != nil {
		return false
	}
	defer client.Close()
	if lasts {
		q.lasts()
	}
	ahead, _ := buffers.Reader.Peek(buffers.Reader.Buffered())
	if _, err := wire.Write(append(append(preface, headOf(r)...), ahead...)); err == nil {
		q.splice(client, wire)
	}
	return true
}

// wasRelayed ends the work of relay. The other worker has answered the request, and counts it.
func (q *request) wasRelayed() {
	q.mu.Lock()
	q.over = true
	q.mu.Unlock()
	count := &counts.begun
	if q.lasting {
		q.forget()
		count = &counts.lastingBegun
	}
	atomic.AddUint64(count, ^uint64(0))
}

// whence returns the listener of a connection that cannot move, and how to relay its request; 0: not at all.
func (m *Mover) whence(conn net.Conn) (listener, how uint32) {
	if secure, is := conn.(*tls.Conn); is {
		if control(secure, func(fd int) { listener = m.agent.See(fd) }); listener == 0 {
			return 0, 0
		}
		l := m.secureOf(listener)
		if l == nil {
			return 0, 0
		}
		return listener, overTLS + uint32(l.config.ClientAuth)
	}
	// After an answer a connection moves, unless the server has read a byte of the next request: net/http waits for this
	// byte while the handler runs. A client that has the whole answer already may have begun the request just now.
	if f := keptOf(conn); f != nil && (f.hasEndedLate() || f.buffer == nil && !movesUnused(conn)) {
		return f.listener, inClear
	}
	return 0, 0
}

func (m *Mover) secureOf(listener uint32) *lobby {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.secure[listener]
}

// wire returns a connection to a worker that takes the request; nil if no worker does.
func (m *Mover) wire(listener, how uint32) net.Conn {
	ours, theirs := pair()
	if ours == nil {
		return nil
	}
	defer closeFd(theirs)
	if !m.agent.Move(listener, how, theirs) {
		_ = ours.Close()
		return nil
	}
	return ours
}

func streamsHaveEnded() bool {
	open.Lock()
	defer open.Unlock()
	return open.ended
}

// headOf returns the head of a request for net/http to read: the same request results. Values that net/http removes
// from the headers are put back.
func headOf(r *http.Request) []byte {
	var b strings.Builder
	protocol := r.Proto
	if r.ProtoMajor == 2 {
		protocol = "HTTP/1.1"
	}
	b.WriteString(r.Method + " " + r.RequestURI + " " + protocol + "\r\n")
	line := func(key, value string) { b.WriteString(key + ": " + value + "\r\n") }
	if r.Host != "" || r.ProtoAtLeast(1, 1) {
		line("Host", r.Host)
	}
	for key, values := range r.Header {
		for _, value := range values {
			line(key, value)
		}
	}
	for _, coding := range r.TransferEncoding {
		line("Transfer-Encoding", coding)
	}
	for key := range r.Trailer {
		line("Trailer", key)
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}

// lingerTime is how long a client may take to close after the end of the answer. The client's bytes must be read
// meanwhile; otherwise the system would discard the last bytes of the answer. 500 ms is net/http's own number.
const lingerTime = 500 * time.Millisecond

// splice passes bytes in both directions, until the wire ends or the client does not take the answer. The caller
// closes both connections. splice reads the client's last bytes, so no reset overtakes the answer.
func (q *request) splice(client, wire net.Conn) {
	over := make(chan struct{})
	go func() { // ends when the client closes, or when the caller of splice closes the client's connection
		defer close(over)
		if _, err := io.Copy(wire, client); err != nil {
			_, _ = io.Copy(io.Discard, client)
		}
		closeWrite(wire) // a handler learns that its client has gone
	}()
	if q.passHead(client, wire) == nil {
		if q.lasting {
			control(wire, Outlasts) // otherwise the handler would not learn that its client has gone
		}
		_, _ = io.Copy(client, wire) // an error also ends the copy
	}
	closeWrite(client)
	if secure, is := client.(*tls.Conn); is {
		closeWrite(below(secure))
	}
	late := time.NewTimer(lingerTime)
	defer late.Stop()
	select {
	case <-over:
	case <-late.C:
	}
}

// maxHead is how much of an answer to search for the head.
const maxHead = 1 << 16

// passHead passes the answer on until the head is complete, which tells whether the answer is a stream.
func (q *request) passHead(client io.Writer, wire io.Reader) error {
	var head []byte
	buffer := make([]byte, 4096)
	for !q.begun && len(head) < maxHead {
		n, err := wire.Read(buffer)
		head = q.looksAt(append(head, buffer[:n]...))
		if _, failed := client.Write(buffer[:n]); err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// looksAt removes complete heads from the answer's bytes, up to the first head that is not an interim answer's.
func (q *request) looksAt(text []byte) (rest []byte) {
	end := []byte("\r\n\r\n")
	for at := bytes.Index(text, end); at >= 0; at = bytes.Index(text, end) {
		answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
		switch {
		case err != nil:
			q.begun = true
			return nil
		case answer.StatusCode == http.StatusSwitchingProtocols:
			q.hijacked(q.conn)
			return nil
		case final(answer.StatusCode):
			q.begins(func() http.Header { return answer.Header })
			return nil
		}
		text = text[at+len(end):]
	}
	return text
}

// goesWith closes a wire when the client of a request has gone: the other side learns this from the wire. The caller
// calls answered after the answer.
func goesWith(r *http.Request, wire net.Conn) (answered func()) {
	over := make(chan struct{})
	go func() { // ends with the answer
		select {
		case <-r.Context().Done():
			_ = wire.Close()
		case <-over:
		}
	}()
	return func() { close(over) }
}

func closeWrite(conn net.Conn) {
	if c, can := conn.(interface{ CloseWrite() error }); can {
		_ = c.CloseWrite()
	}
}
