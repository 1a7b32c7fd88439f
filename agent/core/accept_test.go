//go:build linux || darwin

package core

import (
	"syscall"
	"testing"
)

// A connection costs an entry in a map; later connections use the room again.
func TestAcceptAllocatesNothing(t *testing.T) {
	from := &syscall.SockaddrInet4{}
	accept := func(int, int) (int, syscall.Sockaddr, error) { return 7, from, nil }
	a := &agent{state: newState(), accept4Func: accept, closeFunc: func(int) error { return nil }}
	a.enter(3) // the first accept is reported to the supervisor
	a.leave(3, -1)
	if n := testing.AllocsPerRun(1000, func() {
		if s, _, err := a.accept4(3, 0); s != 7 || err != nil {
			t.Errorf("have %d, %v", s, err)
		}
		if err := a.close(7); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("an accepted connection allocates %v times, want never", n)
	}
}

func BenchmarkAccept(b *testing.B) {
	accept := func(int, int) (int, syscall.Sockaddr, error) { return 7, nil, nil }
	a := &agent{state: newState(), accept4Func: accept, closeFunc: func(int) error { return nil }}
	a.enter(3)
	a.leave(3, -1)
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = a.accept4(3, 0)
		_ = a.close(7)
	}
}
