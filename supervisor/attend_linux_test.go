package supervisor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hotreload/bench/load"
	"hotreload/supervisor/host"
)

func TestJudge(t *testing.T) {
	const head = "GET /x HTTP/1.1\r\nHost: localhost\r\n"
	const page = head + "Accept: text/html,*/*\r\n"
	hook := &BrowserHook{Key: "k"}
	for _, c := range []struct {
		name, first string
		want        host.Verdict
	}{
		{"a document", page + "Sec-Fetch-Dest: document\r\n\r\n", host.Answer},
		{"a document without a destination", page + "\r\n", host.Answer},
		{"half a document", page, host.Unclear},
		{"the first byte", "G", host.Unclear},
		{"one of our paths", "GET /.hotreload/k/events HTTP/1.1\r\nHost: x\r\n\r\n", host.Answer},
		{"what a page says", "POST /.hotreload/k/console HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", host.Answer},
		{"a path with another key", "GET /.hotreload/kk/events HTTP/1.1\r\nHost: x\r\n\r\n", host.Wait},
		{"a program", head + "Accept: */*\r\n\r\n", host.Wait},
		{"a form", "POST" + page[3:] + "\r\n", host.Wait},
		{"what a script fetches", page + "Sec-Fetch-Dest: empty\r\n\r\n", host.Wait},
		{"a fragment", page + "HX-Request: true\r\n\r\n", host.Wait},
		{"another protocol in HTTP", page + "Upgrade: websocket\r\n\r\n", host.Wait},
		{"TLS", "\x16\x03\x01", host.Wait},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", host.Wait},
		{"another protocol", "EHLO x\r\n", host.Wait},
		{"no HTTP", "GET / \x00\r\n\r\n", host.Wait},
	} {
		if have := hook.judge([]byte(c.first)); have != c.want {
			t.Errorf("%s: have %d, want %d", c.name, have, c.want)
		}
	}
}

// TestBrowsersAreAnsweredWhileNobodyServes: again and again the worker is killed and cannot start for a while, until a
// new generation comes. Browsers get an answer meanwhile. Other clients may only lose requests inside a killed worker;
// requests sent while no worker runs wait for the next one. In the control, the agent does not take waiting
// connections.
func TestBrowsersAreAnsweredWhileNobodyServes(t *testing.T) {
	for _, control := range []bool{false, true} {
		t.Run(fmt.Sprint("control: ", control), func(t *testing.T) {
			address := freePort(t)
			plan := build(t, "unchanged", true)
			timeout := limit
			if control {
				t.Setenv("HOTRELOAD_TEST_WAITING", "off")
				timeout = 2 * time.Second
			}
			var served atomic.Int64
			s := start(t, Config{
				Name: plan.Path, Args: []string{"http", address, "bare"}, Agents: true,
				Policy: Policy{Grace: 2 * time.Second, OnExit: OnExitWait},
				Browser: &BrowserHook{
					Key: "k", Pages: func(int) Pages { return Pages{Tag: "<script ></script>"} },
					Take: func(conn net.Conn) { conn.Close() },
					Unserved: func(conn net.Conn) {
						defer conn.Close()
						if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
							served.Add(1)
							_, _ = io.WriteString(conn, "HTTP/1.1 503 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
						}
					},
				},
			})
			await(s, serving(s.replaceWith(plan)))
			lost, waited := 0, 0
			for round := range size(4, 100) {
				if pids := s.Signal(syscall.SIGKILL, AllSlots); len(pids) != 1 {
					t.Fatalf("have workers %v", pids)
				}
				await(s, func(Exited) bool { return true })
				before := served.Load()
				ctx, cancel := context.WithCancel(t.Context())
				reported := make(chan load.Report)
				go func() { // ends after cancel, when the last answer is in
					reported <- load.Run(ctx, load.Options{
						Network: "tcp", Address: address, Path: "/echo", Check: checkEcho, Timeout: timeout, Clients: 32,
						Habits: habits,
					})
				}()
				eventually(t, "", func() string { // hotreload answers browsers; other clients wait
					answer := askAsBrowser(t, address)
					if answer != http.StatusServiceUnavailable {
						return fmt.Sprintf("a browser gets %d", answer)
					}
					return ""
				})
				if served.Load() == before {
					t.Error("browsers are answered by somebody else")
				}
				await(s, serving(s.replaceWith(plan)))
				eventually(t, "", func() string {
					if answer := askAsBrowser(t, address); answer != http.StatusNotFound {
						return fmt.Sprintf("the program answers a browser by %d", answer)
					}
					return ""
				})
				cancel()
				report := <-reported
				lost += report.All.Lost()
				waited += report.All.Requests
				if !control && report.All.Lost() > 0 {
					t.Errorf("round %d: %v", round, report)
				}
			}
			t.Logf("%d requests, %d lost; %d answers to browsers", waited, lost, served.Load())
			if control && lost == 0 {
				t.Error("the control loses nothing: the test would not see it")
			}
		})
	}
}

// askAsBrowser requests a page, and returns the status; 0 if there was no answer within a moment.
func askAsBrowser(t *testing.T, address string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(time.Second)))
	// The request arrives in pieces.
	for _, piece := range strings.SplitAfter("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n", "\n") {
		if _, err := io.WriteString(conn, piece); err != nil {
			return 0
		}
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	return answer.StatusCode
}
