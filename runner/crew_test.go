package runner

import (
	"fmt"
	"testing"
	"time"

	"hotreload/supervisor"
)

// TestCrew: the crew's knowledge of the workers after some events.
func TestCrew(t *testing.T) {
	now := time.Unix(1e9, 0)
	first := supervisor.Worker{ID: 1, Slot: 0, Generation: 1, Pid: 11}
	second := supervisor.Worker{ID: 2, Slot: 1, Generation: 1, Pid: 12}
	next := supervisor.Worker{ID: 3, Slot: 0, Generation: 2, Pid: 13}
	started := func(w supervisor.Worker) supervisor.Event { return supervisor.Started{Worker: w} }
	ready := func(w supervisor.Worker) supervisor.Event { return supervisor.BecameReady{Worker: w} }
	exited := func(w supervisor.Worker, e supervisor.Exited) supervisor.Event {
		e.Worker = w
		return e
	}
	for _, c := range []struct {
		name   string
		newest int
		events []supervisor.Event
		want   string // pid:state of each worker, and other facts
	}{
		{"nobody", 1, nil, "[]"},
		{"by slot", 1, []supervisor.Event{started(second), started(first), ready(first)}, "[11:ready 12:starting]"},
		{"by age", 2, []supervisor.Event{started(next), started(first)}, "[11:starting 13:starting]"},
		{"a worker drains", 2, []supervisor.Event{started(first), ready(first), supervisor.Drains{Worker: first}},
			"[11:draining]"},
		{"of a worker that has exited nothing is heard", 1, []supervisor.Event{started(first),
			exited(first, supervisor.Exited{Expected: true}), ready(first)}, "[]"},
		{"an unexpected exit of a worker that was ready", 1, []supervisor.Event{started(first), ready(first),
			exited(first, supervisor.Exited{State: supervisor.Ready})}, "[] restarts 1"},
		{"before it was ready", 1, []supervisor.Event{started(first), exited(first, supervisor.Exited{})},
			"[] restarts 1 loops"},
		{"of an old generation", 2, []supervisor.Event{started(first), exited(first, supervisor.Exited{})},
			"[] restarts 1"},
		{"it is tried again alone", 1, []supervisor.Event{started(first), exited(first,
			supervisor.Exited{Retry: supervisor.Retry{Alone: supervisor.Reason{Kind: supervisor.ByLock}}})}, "[] restarts 1"},
		{"another one becomes ready", 1, []supervisor.Event{started(first), exited(first, supervisor.Exited{}),
			started(second), ready(second)}, "[12:ready] restarts 1"},
		{"starting is off, and on", 1, []supervisor.Event{supervisor.Blocked{Reason: "paused"}}, "[] blocked"},
		{"and on again", 1, []supervisor.Event{supervisor.Blocked{Reason: "paused"}, supervisor.Unblocked{}}, "[]"},
		{"it serves", 1, []supervisor.Event{started(first), ready(first), supervisor.Serving{Generation: 1},
			supervisor.Replaced{Generation: 1}}, "[11:ready] serving 1 served 1"},
		{"it can run alone only", 1, []supervisor.Event{
			supervisor.RunsAlone{Reason: supervisor.Reason{Kind: supervisor.ByLock}}}, "[] alone"},
		{"and not any more", 1, []supervisor.Event{supervisor.RunsAlone{Reason: supervisor.Reason{Kind: supervisor.ByLock}},
			supervisor.RunsBeside{}}, "[]"},
	} {
		w := newCrew(supervisor.Config{})
		for _, event := range c.events {
			w.hear(event, c.newest, now)
		}
		var workers []string
		for _, w := range w.ordered() {
			workers = append(workers, fmt.Sprintf("%d:%s", w.Pid, w.state))
		}
		have := fmt.Sprint(workers)
		for slot := range 2 {
			if n := w.restarts[slot]; n > 0 {
				have += fmt.Sprint(" restarts ", n)
			}
		}
		for word, holds := range map[string]bool{" loops": w.loops, " blocked": w.blocked != "",
			" alone": !w.alone.IsZero()} {
			if holds {
				have += word
			}
		}
		if w.serving > 0 {
			have += fmt.Sprint(" serving ", w.serving, " served ", w.served)
		}
		if have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}

// TestRetire: only serving workers are retired, and retirement ends with draining or exit.
func TestRetire(t *testing.T) {
	c := newCrew(supervisor.Config{})
	for id, slot := range []int{0, 0, 1, 2} {
		w := supervisor.Worker{ID: id, Slot: slot, Generation: 1}
		c.hear(supervisor.Started{Worker: w}, 1, time.Time{})
		if id > 0 {
			c.hear(supervisor.BecameReady{Worker: w}, 1, time.Time{})
		}
	}
	if have := fmt.Sprint(c.retire([]int{0, 1, 7}), c.open()); have != "[1 2] [0 1 2]" {
		t.Errorf("have %s", have)
	}
	c.hear(supervisor.Drains{Worker: supervisor.Worker{ID: 1}}, 1, time.Time{})
	c.hear(supervisor.Exited{Worker: supervisor.Worker{ID: 2, Slot: 1}, Expected: true}, 1, time.Time{})
	if len(c.retiring) > 0 {
		t.Errorf("retiring: %v", c.retiring)
	}
	if have := fmt.Sprint(c.open()); have != "[0 2]" {
		t.Errorf("open: %s", have)
	}
}
