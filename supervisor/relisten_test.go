//go:build unix

package supervisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/bench/load"
)

// The new socket is open before a worker uses it, and no connection is lost. Sockets in both lists lose no connection.
// The old socket answers until the workers have moved, and is then closed. If an address cannot be bound, nothing
// changes.
func TestRelisten(t *testing.T) {
	dir := shortDir(t)
	stays, old := Address{Network: "tcp", Addr: "127.0.0.1:0"}, Address{Network: "unix", Addr: filepath.Join(dir, "old")}
	s := start(t, Config{
		Listen: []Address{stays, old}, Agents: true,
		Policy: Policy{Workers: 2, Ready: ReadyNotify, Grace: limit},
	})
	kept := s.Addresses()[0]
	manners := []string{"-ready", "self", "-linger", "10s"}
	await(s, replaced(s.replace(manners...)))

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := make(chan load.Report)
	clients := func(at Address) {
		go func() { // ends after cancel, with the last answer
			reports <- load.Run(ctx, load.Options{
				Network: at.Network, Address: dialableIn(at), Path: "/echo", Check: checkEcho, Timeout: limit, Clients: 16,
			})
		}()
	}
	clients(kept)
	fresh := Address{Name: "web", Network: "tcp", Addr: "127.0.0.1:0"}
	must(t, s.Relisten([]Address{{Name: "main", Network: stays.Network, Addr: stays.Addr}, fresh}))
	bound := s.Addresses()
	if len(bound) != 2 || bound[0].Addr != kept.Addr || strings.HasSuffix(bound[1].Addr, ":0") {
		t.Fatalf("bound %v, want %v and a port chosen by the system", bound, kept)
	}
	clients(bound[1]) // they wait in the accept queue
	if have := get(t, old, "/"); !strings.HasPrefix(have, "v1 ") {
		t.Errorf("the old socket answers %q before a worker has moved, want v1", have)
	}
	await(s, replaced(s.replace(manners...)))
	if have := get(t, kept, "/sockets"); !strings.Contains(have, "main tcp ") || !strings.Contains(have, "web tcp ") ||
		strings.Contains(have, "unix") {
		t.Errorf("after the move the sockets are\n%s", have)
	}
	eventually(t, "the old socket: ", func() string {
		if _, err := os.Lstat(old.Addr); !errors.Is(err, os.ErrNotExist) {
			return "is still there"
		}
		return ""
	})

	taken := freePort(t)
	stranger(t, taken)
	var port *PortError
	err := s.Relisten([]Address{stays, {Network: "tcp", Addr: "127.0.0.1:0"}, {Network: "tcp", Addr: taken}})
	if !errors.As(err, &port) {
		t.Errorf("an address in use: have %v", err)
	}
	await(s, replaced(s.replace(manners...)))
	if have := get(t, bound[1], "/sockets"); strings.Count(have, "\n") != 1 {
		t.Errorf("an address in use changed the sockets to\n%s", have)
	}
	cancel()
	for range 2 {
		if r := <-reports; r.Lost() > 0 || r.All.Requests == 0 {
			t.Errorf("lost:\n%s", r)
		}
	}
}

// If a generation fails on the new sockets, the old generation keeps the old ones, until a later generation has moved.
func TestRelistenAndFail(t *testing.T) {
	s := start(t, Config{Listen: []Address{address(t, freePort(t))}, Policy: Policy{Ready: ReadyNotify}})
	old := s.Addresses()[0]
	await(s, replaced(s.replace("-ready", "self")))
	must(t, s.Relisten([]Address{{Network: "tcp", Addr: "127.0.0.1:0"}}))
	bound := s.Addresses()
	s.replace("-exit", "1")
	await[Failed](s, nil)
	if have := get(t, old, "/"); !strings.HasPrefix(have, "v1 ") {
		t.Errorf("the old socket answers %q, want v1", have)
	}
	await(s, replaced(s.replace("-ready", "self")))
	if have := get(t, bound[0], "/"); !strings.HasPrefix(have, "v3 ") {
		t.Errorf("the new socket answers %q, want v3", have)
	}
	eventually(t, "", func() string {
		if answer, err := ask(old, "/"); err == nil {
			return "the old socket answers " + answer
		}
		return ""
	})
}

// When the last address is removed, a program that then binds the port itself finds it free.
func TestRelistenNowhere(t *testing.T) {
	at := address(t, freePort(t))
	s := start(t, Config{Listen: []Address{at}})
	await(s, replaced(s.replace("-ready", "self")))
	must(t, s.Relisten(nil))
	if bound := s.Addresses(); len(bound) > 0 {
		t.Errorf("bound %v", bound)
	}
	await(s, replaced(s.replace("-ready", "self", "-listen", at.Addr)))
	if have := get(t, at, "/"); !strings.HasPrefix(have, "v2 ") {
		t.Errorf("the service answers %q, want v2", have)
	}
}
