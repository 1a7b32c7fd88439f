//go:build unix

package supervisor

import (
	"strings"
	"testing"
	"time"
)

// A worker that holds too much memory is replaced, start-first, and by no other than its own program.
func TestLimitOfMemory(t *testing.T) {
	if !linux() {
		t.Skip("the system does not tell")
	}
	testOnlyRSSEvery = 50 * time.Millisecond
	defer func() { testOnlyRSSEvery = rssEvery }()
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Workers: 2, Strategy: Parallel, Ready: ReadyNotify},
	})
	await(s, replaced(s.replace("-ready", "self", "-allocate", "100000000")))
	s.Adopt(Policy{Workers: 2, Strategy: Parallel, Ready: ReadyNotify, Grace: 5 * time.Second, Limits: Limits{RSS: 90_000_000}}, 0)
	if e := await[Retiring](s, nil); !strings.Contains(e.Why, "MB of memory, more than 85 MB") {
		t.Errorf("the reason is %q", e.Why)
	}
	for range 2 { // one after the other
		successor := await[BecameReady](s, nil)
		if e := await[Drains](s, nil); e.Slot != successor.Slot || e.ID == successor.ID || e.Generation != 1 {
			t.Errorf("%+v drains after %+v was ready", e.Worker, successor.Worker)
		}
	}
}
