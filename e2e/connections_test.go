//go:build linux || darwin

package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFirstRefreshIsNew: after the line "serves", the first answer on a browser's kept connection comes from the new
// code. The same holds after hotreload wait, and after a restart.
func TestFirstRefreshIsNew(t *testing.T) {
	t.Parallel()
	s := startControlled(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	ask := func(want string) {
		t.Helper()
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", s.addr); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); string(body) != want || answer.Close || err != nil {
			t.Errorf("have %q, the last answer: %v (%v); want %q and more", body, answer.Close, err, want)
		}
	}
	ask("v1")
	for n := 2; n <= 6; n++ {
		s.save("version.go", version(fmt.Sprint("v", n), ""))
		if n%2 == 0 {
			s.waitFor(fmt.Sprintf(`generation %d serves`, n))
		} else if _, code := s.command("wait"); code != 0 {
			t.Fatalf("hotreload wait ends with %d", code)
		}
		ask(fmt.Sprint("v", n))
	}
	if _, code := s.command("restart"); code != 0 {
		t.Fatalf("hotreload restart ends with %d", code)
	}
	ask("v6")
}

// TestFirstRefreshOverTLSIsNew: the same for a client with TLS and HTTP/1.1, whose connection cannot move. The client
// is told to open another one.
func TestFirstRefreshOverTLSIsNew(t *testing.T) {
	t.Parallel()
	overTLS := freeAddr(t)
	s := start(t, newModule(t, map[string]string{"main.go": site}), ".", "{addr}", overTLS)
	s.waitFor(`generation 1 serves`)
	s.listens(s.addr, overTLS)
	for n := 2; n <= 6; n++ {
		conn, err := tls.Dial("tcp", overTLS, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		in := bufio.NewReader(conn)
		for _, want := range []string{fmt.Sprint("v", n-1), fmt.Sprint("v", n)} {
			last := want == fmt.Sprint("v", n)
			if last {
				s.save("version.go", version(want, ""))
				s.waitFor(fmt.Sprintf(`generation %d serves`, n))
			}
			if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", overTLS); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			if !strings.Contains(string(body), want+" HTTP/1.1") || answer.Close != last || err != nil {
				t.Errorf("have %q, the last answer: %v (%v); want %s, %v", body, answer.Close, err, want, last)
			}
		}
		conn.Close()
	}
}
