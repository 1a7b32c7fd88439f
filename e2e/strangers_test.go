//go:build linux || darwin

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"hotreload/agent/protocol"
)

// TestStrangersAreTurnedAway: the agents' socket refuses every client that is not an agent, hotreload prints one line
// for each kind, and agents are not disturbed.
func TestStrangersAreTurnedAway(t *testing.T) {
	t.Parallel()
	temp, err := os.MkdirTemp("", "hr") // short, because the path of a Unix socket has a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	s := setup{env: []string{"TMPDIR=" + temp}}.start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.serves("v1")
	worker := s.pid()
	found, _ := filepath.Glob(filepath.Join(temp, "hotreload-*", "agent"))
	if len(found) != 1 {
		t.Fatalf("have sockets %q, want one", found)
	}
	if info, err := os.Stat(filepath.Dir(found[0])); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the socket: %v, %v, want 0700", info.Mode(), err)
	}
	stranger := func(words []byte, times int) {
		t.Helper()
		conn, err := net.Dial("unix", found[0])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		for range times {
			if _, err := conn.Write(words); err != nil {
				break // the socket accepts no more data
			}
		}
		if times == 1 {
			_ = conn.(*net.UnixConn).CloseWrite()
		}
		_, _ = conn.Read(make([]byte, 1)) // until the connection is closed
	}
	hello := protocol.AppendHello(nil, os.Getpid(), "1.guess")
	older := bytes.Clone(hello)
	older[1] = protocol.Version + 1
	for _, c := range []struct {
		name  string
		words []byte
		times int
		says  string
	}{
		{"nothing", nil, 1, `no hello`},
		{"half a message", hello[:len(hello)/2], 1, `no hello: unexpected EOF`},
		{"a token that is none", hello, 1, `its token is not that of a worker`},
		{"the agent of another hotreload", older, 1,
			fmt.Sprint("another version of the protocol than ours, ", protocol.Version)},
		{"a gigabyte", bytes.Repeat([]byte{protocol.Version}, 1<<20), 1024, `is not a hello|are not a hello|longer`},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1, `another version`},
	} {
		for range 3 { // and is reported once
			stranger(c.words, c.times)
		}
		line := fmt.Sprintf(`\[hotreload\] pid %d was refused at the workers' socket: .*(%s).*\n`, os.Getpid(), c.says)
		s.eventually(c.name+" is said", func() bool { return regexp.MustCompile(line).MatchString(s.text()) })
	}
	if n := s.count(`was refused`); n > 6 {
		t.Errorf("%d lines, want one for each kind", n)
	}
	if now := s.pid(); now != worker {
		t.Errorf("the worker changed from %d to %d", worker, now)
	}
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.waitFor(`generation 2 serves`)
	if now, _ := s.get("/"); now != "v2" {
		t.Errorf("after the reload %q serves", now)
	}
}
