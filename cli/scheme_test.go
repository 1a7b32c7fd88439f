package cli

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestSchemeAt(t *testing.T) {
	handler := http.NotFoundHandler()
	server := func(start func(*httptest.Server), config *tls.Config) string {
		s := httptest.NewUnstartedServer(handler)
		s.TLS = config
		start(s)
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	raw := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() { // ends with the test
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				serve(conn)
			}
		}()
		return l.Addr().String()
	}
	for _, c := range []struct {
		name, address, want string
		limit               time.Duration
	}{
		{"plain", server((*httptest.Server).Start, nil), "http", time.Minute},
		{"TLS", server((*httptest.Server).StartTLS, nil), "https", time.Minute},
		{"TLS with a client's certificate",
			server((*httptest.Server).StartTLS, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}),
			"https", time.Minute},
		{"closes the connection", raw(func(c net.Conn) { c.Close() }), "http", time.Minute},
		{"says nothing", raw(func(net.Conn) {}), "http", 10 * time.Millisecond},
		{"nobody listens", "127.0.0.1:1", "http", time.Minute},
	} {
		if have := schemeAt(t.Context(), c.address, c.limit); have != c.want {
			t.Errorf("%s: have %s, want %s", c.name, have, c.want)
		}
	}
}

func TestSchemeAfter(t *testing.T) {
	for _, c := range []struct {
		name      string
		handshake error
		want      string
	}{
		{"success", nil, "https"},
		{"an alert", &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, "https"},
		{"an answer in HTTP", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "http"},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, "http"},
		{"closed", io.EOF, "http"},
	} {
		if have := schemeAfter(c.handshake); have != c.want {
			t.Errorf("%s: have %s, want %s", c.name, have, c.want)
		}
	}
}
