//go:build linux || darwin

package linked_test

import (
	"context"
	"os/exec"
	"slices"
	"testing"
	"time"

	clients "hotreload/bench/load"
	"hotreload/worker/host"
)

// BenchmarkOverhead compares a server with the agent to one without, turn by turn, and reports medians of requests per
// second. A turn takes half a second, so:
//
//	go test ./worker/linked -run '^$' -bench Overhead -benchtime 20x
func BenchmarkOverhead(b *testing.B) {
	for _, c := range []struct {
		name  string
		habit clients.Habit
	}{{"kept", clients.Habit{Keep: true, Post: 100}}, {"fresh", clients.Habit{}}} {
		b.Run(c.name, func(b *testing.B) {
			with, without := freePort(b), freePort(b)
			s := newService(b, "http="+with)
			p := s.start()
			s.await(host.Ready{Worker: p.worker})
			defer s.end(p)
			_, plain := binaries(b)
			bare := exec.Command(plain, "http="+without)
			if err := bare.Start(); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = bare.Process.Kill(); _ = bare.Wait() }()
			listening(b, "tcp", without)
			rate := func(address string) float64 {
				ctx, cancel := context.WithTimeout(b.Context(), 500*time.Millisecond)
				defer cancel()
				r := clients.Run(ctx, clients.Options{Network: "tcp", Address: address, Clients: 16, Habits: []clients.Habit{c.habit}})
				if r.Lost() > 0 {
					b.Fatal(r)
				}
				return float64(r.All.Requests) / r.Took.Seconds()
			}
			rate(with)
			rate(without)
			var agent, none, ratio []float64
			for b.Loop() {
				a, n := rate(with), rate(without)
				if len(agent)%2 == 1 { // who comes second may find a warmer machine
					n, a = rate(without), rate(with)
				}
				agent, none, ratio = append(agent, a), append(none, n), append(ratio, 100*(a/n-1))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(agent), "agent-requests/s")
			b.ReportMetric(median(none), "plain-requests/s")
			b.ReportMetric(median(ratio), "%-more-with-agent")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
