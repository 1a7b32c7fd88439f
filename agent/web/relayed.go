package web

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"time"
	"unsafe"
)

// relayed is a connection of the server for the request of a client that is connected to another worker. The program
// sees it as the client's connection.
type relayed struct {
	*net.UnixConn
	local, remote net.Addr
	tls           *tls.ConnectionState
}

func (c *relayed) LocalAddr() net.Addr  { return c.local }
func (c *relayed) RemoteAddr() net.Addr { return c.remote }

// describe gives a request all that a handler would see of the client's own connection.
func (c *relayed) describe(r *http.Request) {
	r.TLS = c.tls
	if c.tls != nil && c.tls.NegotiatedProtocol == "h2" { // relayLate
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	}
}

// prefaceTimeout is how long the other worker may take to send the client's description. That worker waits for
// nothing before.
const prefaceTimeout = 10 * time.Second

// takeRelayed is Take for a request.
func (m *Mover) takeRelayed(listener, how uint32, fd int) (serve func(bool)) {
	file := os.NewFile(uintptr(fd), "relay")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		return nil
	}
	l := m.lobbyOf(listener)
	if how >= overTLS {
		l = m.secureOf(listener)
	}
	wire, ok := conn.(*net.UnixConn)
	if !ok || l == nil || !l.wants(how) || !l.serve() {
		_ = conn.Close()
		return nil
	}
	return func(ours bool) {
		if !ours {
			_ = wire.Close()
			return
		}
		go l.admit(wire) // ends soon
	}
}

// wants reports whether the server would accept a request from a client that was asked for certificates in this way.
func (l *lobby) wants(how uint32) bool {
	g, _ := l.server.Handler.(*gate)
	switch {
	case g == nil || g.curious || !l.mover.relays || l.isClosed():
		return false
	case l.config == nil:
		return how == inClear
	}
	return how == overTLS+uint32(l.config.ClientAuth)
}

// admit hands a relayed request to the server.
func (l *lobby) admit(wire *net.UnixConn) {
	conn := &relayed{UnixConn: wire}
	raw, err := wire.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { l.mover.agent.Adopt(int(fd), l.listener) })
	}
	if err == nil {
		err = conn.readPreface()
	}
	if err != nil {
		_ = wire.Close()
		return
	}
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.ready = append(l.ready, conn)
	}
	l.mu.Unlock()
	if closed {
		_ = wire.Close()
		return
	}
	l.wake()
}

// preface is the other worker's description of the client.
type preface struct {
	LocalTCP, RemoteTCP   *net.TCPAddr
	LocalUnix, RemoteUnix *net.UnixAddr
	TLS                   *tls.ConnectionState
}

// prefaceOf returns the preface with its length in front, to be written before the request. It returns false if
// something visible to a handler cannot be described.
func prefaceOf(conn net.Conn, state *tls.ConnectionState) ([]byte, bool) {
	_, secure := conn.(*tls.Conn)
	if secure != (state != nil) {
		return nil, false
	}
	p := preface{TLS: state}
	var local, remote bool
	switch a := conn.LocalAddr().(type) {
	case *net.TCPAddr:
		p.LocalTCP, local = a, a != nil
	case *net.UnixAddr:
		p.LocalUnix, local = a, a != nil
	}
	switch a := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		p.RemoteTCP, remote = a, a != nil
	case *net.UnixAddr:
		p.RemoteUnix, remote = a, a != nil
	}
	body, ok := encode(reflect.ValueOf(p))
	if !local || !remote || !ok || len(body) > maxPreface {
		return nil, false
	}
	return append(number(len(body)), body...), true
}

// maxPreface is larger than any client's certificates.
const maxPreface = 1 << 20

var errPreface = errors.New("hotreload: this is not what precedes a request")

func (c *relayed) readPreface() error {
	_ = c.SetReadDeadline(time.Now().Add(prefaceTimeout))
	var size [4]byte
	if _, err := io.ReadFull(c.UnixConn, size[:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(size[:])
	if length > maxPreface {
		return errPreface
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.UnixConn, body); err != nil {
		return err
	}
	var p preface
	d := decoder{}
	if !d.decode(body, reflect.ValueOf(&p).Elem()) {
		return errPreface
	}
	switch {
	case p.LocalTCP != nil:
		c.local = p.LocalTCP
	case p.LocalUnix != nil:
		c.local = p.LocalUnix
	}
	switch {
	case p.RemoteTCP != nil:
		c.remote = p.RemoteTCP
	case p.RemoteUnix != nil:
		c.remote = p.RemoteUnix
	}
	if c.local == nil || c.remote == nil {
		return errPreface
	}
	if c.tls = p.TLS; c.tls != nil {
		hasNoKeys(c.tls)
	}
	return c.SetReadDeadline(noDeadline)
}

// hasNoKeys makes ExportKeyingMaterial fail: the keys are in the other worker.
func hasNoKeys(state *tls.ConnectionState) {
	field, found := reflect.TypeOf(*state).FieldByName("ekm")
	none := func(string, []byte, int) ([]byte, error) {
		return nil, errors.New("hotreload: the keys of this connection are in the worker of the generation before")
	}
	if found && field.Type == reflect.TypeOf(none) {
		at := unsafe.Pointer(uintptr(unsafe.Pointer(state)) + field.Offset)
		*(*func(string, []byte, int) ([]byte, error))(at) = none
	}
}

// belowTLS returns the listener below one of crypto/tls, and its config; with a nil config, l is not of crypto/tls.
func belowTLS(l net.Listener) (net.Listener, *tls.Config) {
	v := reflect.ValueOf(l)
	if v.Kind() != reflect.Ptr || v.IsNil() || v.Elem().Kind() != reflect.Struct ||
		v.Type().Elem().PkgPath() != "crypto/tls" {
		return l, nil
	}
	inner, config := v.Elem().FieldByName("Listener"), v.Elem().FieldByName("config")
	if !inner.IsValid() || !config.IsValid() || config.Type() != reflect.TypeOf((*tls.Config)(nil)) {
		return l, nil
	}
	below, _ := inner.Interface().(net.Listener)
	return below, *(**tls.Config)(unsafe.Pointer(config.UnsafeAddr()))
}
