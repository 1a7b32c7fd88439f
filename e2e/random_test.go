//go:build linux

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/bench/load"
)

// outrage is a time in which the test harmed a worker: requests in flight at this time may be lost.
type outrage struct{ from, to time.Time }

// outrages are all so far.
type outrages struct {
	mu  sync.Mutex // guards all
	all []outrage
}

// commit harms a worker. On a busy machine, the losses are known a moment later.
func (o *outrages) commit(do func()) {
	o.mu.Lock()
	o.all = append(o.all, outrage{from: time.Now(), to: time.Now().Add(time.Hour)})
	last := len(o.all) - 1
	o.mu.Unlock()
	do()
	o.mu.Lock()
	o.all[last].to = time.Now().Add(time.Second)
	o.mu.Unlock()
}

// excuse reports whether a killed worker can be the reason for a lost request, because it had the connection. There is
// no excuse for a refused connection, or a connection that was never answered.
func (o *outrages) excuse(l load.Loss) bool {
	if l.Class != load.Reset && l.Class != load.EOF {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.all, func(one outrage) bool {
		return l.Opened.Before(one.to) && l.Ended.After(one.from) && l.Began.Before(one.to)
	})
}

// descendants lists the processes below pid.
func descendants(pid int) (all []int) {
	parents := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		_, after, _ := strings.Cut(string(stat), ") ") // the name before it may contain anything
		var state string
		var parent int
		if _, err := fmt.Sscan(after, &state, &parent); err == nil {
			parents[parent] = append(parents[parent], child)
		}
	}
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		all = append(all, parents[next[0]]...)
		next = append(next, parents[next[0]]...)
	}
	return all
}

// TestRandomly saves, breaks, reloads, crashes and kills in random order, under load. HOTRELOAD_SEED repeats a run;
// HOTRELOAD_SOAK=1 makes it long.
func TestRandomly(t *testing.T) {
	t.Parallel()
	seed, clients, duration := uint64(3), 16, 15*time.Second
	if soak {
		clients, duration = 64, 5*time.Minute
	}
	if given, err := strconv.ParseUint(os.Getenv("HOTRELOAD_SEED"), 10, 64); err == nil {
		seed = given
	}
	random := rand.New(rand.NewPCG(seed, 0))
	s := setup{terminal: true}.start(t, newModule(t, map[string]string{"version.go": version("v0", "")}), "-v", ".",
		"{addr}")
	s.serves("v0")
	s.waitFor(`generation 1 serves`)
	hotreload := s.cmd.Process.Pid
	before, family := usageOf(t, hotreload), len(descendants(hotreload))

	var done outrages
	var mu sync.Mutex // guards the next two
	var unexcused []string
	excused := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan load.Report)
	go func() { // ends after cancel, with the last answer
		reported <- load.Run(ctx, load.Options{
			Network: "tcp", Address: s.addr, Clients: clients, Timeout: patience,
			Habits: []load.Habit{
				{Pause: 3 * time.Millisecond}, {Keep: true, Post: 1 << 10, Pause: 3 * time.Millisecond},
				{Post: 1 << 10, Pause: 20 * time.Millisecond}, {Keep: true, Pause: 20 * time.Millisecond},
			},
			Check: func(_ uint64, _, answer []byte) error {
				if !regexp.MustCompile(`^v\d+$`).Match(answer) {
					return fmt.Errorf("have %q, want vN", answer)
				}
				return nil
			},
			Lost: func(l load.Loss) {
				sorry := done.excuse(l)
				mu.Lock()
				defer mu.Unlock()
				if sorry {
					excused++
					return
				}
				unexcused = append(unexcused, fmt.Sprintf("%s, %s: %v", l.Began.Format("15:04:05.000"), l.Ended.Sub(l.Began),
					l.Err))
			},
		})
	}()

	// Each request uses a new connection, and a failed one does not end the test.
	ask := func(path string) (string, error) { return s.get(path) }
	saved := 0
	saveGood := func() string {
		saved++
		text := fmt.Sprint("v", saved)
		s.save("version.go", version(text, ""))
		return text
	}
	var history []string
	deeds := []struct {
		name string
		do   func()
	}{
		{"save", func() { saveGood() }},
		{"save and see it served", func() { s.serves(saveGood()) }},
		{"save often", func() {
			for range 2 + random.IntN(4) {
				saveGood()
				time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond) // the pace of the scenario
			}
		}},
		{"save the same", func() { s.save("version.go", version(fmt.Sprint("v", saved), "")) }},
		{"break", func() { s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() {}\n") }},
		{"save what dies at once", func() { s.save("version.go", version("dead", "os.Exit(7)")) }},
		{"save what is slow to come", func() {
			saved++
			s.save("version.go", version(fmt.Sprint("v", saved), "time.Sleep(400 * time.Millisecond)"))
		}},
		{"r", func() { s.press("r") }},
		{"R", func() { s.press("R") }},
		{"crash", func() { done.commit(func() { _, _ = ask("/crash") }) }},
		{"kill", func() {
			text, err := ask("/pid")
			if pid, bad := strconv.Atoi(text); err == nil && bad == nil {
				done.commit(func() {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					gone(t, pid)
				})
			}
		}},
	}
	for end := time.Now().Add(duration); time.Now().Before(end); {
		deed := deeds[random.IntN(len(deeds))]
		history = append(history, time.Now().Format("15:04:05.000 ")+deed.name)
		deed.do()
		time.Sleep(time.Duration(random.IntN(700)) * time.Millisecond) // the pace of the scenario
	}
	last := saveGood()
	history = append(history, time.Now().Format("15:04:05.000 ")+"save "+last)
	s.serves(last)
	// One good moment is enough: leaks never disappear, but a go command in the background temporarily has pipes open.
	s.eventually("one worker is left, and no more files are open than before", func() bool {
		return len(descendants(hotreload)) <= family && usageOf(t, hotreload).files <= before.files+2
	})
	cancel()
	report := <-reported
	if now, err := ask("/"); now != last {
		t.Errorf("at the end %q serves (%v), want %q", now, err, last)
	}
	t.Logf("seed %d: %d deeds, %d requests, %d lost with killed workers, %d lost otherwise",
		seed, len(history), report.All.Requests, excused, len(unexcused))
	if len(unexcused) > 0 {
		t.Errorf("lost:\n%s", strings.Join(unexcused[:min(len(unexcused), 20)], "\n"))
	}
	left := descendants(hotreload)
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, pid := range left {
		gone(t, pid)
	}
	if t.Failed() {
		t.Logf("the actions:\n%s", strings.Join(history, "\n"))
	}
}
