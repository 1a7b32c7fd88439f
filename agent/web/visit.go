package web

import (
	"bufio"
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Browser is the supervisor's configuration for browsers.
type Browser struct {
	Key        string   // of the supervisor's paths: /.hotreload/KEY/…
	Tag        string   // the element for documents; "": none
	Hosts      []string // names by which browsers may request documents
	Revalidate bool     // caches are to ask again, unless the program sets caching headers,
	Uncached   bool     // or even then
	Panics     bool     // if a document's handler panics, answer with a page about the panic

	Visit    func(remote string, first []byte, fd int) bool // gives a connection to the supervisor; see agent.Visit
	Untagged func(path, why string)                         // reports a document without a tag
}

// browser is nil if nothing is to be done. It is set before the program runs.
var browser *Browser

// NewBrowser has the gates of all servers do the work for browsers.
func NewBrowser(b Browser) {
	if b.Key != "" {
		browser = &b
	}
}

// root is the beginning of the supervisor's paths.
const root = "/.hotreload/"

// visited has the supervisor answer a request for one of its paths, and reports whether the request was for one. The
// program does not see such a request, and the worker does not have to finish it.
func (b *Browser) visited(w http.ResponseWriter, r *http.Request, conn net.Conn) bool {
	switch {
	case b == nil || !b.owns(r.URL.Path) || isFollowed(w):
		return false
	case !b.allows(r.Host):
		refuse(w, http.StatusForbidden, "This host is not allowed: name it in [browser] hosts.")
	case !b.handOver(w, r, conn):
		b.passOn(w, r)
	}
	return true
}

// owns reports whether a path is the supervisor's. A path with another key may belong to another hotreload, if the
// program is a proxy.
func (b *Browser) owns(path string) bool {
	if !strings.HasPrefix(path, root) {
		return false
	}
	key := path[len(root):]
	if end := strings.IndexByte(key, '/'); end >= 0 {
		key = key[:end]
	}
	return subtle.ConstantTimeCompare([]byte(key), []byte(b.Key)) == 1
}

// allows reports whether a request for this host may have come from a page of the program: the name leads here
// because this machine says so, and not because a stranger's name server does (DNS rebinding).
func (b *Browser) allows(hostport string) bool {
	host := hostOf(hostport)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || isAddress(hostport) {
		return true
	}
	for _, one := range b.Hosts {
		if host == one || strings.HasPrefix(one, ".") && strings.HasSuffix(host, one) {
			return host != ""
		}
	}
	return false
}

// hostOf is the host alone, in lower case.
func hostOf(hostport string) string {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "."))
}

// isAddress reports whether the host is an IP address.
func isAddress(hostport string) bool {
	host := hostOf(hostport)
	if zone := strings.IndexByte(host, '%'); zone >= 0 {
		host = host[:zone]
	}
	return net.ParseIP(host) != nil
}

// refuse answers in hotreload's name, and ends the connection: the next request would not reach the supervisor.
func refuse(w http.ResponseWriter, code int, why string) {
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Cache-Control", "no-store")
	http.Error(w, why, code)
}

// handOver gives the browser's connection itself to the supervisor, and reports success.
func (b *Browser) handOver(w http.ResponseWriter, r *http.Request, conn net.Conn) bool {
	own, ok := w.(http1)
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return false
	}
	if !ok || r.ProtoMajor != 1 {
		return false
	}
	first := visitHead(r, r.Proto)
	if r.ContentLength > 0 {
		first = append(first, "Content-Length: "+strconv.FormatInt(r.ContentLength, 10)+"\r\n"...)
	}
	for _, coding := range r.TransferEncoding {
		first = append(first, "Transfer-Encoding: "+coding+"\r\n"...)
	}
	if expect := r.Header.Get("Expect"); expect != "" {
		first = append(first, "Expect: "+expect+"\r\n"...)
	}
	first = append(first, "\r\n"...)
	if len(first) > maxVisitHead {
		return false
	}
	conn, buffers, err := own.Hijack()
	if err != nil {
		return false
	}
	ahead, _ := buffers.Reader.Peek(buffers.Reader.Buffered())
	first = append(first, ahead...)
	if raw, err := conn.(syscall.Conn).SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = b.Visit("", first, int(fd)) })
	}
	_ = conn.Close() // the supervisor has a descriptor of its own, unless the supervisor is gone
	return true
}

// maxVisitHead leaves room, within agent.Visit's limit, for the bytes that net/http has read ahead.
const maxVisitHead = 1 << 15

// visitFields are the headers for the supervisor, beside Host and Sec-Fetch-*. Cookies are not among them.
var visitFields = map[string]bool{
	"Accept": true, "Content-Type": true, "Last-Event-Id": true, "Origin": true, "Referer": true,
}

// visitHead is the head of a request for the supervisor, without the headers about the body and without the end. The
// connection has to end with the answer: the next request on it would be the program's.
func visitHead(r *http.Request, proto string) []byte {
	scheme := r.Header.Get("X-Forwarded-Proto")
	if r.TLS != nil {
		scheme = "https"
	}
	head := r.Method + " " + r.URL.RequestURI() + " " + proto + "\r\nHost: " + r.Host + "\r\nConnection: close\r\n"
	if scheme != "" {
		head += "X-Forwarded-Proto: " + scheme + "\r\n"
	}
	for key, values := range r.Header {
		if visitFields[key] || strings.HasPrefix(key, "Sec-Fetch-") {
			for _, value := range values {
				head += key + ": " + value + "\r\n"
			}
		}
	}
	return []byte(head)
}

// maxVisitBody is more than any page of ours sends.
const maxVisitBody = 1 << 18

// passOn has the supervisor answer through this worker: a connection with TLS or HTTP/2 cannot be handed over.
func (b *Browser) passOn(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxVisitBody+1))
	if err != nil {
		return
	}
	if len(body) > maxVisitBody {
		refuse(w, http.StatusRequestEntityTooLarge, "This is more than the page sends.")
		return
	}
	wire := b.wire(r.RemoteAddr)
	if wire == nil {
		refuse(w, http.StatusServiceUnavailable, "hotreload cannot be reached.")
		return
	}
	defer wire.Close()
	defer goesWith(r, wire)()
	head := append(visitHead(r, "HTTP/1.1"), "Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"...)
	if _, err := wire.Write(append(head, body...)); err != nil {
		refuse(w, http.StatusBadGateway, "hotreload has not heard the request.")
		return
	}
	answer, err := http.ReadResponse(bufio.NewReader(wire), r)
	if err != nil {
		refuse(w, http.StatusBadGateway, "hotreload has not answered.")
		return
	}
	defer answer.Body.Close()
	for key, values := range answer.Header {
		w.Header()[key] = values
	}
	w.Header().Del("Connection") // HTTP/2 takes this header for a wish to end the connection
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	stream := isEventStream(answer.Header.Get("Content-Type"))
	if stream {
		if own, can := w.(deadlines); can {
			_, _ = own.SetReadDeadline(time.Time{}), own.SetWriteDeadline(time.Time{})
		}
		defer passed.remove(wire)
	}
	w.WriteHeader(answer.StatusCode)
	if !stream || passed.add(wire) {
		copyAndFlush(w, answer.Body)
	}
}

// wire is a connection to the supervisor for a request from this address; nil if the supervisor does not take one.
func (b *Browser) wire(remote string) net.Conn {
	ours, theirs := pair()
	if ours == nil {
		return nil
	}
	defer closeFd(theirs)
	if !b.Visit(remote, nil, theirs) {
		_ = ours.Close()
		return nil
	}
	return ours
}

// copyAndFlush writes all bytes as soon as they arrive.
func copyAndFlush(w http.ResponseWriter, from io.Reader) {
	flusher, _ := w.(http.Flusher)
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				return
			}
			if flusher != nil {
				flusher.Flush()
			}
		}
		if err != nil {
			return
		}
	}
}

// passed are the event streams that pass through this worker.
var passed wires

type wires struct {
	sync.Mutex
	open  map[net.Conn]struct{}
	ended bool
}

// add returns false if no more streams may begin: the browser then gets an ended stream, and asks again, on another
// connection.
func (all *wires) add(wire net.Conn) bool {
	all.Lock()
	defer all.Unlock()
	if all.ended {
		return false
	}
	if all.open == nil {
		all.open = map[net.Conn]struct{}{}
	}
	all.open[wire] = struct{}{}
	return true
}

func (all *wires) remove(wire net.Conn) {
	all.Lock()
	delete(all.open, wire)
	all.Unlock()
}

// end ends all streams, present and future ones: the worker is about to exit, and streams would keep the worker
// running.
func (all *wires) end() {
	all.Lock()
	defer all.Unlock()
	all.ended = true
	for wire := range all.open {
		_ = wire.Close()
	}
}
