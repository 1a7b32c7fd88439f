package inspect

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestListeners: sock_diag and /proc/net/tcp tell the same about each listener, also about more than fit into one
// answer.
func TestListeners(t *testing.T) {
	var ours []Inode
	listen := func(network, address string) net.Listener {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		ours = append(ours, InodeOf(l.(*net.TCPListener)))
		return l
	}
	waited := listen("tcp4", "127.0.0.1:0")
	for range 3 { // they wait in the accept queue
		conn, err := net.Dial("tcp4", waited.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	listen("tcp4", "0.0.0.0:0")
	listen("tcp", ":0")
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil { // not where IPv6 is off
		l.Close()
		listen("tcp6", "[::1]:0")
	}
	for range 600 {
		listen("tcp4", "127.0.0.1:0")
	}
	byInode := func(all []listener) map[Inode]listener {
		m := map[Inode]listener{}
		for _, l := range all {
			m[l.inode] = l
		}
		return m
	}
	for network, family := range map[string]byte{"tcp": unix.AF_INET, "tcp6": unix.AF_INET6} {
		some, err := diagnosed(network, family)
		if err != nil {
			t.Skip("this kernel has no sock_diag: ", err)
		}
		diag, table := byInode(some), byInode(inTable(network))
		found := 0
		for _, inode := range ours {
			if diag[inode] != table[inode] {
				t.Errorf("%s: sock_diag says %+v, want %+v as in /proc", network, diag[inode], table[inode])
			}
			if diag[inode].inode != "" {
				found++
			}
		}
		if network == "tcp" && found < 602 || found == 0 && len(ours) > 603 {
			t.Errorf("%s: %d of %d listeners are found", network, found, len(ours))
		}
	}
	have := byInode(listeners())[ours[0]]
	if want := (listener{ours[0], Place{Network: "tcp", Addr: waited.Addr().String()}, 3}); have != want {
		t.Errorf("have %+v, want %+v", have, want)
	}
}

// TestListenersOfAnUnknownFamily: an error, after which /proc is read, and not an empty list.
func TestListenersOfAnUnknownFamily(t *testing.T) {
	if _, err := diagnosed("tcp", unix.AF_MAX); err == nil {
		t.Error("no error")
	}
}

// TestUnixListeners: a path, also one that is as long as a path may be, and an abstract name, as in /proc/net/unix.
func TestUnixListeners(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	longest, abstract := strings.Repeat("x", 107), fmt.Sprintf("@hotreload-test-%d", os.Getpid())
	for _, name := range []string{filepath.Join(dir, "s"), "relative", longest, abstract} {
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		inode := InodeOf(l.(*net.UnixListener))
		table := Place{}
		eachRow("/proc/net/unix", func(f []string) {
			if len(f) > 7 && Inode(f[6]) == inode {
				table = Place{Network: "unix", Addr: f[7]}
			}
		})
		if have := listening()[inode]; have != table || table.Addr != name {
			t.Errorf("have %+v, want %+v, as in /proc", have, table)
		}
	}
	client, err := net.Dial("unix", "relative")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if place, listens := listening()[InodeOf(client.(*net.UnixConn))]; listens {
		t.Errorf("a client's socket listens at %+v", place)
	}
}

// TestAcceptsItself: a listener that is not ours shows that the program accepts itself. A listener that appears in the
// middle of a look shows nothing, because it may be ours by the next look.
func TestAcceptsItself(t *testing.T) {
	pid := os.Getpid()
	listen := func() Inode {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return InodeOf(l.(*net.TCPListener))
	}
	ours := map[Inode]bool{}
	held := func() map[Inode]bool { return ours }
	own := listen()
	if !AcceptsItself(pid, held) {
		t.Error("a listener of the program's own is overlooked")
	}
	ours[own] = true
	if AcceptsItself(pid, held) {
		t.Error("our listener is taken for the program's own")
	}
	if AcceptsItself(pid, func() map[Inode]bool { listen(); return ours }) {
		t.Error("a listener that came later is taken for the program's own")
	}
}

func BenchmarkListeners(b *testing.B) {
	b.Run("sock_diag", func(b *testing.B) {
		for b.Loop() {
			if _, err := diagnosed("tcp6", unix.AF_INET6); err != nil {
				b.Skip(err)
			}
		}
	})
	b.Run("proc", func(b *testing.B) {
		for b.Loop() {
			inTable("tcp6")
		}
	})
}
