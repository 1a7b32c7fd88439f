package web

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// http2Client speaks HTTP/2 to a gatedServer, frame by frame.
type http2Client struct {
	t    *testing.T
	conn net.Conn
}

func newHTTP2Client(t *testing.T, s *gatedServer, overTLS bool) *http2Client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if overTLS {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	_ = conn.SetDeadline(time.Now().Add(limit))
	c := &http2Client{t, conn}
	c.write([]byte(greeting))
	c.write(frame(settingsFrame, 0))
	return c
}

func (c *http2Client) write(p []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// until reads frames up to the first of a kind, and returns its flags and payload.
func (c *http2Client) until(kind byte) (flags byte, payload []byte) {
	c.t.Helper()
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c.conn, head); err != nil {
			c.t.Fatalf("no frame of kind %d: %v", kind, err)
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c.conn, payload); err != nil {
			c.t.Fatal(err)
		}
		if head[3] == kind {
			return head[4], payload
		}
	}
}

// get sends GET / as the first stream: indexed header fields :method GET, :scheme http, :path /, and :authority x.
func (c *http2Client) get() {
	c.t.Helper()
	const endStream = 1
	request := frame(headersFrame, flagEndHeaders|endStream, 0x82, 0x86, 0x84, 0x41, 1, 'x')
	binary.BigEndian.PutUint32(request[5:9], 1)
	c.write(request)
}

// TestHTTP2KeepsTheServersSettings: a server whose connections are followed announces the program's limits, tells
// its clients about Shutdown, and ends connections after SetKeepAlivesEnabled(false), as net/http does by itself.
func TestHTTP2KeepsTheServersSettings(t *testing.T) {
	const maxConcurrentStreams, streams = 3, 7
	for name, overTLS := range map[string]bool{"TLS": true, "in the clear": false} {
		t.Run(name, func(t *testing.T) {
			s := newGatedServer(t, overTLS, func(http.ResponseWriter, *http.Request) {}, func(server *http.Server) {
				server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
			})
			first := newHTTP2Client(t, s, overTLS)
			_, settings := first.until(settingsFrame)
			announced := uint32(0)
			for ; len(settings) >= 6; settings = settings[6:] {
				if binary.BigEndian.Uint16(settings) == maxConcurrentStreams {
					announced = binary.BigEndian.Uint32(settings[2:])
				}
			}
			if announced != streams {
				t.Errorf("the server announces %d streams, want the program's %d", announced, streams)
			}
			if followed.Lock(); len(followed.open) == 0 {
				t.Error("the connection is not followed")
			}
			followed.Unlock()

			s.Config.SetKeepAlivesEnabled(false)
			first.get()
			first.until(goAwayFrame)

			s.Config.SetKeepAlivesEnabled(true)
			second := newHTTP2Client(t, s, overTLS)
			second.until(settingsFrame)
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.Config.Shutdown(ctx) }() // ends with ctx
			second.until(goAwayFrame)
			if err := <-ended; err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}
