//go:build unix

package supervisor

import (
	"context"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/bench/load"
)

// checkEcho checks an answer of testdata/worker: it must belong to this request, and the worker must have read the
// whole request.
func checkEcho(id uint64, sent, answer []byte) error {
	_, rest, _ := strings.Cut(string(answer), " ") // the version
	if want := echoed(id, sent) + "\n"; rest != want {
		return fmt.Errorf("have %q, want %q", answer, want)
	}
	return nil
}

func echoed(id uint64, sent []byte) string {
	return fmt.Sprintf("%d %d %d", id, len(sent), crc32.ChecksumIEEE(sent))
}

// underLoad replaces generation after generation while 64 clients send requests without a pause, and returns the
// results. Each replacement waits for the previous one except for its draining, so two generations may drain at the
// same time, and never more than the supervisor allows.
func underLoad(
	t *testing.T, s *service, at Address, replacements int, enough func(load.Report) bool, flags ...string,
) load.Report {
	t.Helper()
	await(s, serving(s.replace(flags...)))
	var total load.Report
	round := func(n int) load.Report {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		reported := make(chan load.Report)
		go func() { // ends after cancel, with the last answer
			reported <- load.Run(ctx, load.Options{
				Network: at.Network, Address: dialableIn(at), Path: "/echo", Check: checkEcho, Timeout: 10 * time.Second,
			})
		}()
		for range n {
			generation := s.replace(flags...)
			await(s, replaced(generation))
			eventually(t, "", func() string {
				if n := s.draining(); n > 1 {
					return fmt.Sprint(n, " generations drain")
				}
				return ""
			})
		}
		cancel()
		return <-reported
	}
	if enough == nil {
		total = round(replacements)
	}
	for done := 0; enough != nil && done < replacements; done += 5 {
		if total = round(5); enough(total) {
			break
		}
	}
	t.Logf("%d replacements in %s\n%s", s.generation-1, total.Took.Round(time.Millisecond), total)
	return total
}

// draining counts the generations with workers that have not exited yet.
func (s *service) draining() int {
	left := map[int]Worker{}
	for _, event := range s.all() {
		switch e := event.(type) {
		case Drains:
			left[e.ID] = e.Worker
		case Exited:
			delete(left, e.ID)
		}
	}
	generations := map[int]bool{}
	for _, w := range left {
		generations[w.Generation] = true
	}
	return len(generations)
}

// TestNothingIsLost is the promise: if workers use the systemd protocol and drain properly, replacements under full
// load lose no request.
func TestNothingIsLost(t *testing.T) {
	tcp := Address{Network: "tcp", Addr: "127.0.0.1:0"}
	for _, c := range []struct {
		name   string
		listen Address
		policy Policy
		usual  int
	}{
		{"parallel", tcp, Policy{Workers: 2, Strategy: Parallel}, 12},
		{"rolling", tcp, Policy{Workers: 2, Strategy: Rolling, Surge: 1}, 4},
		{"rolling, the old one first", tcp, Policy{Workers: 2, Strategy: Rolling, Surge: 0}, 3},
		{"stop-first", tcp, Policy{Workers: 2, Strategy: StopFirst}, 4},
		{"parallel, unix", Address{Network: "unix"}, Policy{Workers: 2, Strategy: Parallel}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.listen.Network == "unix" {
				c.listen.Addr = filepath.Join(shortDir(t), "s")
			}
			c.policy.Ready = ReadyNotify
			c.policy.Grace = limit // -linger ends when all clients have left, however slow the machine is
			s := start(t, Config{Listen: []Address{c.listen}, Policy: c.policy})
			report := underLoad(t, s, s.Addresses()[0], size(c.usual, 100), nil, "-ready", "self", "-linger", "10s")
			if report.Lost() > 0 {
				t.Errorf("%d of %d requests are lost", report.Lost(), report.All.Requests)
			}
			for _, event := range s.all() {
				switch e := event.(type) {
				case GraceOver:
					t.Errorf("%+v", e)
				case Exited:
					if !e.Expected {
						t.Errorf("%+v", e)
					}
				}
			}
		})
	}
}

// The control, without which TestNothingIsLost would prove nothing: these workers hand over by SO_REUSEPORT, and each
// has its own socket and accept queue. Closing the socket loses the connections in the queue.
func TestLossesOfReusePortAreSeen(t *testing.T) {
	listen := freePort(t)
	s := start(t, Config{
		Args:   []string{"-listen", listen, "-reuseport"},
		Policy: Policy{Workers: 2, Strategy: Parallel, Ready: ReadyNotify, Grace: limit},
	})
	report := underLoad(t, s, Address{Network: "tcp", Addr: listen}, 100,
		func(r load.Report) bool { return r.Fresh.Lost() > 0 },
		"-ready", "self", "-linger", "10s")
	if report.Fresh.Outcomes[load.Reset]+report.Fresh.Outcomes[load.Refused] == 0 {
		t.Error("a handover by SO_REUSEPORT lost nothing: the test detects nothing")
	}
}

// Another control: workers that call Shutdown at once close idle connections on which clients are about to send, and
// sometimes a just accepted connection.
func TestLossesOfShutdownAtOnceAreSeen(t *testing.T) {
	s := start(t, Config{
		Listen: []Address{{Network: "tcp", Addr: "127.0.0.1:0"}},
		Policy: Policy{Workers: 2, Strategy: Parallel, Ready: ReadyNotify, Grace: limit},
	})
	report := underLoad(t, s, s.Addresses()[0], 100,
		func(r load.Report) bool { return r.KeepAlive.Lost() > 0 },
		"-ready", "self", "-drain", "at-once")
	if report.KeepAlive.Lost() == 0 {
		t.Error("Shutdown at once lost nothing: the test detects nothing")
	}
}
