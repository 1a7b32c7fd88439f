//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestParseAddress(t *testing.T) {
	long := "/" + strings.Repeat("x", maxUnixPath)
	for text, want := range map[string]Address{
		"8080":                 {"", "tcp", ":8080", 0},
		":8080":                {"", "tcp", ":8080", 0},
		"0":                    {"", "tcp", ":0", 0},
		"127.0.0.1:8080":       {"", "tcp", "127.0.0.1:8080", 0},
		"[::1]:8080":           {"", "tcp", "[::1]:8080", 0},
		"localhost:80":         {"", "tcp", "localhost:80", 0},
		"tcp4:0.0.0.0:80":      {"", "tcp4", "0.0.0.0:80", 0},
		"tcp6:[::]:80":         {"", "tcp6", "[::]:80", 0},
		"tcp:80":               {"", "tcp", ":80", 0},
		"tcp://127.0.0.1:80":   {"", "tcp", "127.0.0.1:80", 0},
		"unix:/run/app.sock":   {"", "unix", "/run/app.sock", 0},
		"unix:///run/app.sock": {"", "unix", "/run/app.sock", 0},
		"unix:app.sock":        {"", "unix", "app.sock", 0},
		"./app.sock":           {"", "unix", "./app.sock", 0},
		"/run/app.sock":        {"", "unix", "/run/app.sock", 0},
		"unix:@name":           {"", "unix", "@name", 0},
		"@name":                {"", "unix", "@name", 0},
		"http=:8080":           {"http", "tcp", ":8080", 0},
		"web=unix:/a=b":        {"web", "unix", "/a=b", 0},
		"/a=b":                 {"", "unix", "/a=b", 0},
		"":                     {},
		"=:80":                 {},
		"a b=:80":              {},
		"@":                    {},
		"unix:":                {},
		"127.0.0.1":            {},
		"127.0.0.1:http":       {},
		":65536":               {},
		":-1":                  {},
		"udp:80":               {},
		long:                   {},
		"unix:" + long[1:]:     {"", "unix", long[1:], 0},
	} {
		have, err := ParseAddress(text)
		if have != want || (err != nil) != (want == Address{}) {
			t.Errorf("%q: have %+v, %v; want %+v", text, have, err, want)
		}
		if err == nil {
			if again, err := ParseAddress(have.String()); err != nil || again.Addr != have.Addr ||
				again.Network != have.Network {
				t.Errorf("%q prints as %q, which parses as %+v, %v", text, have, again, err)
			}
		}
	}
}

// A file at the path of a socket: the error for each kind of file, and which ones are removed.
func TestUnixPathIsTaken(t *testing.T) {
	dir := shortDir(t)
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, []byte("precious"), 0o600))
	folder := filepath.Join(dir, "folder")
	must(t, os.Mkdir(folder, 0o700))
	link := filepath.Join(dir, "link")
	must(t, os.Symlink(file, link))
	live := filepath.Join(dir, "live")
	pid := stranger(t, live)
	stale := filepath.Join(dir, "stale")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: stale})
	must(t, err)
	dead.SetUnlinkOnClose(false)
	dead.Close()

	for _, c := range []struct {
		path, want string
		holder     int
	}{
		{file, "not a socket", 0},
		{folder, "not a socket", 0},
		{link, "not a socket", 0},
		{live, "in use", pid},
		{filepath.Join(dir, "nowhere", "s"), "no such file", 0},
		{stale, "", 0},
		{filepath.Join(dir, "new"), "", 0},
	} {
		before, _ := os.Lstat(c.path)
		s, err := New(Config{Name: "x", Listen: []Address{{Network: "unix", Addr: c.path}}})
		if c.want == "" {
			must(t, err)
			s.Kill()
			for range s.Events() {
			}
			if _, err := os.Lstat(c.path); err == nil {
				t.Errorf("%s is still there at the end", c.path)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: have %v, want %q", c.path, err, c.want)
		}
		var taken *PortError
		if errors.As(err, &taken) != (c.holder != 0) || taken != nil && linux() && taken.Holder.Pid != c.holder {
			t.Errorf("%s: have %+v, want pid %d", c.path, taken, c.holder)
		}
		if after, _ := os.Lstat(c.path); before != nil && (after == nil || !os.SameFile(before, after)) {
			t.Errorf("%s was replaced", c.path)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file has %q, %v", text, err)
	}
	if _, err := ask(Address{Network: "unix", Addr: live}, "/"); err != nil {
		t.Errorf("the program that listened before does not answer: %v", err)
	}
}

func TestPortIsTaken(t *testing.T) {
	listen := freePort(t)
	pid := stranger(t, listen)
	_, port, _ := net.SplitHostPort(listen)
	for _, text := range []string{listen, ":" + port, "tcp4:127.0.0.1:" + port, "localhost:" + port} {
		_, err := New(Config{Name: "x", Listen: []Address{address(t, "127.0.0.1:0"), address(t, text)}})
		var taken *PortError
		if !errors.As(err, &taken) || !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatalf("%s: have %v, want a PortError", text, err)
		}
		says := strings.HasSuffix(err.Error(), fmt.Sprintf("is in use by worker (pid %d)", pid))
		if linux() && (taken.Holder.Pid != pid || taken.Holder.Name != "worker" || !says) {
			t.Errorf("%s: have %v (%+v), want worker, pid %d", text, err, taken, pid)
		}
	}
	// At another address of the machine the port is free.
	if linux() {
		s, err := New(Config{Name: "x", Listen: []Address{address(t, "127.0.0.2:"+port)}})
		must(t, err)
		s.Kill()
		for range s.Events() {
		}
	}
}

// The socket's file is removed at the end, unless another file has taken its place.
func TestSocketFileOfAnotherIsLeft(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	s := start(t, Config{Listen: []Address{address(t, path)}, Policy: Policy{Ready: ReadyNotify}})
	await(s, serving(s.replace("-ready", "self")))
	must(t, os.Remove(path))
	other, err := net.Listen("unix", path)
	must(t, err)
	defer other.Close()
	s.end()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other program's socket is gone: %v", err)
	}
}

// If one of several addresses is in use, none stays bound.
func TestAllAddressesOrNone(t *testing.T) {
	listen := freePort(t)
	path := filepath.Join(shortDir(t), "s")
	_, err := New(Config{Name: "x", Listen: []Address{address(t, listen), address(t, path), address(t, listen)}})
	if err == nil {
		t.Fatal("no error")
	}
	l, err := net.Listen("tcp", listen)
	must(t, err)
	l.Close()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket file is still there")
	}
}

func TestAddressInUse(t *testing.T) {
	for tail, want := range map[string]string{
		"": "",
		"listen tcp :80: bind: permission denied":                                                  "",
		"2026/11/23 listen tcp :8080: bind: address already in use\n":                              ":8080",
		"listen tcp 127.0.0.1:80: bind: address already in use":                                    "127.0.0.1:80",
		"listen tcp 127.0.0.1:81: listen: address already in use":                                  "127.0.0.1:81",
		"listen tcp6 [::1]:80: bind: address already in use":                                       "tcp6:[::1]:80",
		"listen unix /tmp/x.sock: bind: address already in use":                                    "unix:/tmp/x.sock",
		"listen udp :53: bind: address already in use":                                             "udp::53",
		"panic: could not start: bind: address already in use\n\ngoroutine 1":                      "?",
		"listen tcp :80: bind: Only one usage of each socket address (protocol) is normally":       ":80",
		"listen tcp :1: bind: address already in use\nlisten tcp :2: bind: address already in use": ":2",
	} {
		if have := addressInUse(tail); have != want {
			t.Errorf("%q: have %q, want %q", tail, have, want)
		}
	}
}

func TestNextDelay(t *testing.T) {
	for failures, want := range map[int]string{1: "100ms", 2: "200ms", 5: "1.6s", 6: "3.2s", 7: "5s", 100000: "5s"} {
		if have := nextDelay(failures, 0.5).String(); have != want {
			t.Errorf("%d failures: have %s, want %s", failures, have, want)
		}
		low, high := nextDelay(failures, 0), nextDelay(failures, 1)
		if middle := nextDelay(failures, 0.5); low*10 != middle*8 || high*10 != middle*12 {
			t.Errorf("%d failures: from %v to %v", failures, low, high)
		}
	}
}
