//go:build linux || darwin

package linked_test

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
	"testing"
	"time"
)

// load is what clients have done, who never try anything a second time.
type load struct {
	mu       sync.Mutex
	requests int
	servers  map[string]int // answers by pid
	failures []string

	stop chan struct{}
	done sync.WaitGroup
}

// run starts clients, each of which calls once again and again. It returns who answered.
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
					time.Sleep(100 * time.Microsecond) // else who fails at once takes the time in which it would get better
				}
			}
		}()
	}
	return l
}

// end stops the clients and says what came of it.
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

// until waits until so many workers have answered.
func (l *load) until(t *testing.T, workers int) {
	t.Helper()
	for end := time.Now().Add(limit); l.seen() < workers; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("have answers of %d workers, want %d; failures %q", l.seen(), workers, l.failures)
		}
	}
}

// keepAlive is a client that holds its connection as long as the server does not say that it will close it.
func keepAlive(network, address, request string, think time.Duration) func() (func() (string, error), func()) {
	return keepAliveWriting(network, address, request, think, func(conn net.Conn, request string) error {
		_, err := io.WriteString(conn, request)
		return err
	})
}

// slow is one that sends the body byte by byte.
func slow(address string) func() (func() (string, error), func()) {
	return keepAliveWriting("tcp", address, post, 0, func(conn net.Conn, request string) error {
		head := len(request) - len("hello")
		_, err := io.WriteString(conn, request[:head])
		for i := head; i < len(request) && err == nil; i++ {
			time.Sleep(10 * time.Millisecond)
			_, err = io.WriteString(conn, request[i:i+1])
		}
		return err
	})
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
				if conn, err = net.Dial(network, address); err != nil {
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
			time.Sleep(think)
			pid, _, _ = strings.Cut(string(body), " ")
			return pid, nil
		}
		return once, close
	}
}

// post is a request of a method that no client may send twice.
const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"

// mebibyte is a request with a body that does not fit into any buffer on its way.
var mebibyte = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20)

// closing is a request on a connection of its own.
const closing = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// http2 is a client of package net/http. A body that it cannot read again keeps it from trying again by itself.
func http2(scheme, address string) func() (func() (string, error), func()) {
	return func() (func() (string, error), func()) {
		transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		transport.Protocols.SetHTTP2(true)
		transport.Protocols.SetUnencryptedHTTP2(true)
		once := func() (string, error) {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			body := struct{ io.Reader }{strings.NewReader("hello")}
			request, err := http.NewRequestWithContext(ctx, "POST", scheme+"://"+address+"/", body)
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
		return once, transport.CloseIdleConnections
	}
}

// raw is a client that connects and is sent one line.
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
