//go:build linux || darwin

package host

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"hotreload/agent/protocol"
)

// Browser sets the configuration for browsers, by the worker's generation, for agents that connect from now on. told
// is called from any goroutine.
func (h *Host) Browser(told func(generation int) Browser) {
	h.mu.Lock()
	h.browser = told
	h.mu.Unlock()
}

// welcome is the first message to an agent.
func (h *Host) welcome(g *guest) []byte {
	h.mu.Lock()
	told, generation := h.browser, g.head().generation
	tracer := 0
	if g.of == nil && g.held {
		tracer = os.Getpid()
	}
	h.mu.Unlock()
	body := protocol.Numbers(uint32(h.grace.Milliseconds()), uint32(tracer))
	if told != nil {
		body = protocol.AppendBrowser(body, told(generation))
	}
	return body
}

// visit takes over a connection on which a browser asks for a path of ours.
func (h *Host) visit(g *guest, in *reader, body []byte) error {
	fd := in.takeFd()
	remote, first, more, ok := protocol.ParseVisit(body)
	first = append([]byte(nil), first...)
	var err error
	for more && ok && err == nil {
		var kind protocol.Kind
		if kind, body, err = in.next(); err == nil {
			var next []byte
			_, next, more, ok = protocol.ParseVisit(body)
			first = append(first, next...)
			ok = ok && kind == protocol.Visit && len(first) <= protocol.MaxVisit
		}
	}
	if err == nil && (!ok || fd < 0) {
		err = errors.New("it hands over a browser's connection and sends none")
	}
	if err != nil {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return err
	}
	file := os.NewFile(uintptr(fd), "visit")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		return nil // no descriptors are left, or the other side is gone: not the worker's fault
	}
	v := &visitor{Conn: conn, first: first, remote: conn.RemoteAddr()}
	if address, err := netip.ParseAddrPort(remote); err == nil {
		v.remote = net.TCPAddrFromAddrPort(address)
	}
	h.events(Visited{Worker: g.worker, Conn: v})
	return nil
}

// visitor is a connection whose first bytes were read by a worker.
type visitor struct {
	net.Conn
	first  []byte // used by the reading goroutine alone
	remote net.Addr
}

func (v *visitor) Read(p []byte) (int, error) {
	if len(v.first) > 0 {
		n := copy(p, v.first)
		v.first = v.first[n:]
		return n, nil
	}
	return v.Conn.Read(p)
}

func (v *visitor) RemoteAddr() net.Addr { return v.remote }

// CloseWrite is for net/http, which looks for this method.
func (v *visitor) CloseWrite() error {
	if half, can := v.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
