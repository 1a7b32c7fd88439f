package supervisor

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"hotreload/bench/load"
)

// TestOwnLoopsLoseNothing: programs that accept and read by direct system calls on listeners of package net, and take
// half a second for an answer. Only Hertz has a shutdown of its own.
func TestOwnLoopsLoseNothing(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		args         []string
	}{
		{"system calls", "loops/raw", []string{"{}"}},
		{"netpoll", "loops/netpoll", []string{"{}"}},
		{"Hertz", "loops/hertz", []string{"{}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.folder != "loops/raw" {
				needsModules(t, "loops")
			}
			s, report := ownLoopUnderLoad(t, c.folder, c.args, Policy{Grace: limit})
			if report.Lost() > 0 {
				t.Errorf("%d of %d requests are lost", report.Lost(), report.All.Requests)
			}
			for _, event := range s.all() {
				switch e := event.(type) {
				case GraceOver, Rejected, NoAgent, TriedAlone, RunsAlone:
					t.Errorf("%T %+v", e, e)
				}
			}
		})
	}
}

// The control: without the drain, the same program loses the requests in flight.
func TestLossesOfOwnLoopsAreSeen(t *testing.T) {
	_, report := ownLoopUnderLoad(t, "loops/raw", []string{"{}"}, Policy{Grace: time.Millisecond})
	if report.All.Outcomes[load.EOF]+report.All.Outcomes[load.Reset] == 0 {
		t.Error("without a drain no request was lost: the test detects nothing")
	}
}

// TestGnetAnswersWhatItHasTaken: gnet binds by itself, so no socket listens between the exit of the old worker and the
// start of the new one. Accepted requests are answered.
func TestGnetAnswersWhatItHasTaken(t *testing.T) {
	needsModules(t, "loops")
	_, report := ownLoopUnderLoad(t, "loops/gnet", []string{"{}"}, Policy{Grace: limit})
	if report.All.Outcomes[load.Refused] == 0 {
		t.Error("no connection was refused: the port was never without a listener")
	}
	all := report.All.Outcomes
	if lost := all[load.EOF] + all[load.Timeout] + all[load.Wrong]; lost > 0 {
		t.Errorf("%d of %d accepted requests are lost", lost, report.All.Requests)
	}
}

// ownLoopUnderLoad replaces a program 5 times while 20 clients send requests, each on a new connection.
func ownLoopUnderLoad(t *testing.T, folder string, args []string, policy Policy) (*service, load.Report) {
	t.Helper()
	plan := build(t, folder, true)
	o := load.Options{
		Network: "tcp", Address: freePort(t), Path: "/", Clients: 20, Habits: []load.Habit{{}}, Timeout: limit,
	}
	s := start(t, Config{Args: at(args, o.Address), Agents: true, Policy: policy})
	var mu sync.Mutex // guards the next one
	answers := map[int]int{}
	o.Check = func(_ uint64, _, answer []byte) error {
		generation, err := strconv.Atoi(string(answer))
		mu.Lock()
		answers[generation]++
		mu.Unlock()
		return err
	}
	await(s, serving(s.replaceWith(plan)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan load.Report)
	go func() { reported <- load.Run(ctx, o) }() // ends after cancel, with the last answer
	for range 5 {
		generation := s.replaceWith(plan)
		await(s, replaced(generation))
		eventually(t, "", func() string {
			mu.Lock()
			defer mu.Unlock()
			if n := s.draining(); n > 0 || answers[generation] < o.Clients {
				return fmt.Sprintf("%d generations drain, the newest has answered %d times", n, answers[generation])
			}
			return ""
		})
	}
	cancel()
	report := <-reported
	t.Logf("%d replacements in %s\n%s", s.generation-1, report.Took.Round(time.Millisecond), report)
	return s, report
}
