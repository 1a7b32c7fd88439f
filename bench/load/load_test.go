package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve answers each connection by f, and returns the address.
func serve(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			connection, err := l.Accept()
			if err != nil {
				return
			}
			go f(connection) // ends with its connection
		}
	}()
	return l.Addr().String()
}

// read reads one request.
func read(c net.Conn) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return r
}

func TestEachLossHasItsClass(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	cases := []struct {
		name    string
		address string
		want    Class
	}{
		{"nobody listens", nobody.Addr().String(), Refused},
		{"reset after the request", serve(t, func(c net.Conn) {
			read(c)
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}), Reset},
		{"closed without an answer", serve(t, func(c net.Conn) { read(c); c.Close() }), EOF},
		{"closed within the head", serve(t, func(c net.Conn) { read(c); io.WriteString(c, "HTTP/1.1 200"); c.Close() }), EOF},
		{"closed within the body", serve(t, func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			c.Close()
		}), EOF},
		{"no answer", serve(t, func(c net.Conn) { read(c); read(c); c.Close() }), Timeout},
		{"another status", serve(t, func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
			c.Close()
		}), Wrong},
		{"another answer", serve(t, func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
			c.Close()
		}), Wrong},
		{"the answer", serve(t, func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes")
			c.Close()
		}), Answered},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // each client asks once
			var told atomic.Int64
			r := Run(ctx, Options{
				Lost: func(l Loss) {
					if told.Add(1); l.Class != c.want || l.Err == nil || l.Opened.After(l.Began) || l.Ended.Before(l.Began) {
						t.Errorf("told of %+v", l)
					}
				},
				Network: "tcp", Address: c.address, Clients: 4, Habits: []Habit{{}, {Keep: true, Post: 100}},
				Timeout: 200 * time.Millisecond,
				Check: func(_ uint64, _, answer []byte) error {
					if string(answer) != "yes" {
						return fmt.Errorf("%q", answer)
					}
					return nil
				},
			})
			if r.KeepAlive.Outcomes[c.want] != 2 || r.Fresh.Outcomes[c.want] != 2 || r.All.Requests != 4 {
				t.Errorf("want 4 requests, each %s; have\n%s", c.want, r)
			}
			if want := map[bool]int{true: 0, false: 4}[c.want == Answered]; r.Lost() != want || int(told.Load()) != want {
				t.Errorf("lost %d and told of %d, want %d", r.Lost(), told.Load(), want)
			}
		})
	}
}

// Requests and answers are counted once, as the server counts them, and connections are kept where they should be.
func TestCountsAreTheServersCounts(t *testing.T) {
	var requests, posts, connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost {
			posts.Add(1)
			if posts.Load()%100 == 0 {
				w.Header().Set("Connection", "close")
			}
		}
		fmt.Fprint(w, r.FormValue("id"), " ", len(body), " ", strings.HasPrefix(string(body), r.FormValue("id")))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r := Run(ctx, Options{
		Network: "tcp", Address: server.Listener.Addr().String(), Clients: 8,
		Check: func(id uint64, sent, answer []byte) error {
			if want := fmt.Sprint(id, " ", len(sent), " ", len(sent) > 0); string(answer) != want {
				return fmt.Errorf("%q, want %q", answer, want)
			}
			return nil
		},
	})
	t.Logf("\n%s", r)
	if r.Lost() != 0 || int64(r.All.Requests) != requests.Load() || int64(r.KeepAlive.Requests) != posts.Load() ||
		int64(r.All.Connections) != connections.Load() {
		t.Errorf("lost %d; have %d requests, %d of them POST, %d connections; the server had %d, %d, %d",
			r.Lost(), r.All.Requests, r.KeepAlive.Requests, r.All.Connections, requests.Load(), posts.Load(), connections.Load())
	}
	if want := 4 + posts.Load()/100; int64(r.KeepAlive.Connections) > want {
		t.Errorf("%d connections for %d POSTs, want at most %d", r.KeepAlive.Connections, r.KeepAlive.Requests, want)
	}
	if r.All.P50 <= 0 || r.All.P50 > r.All.P99 || r.All.P99 > r.All.Max {
		t.Errorf("p50 %v, p99 %v, max %v", r.All.P50, r.All.P99, r.All.Max)
	}
}

func TestOwnErrorsAreNotTheServers(t *testing.T) {
	if have := classOf(errors.New("too many open files")); have != Other {
		t.Errorf("have %s", have)
	}
}

// Habits, TLS and the time at which a connection was asked for reach the server as they should.
func TestHabits(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.FormValue("id"), " ", r.Method, " ", len(body), " ", r.Close)
	}))
	defer server.Close()
	began := time.Now()
	var since atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // each client asks once
	habits := []Habit{{}, {Post: 7}, {Keep: true}, {Keep: true, Post: 3, Trickle: time.Millisecond},
		{Keep: true, Post: 3, Spell: 100 * time.Microsecond}}
	wants := []string{" GET 0 true", " POST 7 true", " GET 0 false", " POST 3 false", " POST 3 false"}
	for i, habit := range habits {
		r := Run(ctx, Options{
			Network: "tcp", Address: server.Listener.Addr().String(), TLS: &tls.Config{InsecureSkipVerify: true},
			Clients: 2, Habits: []Habit{habit},
			Check: func(id uint64, _, answer []byte) error {
				if want := fmt.Sprint(id) + wants[i]; string(answer) != want {
					return fmt.Errorf("%q, want %q", answer, want)
				}
				return nil
			},
			Since: func(opened, _ time.Time, _ []byte) error {
				since.Add(1)
				if opened.Before(began) {
					return fmt.Errorf("opened at %v, before %v", opened, began)
				}
				return nil
			},
		})
		if r.Lost() > 0 || r.All.Requests != 2 || r.All.Connections != 2 {
			t.Errorf("%+v: want 2 answers on 2 connections, have\n%s", habit, r)
		}
	}
	if since.Load() != 10 {
		t.Errorf("Since was called %d times, want 10", since.Load())
	}
}

// echo is a Caller whose answer is the request's number, as long as it has no more than five.
type echo struct{ asked, hungUp int }

func (e *echo) Ask(r Request) ([]byte, error) {
	if e.asked++; e.asked > 5 {
		return nil, io.ErrUnexpectedEOF
	}
	return fmt.Append(nil, r.ID), nil
}

func (e *echo) HangUp() { e.hungUp++ }

func TestCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var one echo
	r := Run(ctx, Options{
		Clients: 1, Habits: []Habit{{Keep: true}}, Caller: func() Caller { return &one },
		Check: func(id uint64, _, answer []byte) error {
			if id == 5 {
				cancel()
			}
			if string(answer) != fmt.Sprint(id) {
				return fmt.Errorf("%q", answer)
			}
			return nil
		},
	})
	if r.All.Requests != 5 || r.Lost() != 0 || one.hungUp != 1 {
		t.Errorf("want 5 answers and 1 end, have %d ends and\n%s", one.hungUp, r)
	}
	if r = Run(ctx, Options{Clients: 1, Caller: func() Caller { return &one }}); r.All.Outcomes[EOF] != 1 {
		t.Errorf("want a loss, have\n%s", r)
	}
}
