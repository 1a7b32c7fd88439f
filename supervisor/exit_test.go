//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKillLadder(t *testing.T) {
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Ready: ReadyNotify, Grace: 200 * time.Millisecond},
	})
	await(s, serving(s.replace("-ready", "self", "-drain", "deaf")))
	s.replace("-ready", "self", "-drain", "deaf")
	began := time.Now()
	await[Drains](s, nil)
	if over := await[GraceOver](s, nil); over.Generation != 1 {
		t.Errorf("have %+v", over)
	}
	exited := await[Exited](s, nil)
	if exited.Generation != 1 || exited.Exit.Signal != syscall.SIGKILL || !exited.Expected {
		t.Errorf("have %+v, want killed by SIGKILL, as expected", exited)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("killed after %v, before the end of its grace", took)
	}
}

// A request in flight when its worker is asked to drain gets its answer.
func TestRequestsUnderWayAreFinished(t *testing.T) {
	s := start(t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Ready: ReadyNotify}})
	await(s, serving(s.replace("-ready", "self")))
	answer := make(chan string, 1)
	go func() { // ends with the answer, for which the test waits
		text, err := ask(s.Addresses()[0], "/slow?for=300ms")
		answer <- fmt.Sprint(text, err)
	}()
	eventually(t, "the request has not arrived", func() string {
		if strings.Contains(s.written(Stderr), "slowly") {
			return ""
		}
		return "."
	})
	await(s, replaced(s.replace("-ready", "self")))
	if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v2 ") {
		t.Errorf("have %q after the replacement was reported", have)
	}
	if have := <-answer; have != "v1<nil>" {
		t.Errorf("have %q, want the answer of v1", have)
	}
}

// The second Ctrl-C: kill while workers drain.
func TestKillWhileDraining(t *testing.T) {
	s := start(
		t,
		Config{
			Listen: []Address{address(t, "127.0.0.1:0")},
			Policy: Policy{Workers: 2, Ready: ReadyNotify, Grace: time.Hour},
		},
	)
	await(s, serving(s.replace("-ready", "self", "-drain", "deaf")))
	s.Stop()
	await[Drains](s, nil)
	s.Kill()
	await[Stopped](s, nil)
}

func TestKillBeforeThereIsAnybody(t *testing.T) {
	s := start(t, Config{})
	s.Kill()
	await[Stopped](s, nil)
}

// Stop works in every phase of a replacement.
func TestStopAtAnyTime(t *testing.T) {
	for _, strategy := range []Strategy{Parallel, Rolling, StopFirst} {
		for delay := range 8 {
			t.Run(fmt.Sprintf("%s/%d", strategy, delay), func(t *testing.T) {
				s := start(t, Config{
					Listen: []Address{address(t, "127.0.0.1:0")},
					Policy: Policy{Workers: 2, Strategy: strategy, Surge: delay % 2, Ready: ReadyNotify},
				})
				await(s, serving(s.replace("-ready", "self")))
				s.replace("-ready", "self")
				s.mu.Lock()
				heard := s.heard
				s.mu.Unlock()
				for range delay { // stop after so many events
					select {
					case <-heard:
					case <-time.After(20 * time.Millisecond): // there are no more
					}
					s.mu.Lock()
					heard = s.heard
					s.mu.Unlock()
				}
				s.end()
			})
		}
	}
}

// Processes that a worker leaves behind in a session of their own, ignoring SIGTERM and with the port open, are found
// and killed; the port is free for the next worker.
func TestWhatIsLeftBehindIsFound(t *testing.T) {
	if !linux() {
		t.Skip("only Linux tells from which process an orphan comes")
	}
	for name, config := range map[string]Config{
		"own port":    {Args: []string{"-listen", freePort(t)}},
		"shared port": {Listen: []Address{address(t, "127.0.0.1:0")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, config)
			for range 3 {
				await(s, replaced(s.replace("-child", "-ready", "self", "-drain", "exit")))
			}
			s.end()
			exits := 0
			for _, event := range s.all() {
				if e, ok := event.(Exited); ok {
					exits++
					if e.Exit.Left != 1 || !e.Expected {
						t.Errorf("have %+v, want one process left behind", e)
					}
				}
			}
			if exits != 3 {
				t.Errorf("%d workers ended, want 3", exits)
			}
		})
	}
}

// A worker stopped by SIGSTOP is replaced like any other, and killed when its grace is over.
func TestStoppedWorkerIsReplaced(t *testing.T) {
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Ready: ReadyNotify, Grace: 200 * time.Millisecond},
	})
	s.replace("-ready", "self")
	first := await[BecameReady](s, nil)
	must(t, syscall.Kill(first.Pid, syscall.SIGSTOP))
	await(s, serving(s.replace("-ready", "self")))
	await(s, replaced(2))
	await(s, func(e GenerationGone) bool { return e.Generation == 1 })
	for _, event := range s.all() {
		if e, ok := event.(Exited); ok && (e.ID != first.ID || e.Exit.Signal != syscall.SIGKILL) {
			t.Errorf("have %+v, want the stopped worker, killed", e)
		}
	}
	// The stopped worker does not block other clients.
	if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v2 ") {
		t.Errorf("have %q", have)
	}
}

// A file that cannot be executed is a StartError, with sockets (through the shim) and without. The old generation keeps
// serving.
func TestCannotBeExecuted(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	cases := []struct {
		name, path string
		want       error
	}{
		{"missing", filepath.Join(dir, "missing"), os.ErrNotExist},
		{"not executable", write("mode", "x", 0o644), os.ErrPermission},
		{"no program", write("text", "no program", 0o755), syscall.ENOEXEC},
		{"a folder", dir, os.ErrPermission},
		{"empty", write("empty", "", 0o755), syscall.ENOEXEC},
	}
	for name, config := range map[string]Config{
		"own port":    {Args: []string{"-listen", freePort(t)}, Policy: Policy{Strategy: Parallel}},
		"shared port": {Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Workers: 2}},
	} {
		config.Stdin, config.Output.Terminal = true, [2]bool{true, false} // everything that could leave a file open
		t.Run(name, func(t *testing.T) {
			s := start(t, config)
			await(s, serving(s.replace("-ready", "self")))
			for _, c := range cases {
				generation := s.replaceBy(c.path)
				failed := await[Failed](s, nil)
				if !errors.Is(failed.Exit.StartError, c.want) || failed.Generation != generation || failed.Serving != 1 {
					t.Errorf("%s: have %+v, want %v", c.name, failed, c.want)
				}
				if text := failed.Exit.String(); strings.Contains(text, "\n") || !strings.Contains(text, filepath.Base(c.path)) {
					t.Errorf("%s: %q", c.name, text)
				}
				await(s, func(e GenerationGone) bool { return e.Generation == generation })
			}
			if s.written(Stderr) != "" {
				t.Errorf("on stderr: %q", s.written(Stderr))
			}
		})
	}
}

// If the program of the serving generation has vanished and its worker dies, the supervisor reports this, retries, and
// stops retrying at a good plan.
func TestProgramVanishes(t *testing.T) {
	s := start(t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Ready: ReadyNotify}})
	path := s.program("v1", "-ready", "self")
	s.replaceBy(path)
	ready := await[BecameReady](s, nil)
	must(t, os.Remove(path))
	must(t, syscall.Kill(ready.Pid, syscall.SIGKILL))
	await(s, func(e Exited) bool { return e.ID == ready.ID && !e.Expected })
	e := await[Exited](s, nil)
	if !errors.Is(e.Exit.StartError, os.ErrNotExist) || e.Retry.In == 0 {
		t.Errorf("have %+v", e)
	}
	await(s, replaced(s.replace("-ready", "self")))
}

// A crash loop: the waits grow, and a save ends them.
func TestCrashLoop(t *testing.T) {
	s := start(t, Config{Policy: Policy{OnExit: OnExitRestart}, Listen: []Address{address(t, "127.0.0.1:0")}})
	s.replace("-exit", "3")
	var last time.Duration
	for failures := 1; failures <= 3; failures++ {
		began := time.Now()
		e := await[Exited](s, nil)
		if e.Exit.Code != 3 || e.Expected || e.Retry.Failures != failures || !strings.Contains(e.Exit.Tail, "as told") {
			t.Fatalf("have %+v, want code 3, %d failures", e, failures)
		}
		last = e.Retry.In
		if waited := time.Since(began); failures > 1 && waited < 80*time.Millisecond {
			t.Errorf("the next start came after %v", waited)
		}
	}
	if last < 320*time.Millisecond {
		t.Errorf("the wait after three failures is %v", last)
	}
	await(s, serving(s.replace("-ready", "self")))
	for _, event := range s.all() {
		if e, ok := event.(Serving); ok && e.After > last {
			t.Logf("the worker served after %v; the wait would have taken %v", e.After, last)
		}
	}
}

// A crash on start while an older generation serves: reported once, with the last output.
func TestCrashOnStart(t *testing.T) {
	for _, strategy := range []Strategy{Parallel, Rolling, StopFirst} {
		t.Run(strategy.String(), func(t *testing.T) {
			s := start(t, Config{
				Listen: []Address{address(t, "127.0.0.1:0")},
				Policy: Policy{Workers: 2, Strategy: strategy, Surge: 1, Ready: ReadyNotify},
			})
			await(s, serving(s.replace("-ready", "self")))
			s.replace("-panic")
			failed := await[Failed](s, nil)
			if failed.Generation != 2 || failed.Serving != 1 || failed.Exit.Code != 2 ||
				!strings.Contains(failed.Exit.Tail, "panic: as told") {
				t.Errorf("have %+v", failed)
			}
			await(s, func(e GenerationGone) bool { return e.Generation == 2 })
			if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v1 ") {
				t.Errorf("have %q, want v1", have)
			}
			await(s, serving(s.replace("-ready", "self")))
			await(s, replaced(3))
			if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v3 ") {
				t.Errorf("have %q, want v3", have)
			}
		})
	}
}

// A worker that dies after a long time of serving is restarted at once, with the same program.
func TestAccident(t *testing.T) {
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Workers: 2, Ready: ReadyNotify, StableAfter: 50 * time.Millisecond},
	})
	await(s, serving(s.replace("-ready", "self")))
	time.Sleep(100 * time.Millisecond) // waits for StableAfter, which no event reports
	pids := pidsOf(t, s)
	pid, err := strconv.Atoi(pids[1])
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	e := await[Exited](s, nil)
	if !e.Retry.Now || e.Slot != 1 || e.State != Stable || e.Exit.Signal != syscall.SIGKILL {
		t.Errorf("have %+v, want killed, and a new start at once", e)
	}
	if again := await[BecameReady](s, nil); again.Slot != 1 || again.Generation != 1 {
		t.Errorf("have %+v", again)
	}
	if after := pidsOf(t, s); after[0] != pids[0] || after[1] == pids[1] {
		t.Errorf("have workers %v, before %v", after, pids)
	}
}

// 200 plans in quick succession: in the end only the last one serves.
func TestStorm(t *testing.T) {
	for _, strategy := range []Strategy{Parallel, Rolling, StopFirst} {
		t.Run(strategy.String(), func(t *testing.T) {
			s := start(t, Config{
				Listen: []Address{address(t, "127.0.0.1:0")},
				Policy: Policy{Workers: 2, Strategy: strategy, Surge: 1, Ready: ReadyNotify},
			})
			path := s.program("v", "-ready", "self", "-drain", "exit")
			for range size(60, 200) {
				s.replaceBy(path)
			}
			await(s, replaced(s.generation))
			if have := get(t, s.Addresses()[0], "/env?name=HOTRELOAD_GENERATION"); have != strconv.Itoa(s.generation) {
				t.Errorf("generation %s serves, want %d", have, s.generation)
			}
			gone := map[int]bool{}
			for generation := 1; generation < s.generation; generation++ {
				gone[generation] = true
			}
			eventually(t, "these generations still exist: ", func() string {
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, e := range s.events {
					if e, ok := e.(GenerationGone); ok {
						delete(gone, e.Generation)
					}
				}
				if len(gone) == 0 {
					return ""
				}
				return fmt.Sprint(gone)
			})
		})
	}
}
