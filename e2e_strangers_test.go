//go:build linux || darwin

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"hotreload/worker/linked/protocol"
)

// TestStrangersAreTurnedAway: whoever connects to the agents' socket and is no agent gets nowhere, hotreload says so in
// one line for each kind, and nobody else notices.
func TestStrangersAreTurnedAway(t *testing.T) {
	t.Parallel()
	temp, err := os.MkdirTemp("", "hr") // short: there is little room in the address of a Unix socket
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
				break // it has heard enough
			}
		}
		if times == 1 {
			_ = conn.(*net.UnixConn).CloseWrite()
		}
		_, _ = conn.Read(make([]byte, 1)) // until we are turned away
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
		{"the agent of another hotreload", older, 1, `another version of the protocol than ours, 1`},
		{"a gigabyte", bytes.Repeat([]byte{protocol.Version}, 1<<20), 1024, `is not a hello|are not a hello|longer`},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1, `another version`},
	} {
		for range 3 { // and is told once
			stranger(c.words, c.times)
		}
		line := fmt.Sprintf(`\[hotreload\] pid %d was turned away from the workers' socket: .*(%s).*\n`, os.Getpid(), c.says)
		s.eventually(c.name+" is said", func() bool { return regexp.MustCompile(line).MatchString(s.text()) })
	}
	if n := s.count(`was turned away`); n > 6 {
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
