//go:build unix

package supervisor

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A worker with too much memory is replaced by a worker of its own program, which is ready before the old one drains.
func TestLimitOfMemory(t *testing.T) {
	if !linux() {
		t.Skip("only Linux tells how much memory a process holds (/proc)")
	}
	testOnlyRSSEvery = 50 * time.Millisecond
	defer func() { testOnlyRSSEvery = rssEvery }()
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Workers: 2, Strategy: Parallel, Ready: ReadyNotify},
	})
	await(s, replaced(s.replace("-ready", "self", "-allocate", "100000000")))
	s.Adopt(
		Policy{Workers: 2, Strategy: Parallel, Ready: ReadyNotify, Grace: 5 * time.Second, Limits: Limits{RSS: 90_000_000}},
		0,
	)
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

// A worker that has answered its maximal number of requests is replaced. Its agent counts them, and no request is lost.
func TestLimitOfRequests(t *testing.T) {
	testOnlyRSSEvery = 50 * time.Millisecond
	defer func() { testOnlyRSSEvery = rssEvery }()
	plan := build(t, "unchanged", true)
	addr := freePort(t)
	s := start(
		t, Config{Args: []string{"http", addr, ""}, Agents: true, Policy: Policy{Workers: 1, Limits: Limits{Requests: 20}}},
	)
	await(s, serving(s.replaceWith(plan)))
	asked := 0
	get := func() {
		t.Helper()
		response, err := http.Get("http://" + addr + "/echo")
		must(t, err)
		response.Body.Close()
		asked++
	}
	for range 19 {
		get()
	}
	eventually(t, "", func() string {
		if a := s.Inquire(t.Context(), 0, true); len(a) != 1 || value(a[0].Counters, "requests") != 19 {
			return fmt.Sprintf("the agent counts %+v", a)
		}
		return ""
	})
	for _, e := range s.all() {
		if _, ok := e.(Retiring); ok {
			t.Error("the worker was replaced too early")
		}
	}
	get()
	if e := await[Retiring](s, nil); !strings.Contains(e.Why, "20 requests") {
		t.Errorf("the reason is %q", e.Why)
	}
	successor := await[BecameReady](s, nil)
	get()
	if e := await[Drains](s, nil); e.ID == successor.ID || successor.Generation != 1 {
		t.Errorf("%+v drains after %+v was ready", e.Worker, successor.Worker)
	}
}
