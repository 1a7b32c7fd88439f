package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotreload/process"
)

// TestHeld: a worker for the debugger waits before its main until Release. The event has the pid of its program. After
// the end of debugging, waiting workers go on, and later ones do not wait.
func TestHeld(t *testing.T) {
	plan := build(t, "unchanged", true)
	address := freePort(t)
	s := start(t, Config{Args: []string{"http", address, "bare"}, Agents: true})
	s.Debug(true)
	s.replaceWith(plan)
	held := await[Held](s, nil)
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", held.Pid))
	if err != nil || !bytes.Contains(name, []byte(address)) {
		t.Errorf("pid %d is %q, %v, not the program", held.Pid, name, err)
	}
	if accounts := s.Inquire(t.Context(), AllSlots, false); len(accounts) != 1 || accounts[0].Unresponsive {
		t.Errorf("it waits, and is reported as %+v", accounts)
	}
	for _, event := range s.all() {
		if _, serves := event.(Serving); serves {
			t.Error("it serves, and was to wait")
		}
	}
	s.Release(held.ID)
	await(s, serving(1))

	s.replaceWith(plan)
	if held = await[Held](s, nil); held.Generation != 2 {
		t.Fatalf("generation %d waits, want 2", held.Generation)
	}
	s.Debug(false)
	await(s, replaced(2))
	s.replaceWith(plan)
	await(s, replaced(3))
	for _, event := range s.all() {
		if held, is := event.(Held); is && held.Generation == 3 {
			t.Error("generation 3 has waited for nobody")
		}
	}
	s.nothingForced()
}

// TestFindDebugger: the machine and the rules learn of a debugger that hotreload has not started.
func TestFindDebugger(t *testing.T) {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	p, err := process.Start(exec.Command("sh", "-c", "sleep 1000; exit"))
	must(t, err)
	defer func() { p.Kill(); <-p.Done() }()
	// The test must not trace its own child: wait(2) tells a tracer of stops, too, so the goroutine waiting for the
	// child would take a stop for the end.
	var traced int
	eventually(t, "the shell has no child", func() string {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.Pid()))
		if _, none := fmt.Sscan(string(children), &traced); none != nil {
			return fmt.Sprint(none, err)
		}
		return ""
	})
	start := time.Now().Add(-time.Hour)
	until := start.Add(time.Minute)
	w := &member{Worker: Worker{ID: 1}, started: start, until: until}
	m := newMachine(Policy{}, func() float64 { return 0 })
	m.members = append(m.members, w)
	r := &running{Process: p, worker: w.Worker}
	l := &loop{machine: m, workers: map[int]*running{1: r}}

	findDebugger{1}.carryOut(l)
	if w.until != until || standingOf(r, nil, time.Now()).Traced {
		t.Errorf("without a debugger: %+v", w)
	}
	must(t, unix.PtraceSeize(traced))
	findDebugger{1}.carryOut(l)
	if !w.until.After(until) || w.started != start || !standingOf(r, nil, time.Now()).Traced {
		t.Errorf("with a debugger: %+v", w)
	}
	must(t, unix.PtraceInterrupt(traced))
	eventually(t, "the debugger has stopped it, and its age grows", func() string {
		findDebugger{1}.carryOut(l)
		if w.started.After(start) {
			return ""
		}
		return fmt.Sprintf("%+v", w)
	})
	must(t, unix.PtraceDetach(traced))
}
