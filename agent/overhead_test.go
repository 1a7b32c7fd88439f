//go:build linux || darwin

package agent_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	clients "hotreload/bench/load"
	"hotreload/supervisor/host"
)

// BenchmarkOverhead compares a server with the agent to a server without, turn by turn, and reports medians of
// requests per second. A turn takes half a second, so:
//
//	go test ./agent -run '^$' -bench Overhead -benchtime 20x
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
				r := clients.Run(ctx, clients.Options{Network: "tcp", Address: address, Clients: 16,
					Habits: []clients.Habit{c.habit}})
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
				if len(agent)%2 == 1 { // the second server may find a warmer machine
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

// BenchmarkBrowsers compares a server with the agent, with a configuration for browsers and without, turn by turn:
// JSON and a page for programs that ask, and a page for browsers, with the tag.
//
//	go test ./agent -run '^$' -bench Browsers -benchtime 20x
func BenchmarkBrowsers(b *testing.B) {
	const asBrowser = "Accept: text/html,*/*;q=0.8\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
	for _, c := range []struct{ name, path, fields string }{
		{"JSON", "/json", "Accept: application/json\r\n"},
		{"HTML", "/page", "Accept: */*\r\n"},
		{"page", "/page", asBrowser},
		{"page-with-policy", "/page/policy", asBrowser},
	} {
		b.Run(c.name, func(b *testing.B) {
			var address [2]string
			for i := range address {
				address[i] = freePort(b)
				s := newService(b, "pages="+address[i])
				if i == 0 {
					s.Host.Browser(func(int) host.Browser {
						tag := `<script src="/.hotreload/` + visitKey + `/client.js" data-generation="1" async></script>`
						return host.Browser{Key: visitKey, Tag: tag, Hosts: []string{"load"}, Cache: 1}
					})
				}
				s.current = s.start()
				s.await(host.Ready{Worker: s.current.worker})
			}
			rate := func(i int) float64 {
				ctx, cancel := context.WithTimeout(b.Context(), 500*time.Millisecond)
				defer cancel()
				r := clients.Run(ctx, clients.Options{
					Network: "tcp", Address: address[i], Clients: 16, Path: c.path, Fields: c.fields,
					Habits: []clients.Habit{{Keep: true}},
					Check: func(_ uint64, _, answer []byte) error {
						want := i == 0 && strings.Contains(c.name, "page")
						if bytes.Contains(answer, []byte("script")) != want {
							return fmt.Errorf("the tag: want %v: %s", want, answer)
						}
						return nil
					},
				})
				if r.Lost() > 0 {
					b.Fatal(r)
				}
				return float64(r.All.Requests) / r.Took.Seconds()
			}
			rate(0)
			rate(1)
			var with, without, ratio []float64
			for b.Loop() {
				w, n := rate(0), rate(1)
				if len(with)%2 == 1 { // the second server may find a warmer machine
					n, w = rate(1), rate(0)
				}
				with, without, ratio = append(with, w), append(without, n), append(ratio, 100*(w/n-1))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(with), "browser-requests/s")
			b.ReportMetric(median(without), "plain-requests/s")
			b.ReportMetric(median(ratio), "%-more-with-browser")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
