//go:build unix

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/control"
	"hotreload/runner"
)

// slowToLeave is a server that needs a while to finish.
func slowToLeave(d string) string {
	main := strings.Replace(server, "boot()\n", "boot()\n\tend := make(chan os.Signal, 1)\n"+
		"\tsignal.Notify(end, syscall.SIGTERM)\n\tgo func() { <-end; time.Sleep("+d+"); os.Exit(0) }()\n", 1)
	return strings.Replace(main, "\t\"os\"\n", "\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n\t\"time\"\n", 1)
}

// TestManySlowWorkers: with thirty workers that need a while to exit, a parallel replacement takes little longer than
// one worker. A rolling one exits one worker after the other, and prints an estimate of the remaining time. Neither
// loses a request. (Scenario 10; with HOTRELOAD_SOAK the seed's own figures, two seconds each.)
func TestManySlowWorkers(t *testing.T) {
	t.Parallel()
	pause := 300 * time.Millisecond
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		pause = 2 * time.Second
	}
	for _, strategy := range []string{"parallel", "rolling"} {
		t.Run(strategy, func(t *testing.T) {
			dir := newModule(t, map[string]string{"main.go": slowToLeave(fmt.Sprintf("%d", pause))})
			s := startControlled(t, dir, "--workers", "30", "--strategy", strategy, "--grace", "10s", ".", "{addr}")
			s.serves("v1")
			s.expectCommand(0, `serves`, "wait")
			load := s.load()
			began := time.Now()
			s.save("version.go", version("v2", ""))
			if strategy == "rolling" {
				s.waitFor(`\d+ of 30 workers are replaced; the rest takes about \d`)
			}
			s.expectCommand(0, `generation 2, serves`, "wait")
			took := time.Since(began)
			requests, lost := load()
			t.Logf("%s: %v, %d requests", strategy, took.Round(time.Millisecond), requests)
			if len(lost) > 0 || requests == 0 {
				t.Errorf("%d of %d requests are lost: %v", len(lost), requests, lost[0])
			}
			// This checks the order and not the speed: with parallel, old workers exit together.
			if one := 30 * pause; strategy == "rolling" && took < one {
				t.Errorf("a rolling replacement takes at least %v, not %v", one, took)
			}
		})
	}
}

// load sends requests again and again, with clients that never retry, until stop is called.
func (s *session) load() (stop func() (requests int, lost []error)) {
	const clients = 4
	done := make(chan struct{})
	type count struct {
		requests int
		lost     []error
	}
	counts := make(chan count, clients)
	for range clients {
		go func() { // ends with done
			var c count
			transport := &http.Transport{DisableKeepAlives: true}
			client := http.Client{Transport: transport, Timeout: patience}
			for {
				select {
				case <-done:
					counts <- c
					return
				case <-time.After(2 * time.Millisecond):
				}
				c.requests++
				response, err := client.Post("http://"+s.addr+"/", "text/plain", strings.NewReader("x"))
				if err != nil {
					c.lost = append(c.lost, err)
					continue
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					c.lost = append(c.lost, fmt.Errorf("%s", response.Status))
				}
			}
		}()
	}
	return func() (requests int, lost []error) {
		close(done)
		for range clients {
			c := <-counts
			requests, lost = requests+c.requests, append(lost, c.lost...)
		}
		return requests, lost
	}
}

// TestStatusOfManyWorkers: the status of 64 workers is answered at once, also while they are replaced again and again
// and another service crashes in a loop.
func TestStatusOfManyWorkers(t *testing.T) {
	dir, _ := newServices(t, `
[[service]]
name = "web"
package = "./cmd/web"
workers = 64

[[service]]
name = "broken"
command = ["sh", "-c", "exit 3"]
`)
	s := startControlled(t, dir)
	s.waitFor(`web\] generation 1 serves`)
	var times []time.Duration
	t.Setenv("XDG_RUNTIME_DIR", s.runtime())
	client, err := control.Find(t.Context(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	saves := 0
	for begun := time.Now(); len(times) < 40 || saves < 4; {
		if len(times)%10 == 0 {
			saves++
			s.save("lib/version.go", fmt.Sprintf("package lib\n\nvar Version = \"%d\"\n", saves))
		}
		began := time.Now()
		all, err := client.Status(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(began))
		if len(all) != 2 || len(all[0].Workers) < 64 || all[0].Workers[63].Counters == nil {
			t.Fatalf("%d services, %s with %d workers, alone: %q", len(all), all[0].Name, len(all[0].Workers), all[0].Alone)
		}
		time.Sleep(20 * time.Millisecond) // the pace of the clients
		if time.Since(begun) > patience {
			break
		}
	}
	slices.Sort(times)
	t.Logf("status of %d workers: median %v, longest %v", 64, times[len(times)/2], times[len(times)-1])
	if !regexp.MustCompile(`broken.*exit code 3`).MatchString(s.text()) {
		t.Error("nothing crashes")
	}
	all := s.services("wait", "web").Services
	if ready := slices.DeleteFunc(all[0].Workers, func(w runner.Worker) bool {
		return w.State != "ready" && w.State != "stable"
	}); len(ready) != 64 {
		t.Errorf("%d workers are ready", len(ready))
	}
}

// TestScaleUnderLoad: workers are added and removed without losing a request. (Scenario 9.)
func TestScaleUnderLoad(t *testing.T) {
	t.Parallel()
	times := 3
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		times = 20
	}
	s := startControlled(t, newModule(t, nil), ".", "{addr}")
	s.serves("v1")
	s.expectCommand(0, `serves`, "wait")
	load := s.load()
	for range times {
		s.expectCommand(0, `slot 7`, "scale", "8")
		s.expectCommand(0, `slot 0`, "scale", "1")
	}
	requests, lost := load()
	if t.Logf("%d requests", requests); len(lost) > 0 || requests == 0 {
		t.Errorf("%d of %d requests are lost: %v", len(lost), requests, lost[0])
	}
	eventually(t, "one worker is left", func() bool { return len(s.services("wait").Services[0].Workers) == 1 })
}
