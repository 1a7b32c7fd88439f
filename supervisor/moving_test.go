//go:build linux

package supervisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"hotreload/bench/load"
)

// These tests are about moving connections: after the event Replaced, the new generation answers each new request, on
// every connection.

// moved is what clients observed during replacements.
type moved struct {
	load.Report
	old  int             // answers of older generations to requests that began after Replaced
	line []time.Duration // for each replacement, the time from ready to Replaced
}

// movingUnderLoad replaces the program again and again under load. Between two replacements each client sends a few
// requests, unless it is slow.
func movingUnderLoad(t *testing.T, replacements int, env string, o load.Options) (m moved) {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = limit
	}
	plan := build(t, "unchanged", true)
	o.Network, o.Address, o.Path, o.Check = "tcp", freePort(t), "/echo", checkEcho
	s := start(t, Config{
		Args: []string{"http", o.Address, "bare"}, Agents: true, Policy: Policy{Grace: limit}, Env: append(os.Environ(), env),
	})
	await(s, serving(s.replaceWith(plan)))
	var mu sync.Mutex // guards the next two, and m.old
	var since []time.Time
	answers := 0
	o.Since = func(_, began time.Time, answer []byte) error {
		mu.Lock()
		defer mu.Unlock()
		answers++
		newest, _ := slices.BinarySearchFunc(since, began, time.Time.Compare) // how many are earlier
		var generation int
		fmt.Sscan(string(answer), &generation)
		if generation < newest+1 {
			m.old++
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan load.Report)
	go func() { reported <- load.Run(ctx, o) }() // ends after cancel, with the last answer
	for range replacements {
		generation := s.replaceWith(plan)
		served := await(s, serving(generation))
		done := await(s, replaced(generation))
		mu.Lock()
		since = append(since, time.Now())
		before := answers
		mu.Unlock()
		m.line = append(m.line, done.After-served.After)
		eventually(t, "", func() string {
			mu.Lock()
			defer mu.Unlock()
			if n, have := s.draining(), answers-before; n > 1 || have < 3*o.Clients { // at most three may drain
				return fmt.Sprint(n, " generations drain, there were ", have, " answers since the line")
			}
			return ""
		})
	}
	cancel()
	m.Report = <-reported
	slices.Sort(m.line)
	n := len(m.line)
	t.Logf(
		"%d replacements in %s: %d answers of old code after the line, which came %s (median), %s (90 %%), %s (at most) "+
			"after the new workers were ready\n%s",
		n,
		m.Took.Round(time.Millisecond),
		m.old,
		m.line[n/2].Round(10*time.Microsecond),
		m.line[n*9/10].Round(10*time.Microsecond),
		m.line[n-1].Round(10*time.Microsecond),
		m.Report,
	)
	return m
}

// thinking has clients that keep their connections and pause between requests. The fourth client sends its headers byte
// by byte.
var thinking = []load.Habit{
	{Keep: true, Post: 100, Turns: true},
	{Keep: true, Post: 100, Turns: true, Pause: 3 * time.Millisecond},
	{Keep: true, Post: 100, Turns: true, Pause: 100 * time.Millisecond},
	{Keep: true, Post: 100, Turns: true, Spell: time.Millisecond},
}

func TestConnectionsMove(t *testing.T) {
	for _, c := range []struct {
		name         string
		replacements int
		options      load.Options
	}{
		{"one connection", size(25, 100),
			load.Options{Clients: 1, Habits: []load.Habit{{Keep: true, Post: 100, Turns: true, Pause: 3 * time.Millisecond}}}},
		{"64 clients", size(20, 100), load.Options{Clients: 64, Habits: thinking}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := movingUnderLoad(t, c.replacements, "", c.options)
			if m.old > 0 || m.Lost() > 0 {
				t.Errorf("%d answers came from old code, %d of %d requests are lost", m.old, m.Lost(), m.All.Requests)
			}
		})
	}
}

// The control: without moving, each client gets one more answer of the old code.
func TestOldAnswersAreSeen(t *testing.T) {
	m := movingUnderLoad(t, 5, "HOTRELOAD_TEST_MOVING=off", load.Options{Clients: 64, Habits: thinking})
	if m.old == 0 {
		t.Error("connections do not move, and no answer came from old code: the test detects nothing")
	}
	if m.Lost() > 0 {
		t.Errorf("%d of %d requests are lost", m.Lost(), m.All.Requests)
	}
}

// The control: if a connection moves although part of a request was read, this request is lost.
func TestLossesWithoutProofAreSeen(t *testing.T) {
	m := movingUnderLoad(
		t, 5, "HOTRELOAD_TEST_MOVING=unproved", load.Options{Clients: 64, Habits: thinking, Timeout: 2 * time.Second},
	)
	if m.Lost() == 0 {
		t.Error("connections move in the middle of a request, and none is lost: the test detects nothing")
	}
}
