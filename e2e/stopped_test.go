//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/control"
)

const (
	ctrlS = "\x13" // stops the terminal
	ctrlQ = "\x11" // resumes the terminal
)

// follow runs hotreload events. next waits for the next event of a kind ("" = any), and wait waits until the command
// has ended.
func (s *session) follow(args ...string) (next func(event string) control.News, wait func() error) {
	s.t.Helper()
	command := exec.Command(os.Args[0], append([]string{"events"}, args...)...)
	command.Dir = s.dir
	command.Env = append(os.Environ(), beHotreload+"=1", "XDG_RUNTIME_DIR="+s.runtime())
	out, err := command.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	alarm := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	s.t.Cleanup(func() { alarm.Stop(); _ = command.Process.Kill() })
	decoder := json.NewDecoder(out)
	next = func(event string) (n control.News) {
		s.t.Helper()
		for {
			n = control.News{}
			if err := decoder.Decode(&n); err != nil {
				s.t.Fatalf("no event %s: %v", event, err)
			}
			if event == "" || n.Event == event {
				return n
			}
		}
	}
	wait = func() error {
		_, _ = io.Copy(io.Discard, out)
		return command.Wait()
	}
	return next, wait
}

// TestStoppedTerminalStopsNoEvents: Ctrl-S stops the terminal, and its lines wait for Ctrl-Q. Editors and scripts still
// receive events and workers' output, changes take effect, and commands are answered.
func TestStoppedTerminalStopsNoEvents(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	s := setup{terminal: true, env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.press(ctrlS)
	t.Cleanup(func() { s.press(ctrlQ) }) // lets hotreload end if the test has failed

	next, wait := s.follow("--output")
	heard := make(chan control.News)
	go func() { // ends with the first reload that arrives
		heard <- next("reloaded")
	}()
	generation := 0
	for i := 2; generation == 0; i++ { // until the stream has begun
		s.save("version.go", version(fmt.Sprint("v", i), "println(\"generation boots\")"))
		s.serves(fmt.Sprint("v", i))
		select {
		case <-heard: // perhaps of an earlier save, but this one serves
			generation = i
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.save("version.go", version("last", "println(\"the last words\")"))
	for said, reloaded := false, false; !said || !reloaded; { // in any order
		switch n := next(""); n.Event {
		case "output":
			said = said || strings.Contains(n.Text, "the last words")
		case "reloaded":
			reloaded = n.Generation == generation+1
		}
	}
	s.serves("last")
	s.expectCommand(0, `the last words`, "logs")
	s.expectCommand(0, fmt.Sprintf(`generation %d, serves`, generation+1), "status")
	if shown := s.text(); strings.Contains(shown, "generation 2 serves") || strings.Contains(shown, "the last words") {
		t.Errorf("the terminal was not stopped and shows\n%s", shown)
	}

	s.press(ctrlQ)
	s.waitFor(fmt.Sprintf(`generation %d serves`, generation+1))
	s.eventually("the terminal shows the worker's output", func() bool {
		return strings.Contains(s.text(), "the last words")
	})
	s.expectCommand(0, ``, "stop")
	next("stopping")
	if err := wait(); err != nil {
		t.Errorf("at the end of hotreload, events ends with %v", err)
	}
}

// TestStoppedTerminalStopsNoEnd: hotreload and its workers end on request even if the terminal accepts no output.
func TestStoppedTerminalStopsNoEnd(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := setup{terminal: true}.start(t, newModule(t, nil), ".", "{addr}")
			s.waitFor(`generation 1 serves`)
			worker := s.pid()
			s.press(ctrlS)
			t.Cleanup(func() { s.press(ctrlQ) }) // lets hotreload end if the test has failed
			s.signal(signal)
			if code := s.exit(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			gone(t, worker)
		})
	}
}
