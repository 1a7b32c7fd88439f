//go:build unix

package supervisor

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A program that uses a third-party library for the systemd protocol gets sockets of all kinds, with names and in
// order. The library ignores them if LISTEN_PID is not its own pid.
func TestSocketsAreHandedOver(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	texts := []string{"web=127.0.0.1:0", "tcp4:127.0.0.1:0", "file=unix:" + path, "anyhost=:0"}
	if _, err := os.Stat("/proc/net/unix"); err == nil {
		texts = append(texts, fmt.Sprintf("abstract=@hotreload-test-%d", os.Getpid()))
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		texts = append(texts, "six=tcp6:[::1]:0")
	}
	var addresses []Address
	for _, text := range texts {
		addresses = append(addresses, address(t, text))
	}
	s := start(t, Config{Listen: addresses, Policy: Policy{Ready: ReadyNotify}})
	bound := s.Addresses()
	want := ""
	for generation := range 3 {
		s.replace("-ready", "self")
		await(s, serving(generation+1))
		await(s, replaced(generation+1))
		for i, a := range bound {
			if strings.HasSuffix(a.Addr, ":0") {
				t.Fatalf("%s has no port", a)
			}
			if have := get(t, a, "/"); !strings.HasPrefix(have, fmt.Sprintf("v%d 0 ", generation+1)) {
				t.Errorf("%s (%s): have %q of generation %d", texts[i], a, have, generation+1)
			}
		}
		sockets := strings.Split(get(t, bound[0], "/sockets"), "\n")
		slices.Sort(sockets) // the library returns a map
		have := strings.Join(sockets, "\n")
		if generation == 0 {
			want = have
			for _, a := range bound {
				name := a.Name
				if name == "" {
					name = "unknown"
				}
				_, port, _ := net.SplitHostPort(a.Addr)
				if !slices.ContainsFunc(sockets, func(line string) bool {
					return strings.HasPrefix(line, name+" ") &&
						(strings.HasSuffix(line, ":"+port) || a.Network == "unix" && strings.HasSuffix(line, a.Addr))
				}) {
					t.Errorf("no socket %q of %s among\n%s", name, a, have)
				}
			}
		} else if have != want {
			t.Errorf("generation %d has other sockets\nhave %s\nwant %s", generation+1, have, want)
		}
	}
	s.end()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket file is still there")
	}
}

// shortDir returns a folder with a short name, because socket paths have a limit.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hr")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func flags(t *testing.T, socket net.Listener) (flags int) {
	t.Helper()
	raw, err := socket.(syscall.Conn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) }))
	must(t, err)
	return flags
}

// All processes with a socket share its file description: if one switches the description to blocking mode, all others
// hang (cloudflare/tableflip#60).
func TestSocketsStayNonblocking(t *testing.T) {
	s := start(t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Ready: ReadyNotify}})
	for range size(12, 50) {
		generation := s.replace("-ready", "self", "-drain", "exit")
		await(s, replaced(generation))
		if flags(t, s.sockets.open[0].socket)&unix.O_NONBLOCK == 0 {
			t.Fatalf("the socket is in blocking mode at generation %d", generation)
		}
	}
	// A worker in another language switches to blocking mode, which lasts until the next worker starts.
	raw, err := s.sockets.open[0].socket.(syscall.Conn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), false) }))
	must(t, err)
	await(s, serving(s.replace("-ready", "self", "-drain", "exit")))
	if flags(t, s.sockets.open[0].socket)&unix.O_NONBLOCK == 0 {
		t.Error("the socket is in blocking mode after a replacement")
	}
	s.end() // with a blocking socket, Close would hang
}

// Connections wait while no worker runs; they are not refused.
func TestCallersWaitWhileNobodyLives(t *testing.T) {
	s := start(
		t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Strategy: StopFirst, Ready: ReadyNotify}},
	)
	answers := make(chan string, 1)
	call := func() {
		answer, err := ask(s.Addresses()[0], "/")
		answers <- fmt.Sprint(answer, err)
	}
	go call() // ends with the answer, for which the test waits
	await(s, serving(s.replace("-ready", "self")))
	if have := <-answers; !strings.HasPrefix(have, "v1 ") {
		t.Errorf("a client from before the first worker got %q", have)
	}
	s.replace("-ready", "self", "-boot", "100ms")
	await(s, func(e Exited) bool { return e.Generation == 1 })
	go call() // ends with the answer, for which the test waits
	if have := <-answers; !strings.HasPrefix(have, "v2 ") {
		t.Errorf("a client from between two workers got %q", have)
	}
}

// One worker's shutdown(2) affects all processes with the socket. The supervisor repairs the socket and names the
// suspected worker.
func TestSocketThatAWorkerShutDownIsMended(t *testing.T) {
	s := start(t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Ready: ReadyNotify}})
	await(s, serving(s.replace("-ready", "self", "-drain", "shutdown")))
	s.replace("-ready", "self")
	mended := await[ListenerMended](s, nil)
	if mended.Err != nil || mended.Address != s.Addresses()[0] {
		t.Errorf("have %+v", mended)
	}
	await(s, serving(s.replace("-ready", "self")))
	await(s, replaced(3))
	if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v3 ") {
		t.Errorf("have %q", have)
	}
}

// A program that binds its own port is replaced with stop-first, and each generation finds the port free.
func TestOwnPort(t *testing.T) {
	listen := freePort(t)
	s := start(t, Config{Args: []string{"-listen", listen}})
	for range 5 {
		generation := s.replace()
		ready := await[BecameReady](s, nil)
		await(s, replaced(generation))
		if ready.How != ByListening && linux() {
			t.Errorf("ready %s, want %s", ready.How, ByListening)
		}
		if have := get(t, Address{Network: "tcp", Addr: listen}, "/"); !strings.HasPrefix(
			have, fmt.Sprintf("v%d ", generation),
		) {
			t.Errorf("have %q of generation %d", have, generation)
		}
	}
}

// The same program with the strategy parallel: the first attempt fails because of the old worker, and from then on the
// old one exits first.
func TestOwnPortInParallelBecomesStopFirst(t *testing.T) {
	listen := freePort(t)
	s := start(t, Config{Args: []string{"-listen", listen}, Policy: Policy{Strategy: Parallel}})
	await(s, serving(s.replace()))
	s.replace()
	if e := await[RunsAlone](s, nil); e.Reason != (Reason{ByAddress, listen}) {
		t.Errorf("have %+v, want address %s", e, listen)
	}
	await(s, replaced(2))
	await(s, replaced(s.replace()))
	if have := strings.Count(s.transcript(), "RunsAlone"); have != 1 {
		t.Errorf("told %d times", have)
	}
}

// Another program takes the port while the worker is down. The supervisor names that program, keeps retrying, and stops
// no worker because of it.
func TestOwnPortTakenByAnother(t *testing.T) {
	listen := freePort(t)
	other := stranger(t, listen)
	s := start(t, Config{Args: []string{"-listen", listen}})
	s.replace()
	e := await[Exited](s, nil)
	if e.Exit.AddressInUse != listen || e.Expected {
		t.Errorf("have %+v, want address %s in use", e, listen)
	}
	// The other program was started by this test binary, so it carries the same mark.
	if want := (Holder{Pid: other, Name: "worker", Ours: true}); linux() && e.Exit.Holder != want {
		t.Errorf("have %+v, want %+v", e.Exit.Holder, want)
	}
	if second := await[Exited](s, nil); second.Retry.Failures != 2 {
		t.Errorf("have %+v, want the second failure in a row", second)
	}
	must(t, syscall.Kill(other, syscall.SIGKILL))
	await(s, serving(1))
}

// A program that holds an exclusive lock, as databases do, gets the lock from its predecessor, whatever system call it
// uses.
func TestLockIsHandedOver(t *testing.T) {
	for _, way := range []string{"flock", "fcntl", "try", "once"} {
		t.Run(way, func(t *testing.T) {
			if !linux() && way != "once" {
				t.Skip("only Linux tells which process waits for a lock")
			}
			lock := filepath.Join(t.TempDir(), "lock")
			s := start(t, Config{
				Listen: []Address{address(t, "127.0.0.1:0")},
				Policy: Policy{Ready: ReadyNotify, Handover: 200 * time.Millisecond},
			})
			for range 3 {
				generation := s.replace("-ready", "self", "-lock", lock, "-lock-by", way)
				await(s, serving(generation))
				if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, fmt.Sprintf("v%d ", generation)) {
					t.Errorf("have %q of generation %d", have, generation)
				}
			}
			if have := strings.Count(s.transcript(), "RunsAlone"); have != 1 {
				t.Errorf("have %d trials, want one: the service must keep stop-first", have)
			}
			if have := strings.Count(s.transcript(), "Failed"); have != 0 {
				t.Errorf("%d generations failed", have)
			}
		})
	}
}

// A slow worker, and a worker that dies by itself, do not stop the old one, although the old one holds a lock.
func TestSlowIsNotLocked(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Ready: ReadyNotify, Handover: 100 * time.Millisecond},
	})
	await(s, serving(s.replace("-ready", "self", "-lock", lock)))
	first := get(t, s.Addresses()[0], "/")
	s.replace("-exit", "1")
	await[Failed](s, nil)
	s.replace("-panic", "-exit", "2")
	await[Failed](s, nil)
	if have := get(t, s.Addresses()[0], "/"); have != first {
		t.Errorf("have %q, want %q", have, first)
	}
	await(s, serving(s.replace("-ready", "self", "-boot", "2s")))
	for _, event := range s.all() {
		if _, ok := event.(TriedAlone); ok {
			t.Errorf("%+v", event)
		}
	}
}

// If the new worker dies again after the old one released the lock, the old program comes back. A good program is tried
// afterwards.
func TestOldOneComesBackFromATrial(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	s := start(t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Ready: ReadyNotify}})
	await(s, serving(s.replace("-ready", "self", "-lock", lock, "-lock-by", "once")))
	s.replace("-lock", lock, "-lock-by", "once", "-exit", "3", "-after", "10ms")
	if e := await[Failed](s, nil); e.Alone.Kind != ByLock && (linux() || e.Alone.Kind != ByWords) || e.Exit.Code != 3 {
		t.Errorf("have %+v", e)
	}
	await(s, replaced(1))
	if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v1 ") {
		t.Errorf("have %q", have)
	}
	s.replace("-ready", "self", "-lock", lock, "-lock-by", "once")
	await[RunsAlone](s, nil)
	await(s, serving(3))
}
