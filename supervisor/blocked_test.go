//go:build unix

package supervisor

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
)

// gate is an Allowed that can refuse.
type gate struct{ shut, asked atomic.Int64 }

func (g *gate) allowed() error {
	g.asked.Add(1)
	if g.shut.Load() != 0 {
		return errors.New("web is disabled")
	}
	return nil
}

// Allowed is asked before each start, and a refusal stops no running worker.
func TestBlocked(t *testing.T) {
	var g gate
	g.shut.Store(1)
	a := address(t, "127.0.0.1:0")
	s := start(t, Config{Listen: []Address{a}, Allowed: g.allowed, Policy: Policy{Workers: 2}})
	a = s.Addresses()[0]

	s.replace("-ready self")
	if e := await[Blocked](s, nil); e.Reason != "web is disabled" {
		t.Errorf("have %q as the reason, want Allowed's error", e.Reason)
	}
	g.shut.Store(0)
	await[Unblocked](s, nil) // without a request
	await[Replaced](s, replaced(1))

	g.shut.Store(1)
	s.replace("-ready self")
	await[Blocked](s, nil)
	if have := get(t, a, "/"); have[:2] != "v1" {
		t.Errorf("%q answers, want v1", have)
	}
	worker := s.Signal(syscall.SIGKILL, 1)
	if e := await[Exited](s, nil); e.Pid != worker[0] || e.Retry != (Retry{}) && e.Retry.Blocked == "" {
		t.Errorf("have %+v, want no successor for pid %v", e, worker)
	}
	before := g.asked.Load()
	g.shut.Store(0)
	s.Recheck()
	await[Unblocked](s, nil)
	await[Replaced](s, replaced(2))
	if asked := g.asked.Load() - before; asked < 3 {
		t.Errorf("asked %d times, want once for the recheck and once for each of two workers", asked)
	}
	if have := get(t, a, "/"); have[:2] != "v2" {
		t.Errorf("%q answers, want v2", have)
	}
}

// A stop while blocked ends like any other.
func TestStopWhileBlocked(t *testing.T) {
	var g gate
	g.shut.Store(1)
	s := start(t, Config{Allowed: g.allowed})
	s.replace("-ready self")
	await[Blocked](s, nil)
}
