//go:build unix

package supervisor

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rss returns the test's resident memory in bytes.
func rss() int {
	fields := strings.Fields(readFile("/proc/self/statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

func readFile(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// The numbers of descriptors and goroutines, and the memory, are the same after many replacements as after a few.
func TestReplacementsLeaveNothing(t *testing.T) {
	if !linux() {
		t.Skip("only Linux tells how much a process holds (/proc)")
	}
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Output: Output{Terminal: [2]bool{true, false}},
		Policy: Policy{Ready: ReadyNotify},
		Stdin:  true,
	})
	path := s.program("v", "-ready", "self", "-drain", "exit", "-write", "1000")
	type figures struct{ files, goroutines, heap, rss int }
	after := func(n int) figures {
		for range n {
			generation := s.replaceBy(path)
			await(s, replaced(generation))
			if generation > 1 {
				// The exit may come before or after Replaced, so look at all events.
				eventually(t, "the old worker does not exit", func() string {
					if s.draining() > 0 {
						return "."
					}
					return ""
				})
			}
			s.forget()
		}
		var f figures
		// The goroutines and descriptors of the last worker end shortly after its event.
		eventually(t, "", func() string {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			f = figures{len(openFiles()), runtime.NumGoroutine(), int(m.HeapInuse), rss()}
			return ""
		})
		return f
	}
	first := after(10)
	last := after(size(60, 490))
	t.Logf("after 10: %+v; after %d: %+v", first, s.generation, last)
	if left, err := os.ReadDir(s.notifyDir); err != nil || len(left) > 2 { // two sockets: READY=1, messages
		t.Errorf("%d files in the folder for sockets, %v", len(left), err)
	}
	eventually(t, "more than after 10 replacements: ", func() string {
		if f := after(0); f.files > first.files || f.goroutines > first.goroutines {
			return fmt.Sprintf("%d descriptors, %d goroutines", f.files-first.files, f.goroutines-first.goroutines)
		}
		return ""
	})
	if last.heap > first.heap+4<<20 || last.rss > first.rss+16<<20 {
		t.Errorf("memory has grown: heap %d KB, resident %d KB", (last.heap-first.heap)>>10, (last.rss-first.rss)>>10)
	}
}

// A supervisor with only serving workers uses almost no CPU, from the first second on.
func TestIdle(t *testing.T) {
	if !soak {
		t.Skip("watches an idle supervisor for 10 s: only with HOTRELOAD_SOAK=1")
	}
	used := func() time.Duration {
		var usage syscall.Rusage
		must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	for name, c := range map[string]struct {
		config Config
		flags  []string
	}{
		"said that it is ready": {Config{Listen: []Address{address(t, "127.0.0.1:0")}}, []string{"-ready", "self"}},
		"has only grown old": {Config{Listen: []Address{address(t, "127.0.0.1:0")},
			Policy: Policy{AliveFor: time.Second}}, nil},
		"listens itself": {Config{Args: []string{"-listen", freePort(t)}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.config)
			await(s, serving(s.replace(c.flags...)))
			before := used()
			time.Sleep(10 * time.Second) // the supervisor is idle for this time
			took := used() - before
			t.Logf("%v of 10 s", took)
			if took > 100*time.Millisecond {
				t.Errorf("%v of 10 s: want at most 1 %%", took)
			}
		})
	}
}

// forget drops the collected events, except for workers that have not exited yet.
func (s *service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append([]Event(nil), s.events[s.cursor:]...)
	s.cursor = 0
	for _, buffer := range s.output {
		buffer.Reset()
	}
}
