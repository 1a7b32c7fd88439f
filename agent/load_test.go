//go:build linux || darwin

package agent_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is a record of the requests of clients. A client never retries a request.
type load struct {
	mu       sync.Mutex
	requests int
	servers  map[string]int // answers by pid
	failures []string

	stop chan struct{}
	done sync.WaitGroup
}

// run starts clients. Each client calls once again and again.
func run(clients int, client func() (once func() (pid string, err error), end func())) *load {
	l := &load{servers: map[string]int{}, stop: make(chan struct{})}
	for range clients {
		l.done.Add(1)
		go func() { // ends with stop; end waits
			defer l.done.Done()
			once, end := client()
			defer end()
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				pid, err := once()
				l.mu.Lock()
				l.requests++
				if err != nil {
					l.failures = append(l.failures, err.Error())
				} else {
					l.servers[pid]++
				}
				l.mu.Unlock()
				if err != nil {
					time.Sleep(100 * time.Microsecond) // leave the processor to the recovery
				}
			}
		}()
	}
	return l
}

// end stops the clients and reports the result.
func (l *load) end(t *testing.T) (failures int) {
	close(l.stop)
	l.done.Wait()
	t.Logf("%d requests, %d workers answered, %d failures", l.requests, len(l.servers), len(l.failures))
	for i, failure := range l.failures {
		if i == 5 {
			break
		}
		t.Log(failure)
	}
	return len(l.failures)
}

// seen reports how many workers have answered.
func (l *load) seen() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.servers)
}

// until waits until this number of workers have answered.
func (l *load) until(t *testing.T, workers int) {
	t.Helper()
	for end := time.Now().Add(limit); l.seen() < workers; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("have answers of %d workers, want %d; failures %q", l.seen(), workers, l.failures)
		}
	}
}

// keepAlive is a client that holds its connection until the server announces the end.
func keepAlive(network, address, request string, think time.Duration) func() (func() (string, error), func()) {
	return keepAliveWriting(network, address, request, think, func(conn net.Conn, request string) error {
		_, err := io.WriteString(conn, request)
		return err
	})
}

// slow is a client that sends the body byte by byte.
func slow(address string) func() (func() (string, error), func()) {
	return keepAliveWriting("tcp", address, post, 0, writeSlowly)
}

func writeSlowly(conn net.Conn, request string) error {
	head := strings.Index(request, "\r\n\r\n") + len("\r\n\r\n")
	_, err := io.WriteString(conn, request[:head])
	for i := head; i < len(request) && err == nil; i++ {
		time.Sleep(10 * time.Millisecond) // the pace of a slow client
		_, err = io.WriteString(conn, request[i:i+1])
	}
	return err
}

func keepAliveWriting(network, address, request string, think time.Duration,
	write func(net.Conn, string) error) func() (func() (string, error), func()) {
	return func() (func() (string, error), func()) {
		var conn net.Conn
		var in *bufio.Reader
		close := func() {
			if conn != nil {
				conn.Close()
				conn = nil
			}
		}
		once := func() (pid string, err error) {
			defer func() {
				if err != nil {
					close()
				}
			}()
			fresh := conn == nil
			if fresh {
				if conn, err = dial(network, address); err != nil {
					return "", fmt.Errorf("connect: %w", err)
				}
				in = bufio.NewReader(conn)
			}
			_ = conn.SetDeadline(time.Now().Add(limit))
			if err = write(conn, request); err != nil {
				return "", fmt.Errorf("write (fresh %v): %w", fresh, err)
			}
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				return "", fmt.Errorf("read (fresh %v): %w", fresh, err)
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				return "", fmt.Errorf("read the body: %w", err)
			}
			if answer.StatusCode != http.StatusOK {
				return "", fmt.Errorf("status %s", answer.Status)
			}
			if answer.Close {
				close()
			}
			time.Sleep(think) // as people do between two requests
			pid, _, _ = strings.Cut(string(body), " ")
			return pid, nil
		}
		return once, close
	}
}

// dial connects; "tls" is TCP with TLS, without HTTP/2.
func dial(network, address string) (net.Conn, error) {
	if network == "tls" {
		return tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	}
	return net.Dial(network, address)
}

// post is a request of a method that no client may send twice.
const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"

// mebibyte is a request with a body too large for all buffers on the way.
var mebibyte = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20)

// closing is a request on a connection of its own.
const closing = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// sent is a body that cannot be read again, so net/http does not retry the request, and knows whether reading has
// begun.
type sent struct {
	io.Reader
	begun atomic.Bool
}

func (s *sent) Read(p []byte) (int, error) {
	s.begun.Store(true)
	return s.Reader.Read(p)
}

// http2 is a client of package net/http. If the client chooses a connection whose server has just sent GOAWAY, the
// client sends nothing and gives up a body not yet read: then nothing was lost, and http2 asks again.
func http2(scheme, address string) func() (func() (string, error), func()) {
	return func() (func() (string, error), func()) {
		insecure := &tls.Config{InsecureSkipVerify: true}
		transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: insecure}
		transport.Protocols.SetHTTP2(true)
		transport.Protocols.SetUnencryptedHTTP2(true)
		once := func() (string, error) {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			for {
				body := &sent{Reader: strings.NewReader("hello")}
				pid, err := ask2(ctx, transport, scheme+"://"+address+"/", body)
				if err == nil || body.begun.Load() || !strings.Contains(err.Error(), "cannot rewind body") {
					return pid, err
				}
			}
		}
		return once, transport.CloseIdleConnections
	}
}

func ask2(ctx context.Context, transport *http.Transport, url string, body io.Reader) (pid string, err error) {
	request, err := http.NewRequestWithContext(ctx, "POST", url, body)
	if err != nil {
		return "", err
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	pid, rest, _ := strings.Cut(string(text), " ")
	if rest != "5 HTTP/2.0" {
		return "", fmt.Errorf("have answer %q", text)
	}
	return pid, nil
}

// together makes several clients one: on one HTTP/2 connection, streams begin while others end.
func together(client func() (func() (string, error), func())) func() (func() (string, error), func()) {
	once, end := client()
	return func() (func() (string, error), func()) { return once, end }
}

// raw is a client that connects for each call, and receives one line.
func raw(address string) func() (func() (string, error), func()) {
	return func() (func() (string, error), func()) {
		return func() (string, error) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return "", fmt.Errorf("connect: %w", err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(limit))
			line, err := bufio.NewReader(conn).ReadString('\n')
			return strings.TrimSpace(line), err
		}, func() {}
	}
}
