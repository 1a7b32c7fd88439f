//go:build go1.27

package web

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"
)

// tableHTTP2 makes net/http find its HTTP/2 server in server.TLSNextProto, as until Go 1.26, and reports whether it
// does so now. Since Go 1.27 net/http keeps this server in a field instead, and does not look into the table while the
// field is set. conn is the server's first connection.
//
// The functions in the table serve a connection with a second http.Server, which has the same settings and no
// connections of its own; golang.org/x/net/http2 does the same. net/http hands this function out in the same way as to
// golang.org/x/net/http2: see settings.
func tableHTTP2(server *http.Server, conn net.Conn) bool {
	_, overTLS := conn.(*tls.Conn)
	if _, other := conn.(interface{ ConnectionState() tls.ConnectionState }); other && !overTLS {
		return false // a type of the program's: net/http looks into the table only for a *tls.Conn
	}
	own := hidden(server, "h2")
	if own.Kind() != reflect.Pointer || own.IsNil() || server.TLSNextProto == nil {
		return false
	}
	given := &settings{server: server}
	if config := hidden(server, "h2Config"); config.IsValid() {
		given.former, _ = config.Interface().(http2Settings)
	}
	second := secondOf(server)
	if err := second.Serve(given); err != nil || given.serve == nil {
		return false
	}
	server.RegisterOnShutdown(func() { _ = second.Shutdown(context.Background()) }) // has no listeners: ends at once
	serve := func(_ *http.Server, carrier *tls.Conn, handler http.Handler) {
		var conn net.Conn = carrier
		carried, inTheClear := carrier.NetConn().(interface{ UnencryptedNetConn() net.Conn })
		if inTheClear { // and net/http has read the greeting
			conn = carried.UnencryptedNetConn()
		}
		ctx := context.Background()
		if h, ok := handler.(based); ok {
			ctx = h.BaseContext()
		}
		given.serve(ctx, conn, handler, inTheClear, nil, nil)
	}
	server.TLSNextProto["h2"], server.TLSNextProto[greeted] = serve, serve
	own.Set(reflect.Zero(own.Type()))
	return true
}

// secondOf is a server with the same settings.
func secondOf(server *http.Server) *http.Server {
	second := new(http.Server)
	from, to := reflect.ValueOf(server).Elem(), reflect.ValueOf(second).Elem()
	for i := 0; i < from.NumField(); i++ {
		if from.Type().Field(i).IsExported() {
			to.Field(i).Set(from.Field(i))
		}
	}
	second.TLSNextProto, second.Handler = nil, nil
	if server.TLSConfig != nil {
		second.TLSConfig = server.TLSConfig.Clone() // net/http changes it
	}
	var ending *atomic.Bool
	if flag := hidden(server, "disableKeepAlives"); flag.IsValid() {
		ending, _ = flag.Addr().Interface().(*atomic.Bool)
	}
	second.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateIdle && ending != nil { // net/http now asks whether to keep the connection
			second.SetKeepAlivesEnabled(!ending.Load())
		}
		if server.ConnState != nil {
			server.ConnState(conn, state)
		}
	}
	return second
}

// http2Settings is what golang.org/x/net/http2 tells net/http of a server, in the form of a listener to serve.
type http2Settings interface {
	HTTP2Config() http.HTTP2Config
	IdleTimeout() time.Duration
}

// settings are the http2Settings of a second server.
type settings struct {
	server *http.Server
	former http2Settings // of the program; may be nil
	serve  func(context.Context, net.Conn, http.Handler, bool, *http.Request, []byte)
}

// ServeConnFunc is called by net/http with the function that serves a connection. Its arguments are: the context, the
// connection, the handler, whether the greeting was read, a request from HTTP/1 that becomes the first stream, and the
// settings of this request.
func (s *settings) ServeConnFunc(
	serve func(context.Context, net.Conn, http.Handler, bool, *http.Request, []byte),
) {
	s.serve = serve
}

// HTTP2Config is called by net/http.
func (s *settings) HTTP2Config() http.HTTP2Config {
	if s.former != nil {
		return s.former.HTTP2Config()
	}
	return http.HTTP2Config{}
}

// IdleTimeout is called by net/http.
func (s *settings) IdleTimeout() time.Duration {
	if s.former != nil {
		return s.former.IdleTimeout()
	}
	if s.server.IdleTimeout != 0 {
		return s.server.IdleTimeout
	}
	return s.server.ReadTimeout
}

var errNoListener = errors.New("settings, not a listener")

// Accept makes settings a net.Listener, and is not called.
func (s *settings) Accept() (net.Conn, error) { return nil, errNoListener }

// Close is like Accept.
func (s *settings) Close() error { return errNoListener }

// Addr is like Accept.
func (s *settings) Addr() net.Addr { return nil }

// hidden is a field of the server that is not exported, to be read and set; the zero Value if there is no such field.
func hidden(server *http.Server, name string) reflect.Value {
	field := reflect.ValueOf(server).Elem().FieldByName(name)
	if !field.IsValid() {
		return field
	}
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}
