package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// at returns the place of a mark, as dlv names it.
func (d *debugSession) at(mark string) string {
	d.t.Helper()
	return fmt.Sprintf("main.go:%d", lineOf(d.t, d.file, mark))
}

// join connects dlv, with breakpoints at these marks, and lets the program run.
func (d *debugSession) join(marks ...string) *dlvClient {
	d.t.Helper()
	var commands []string
	for _, mark := range marks {
		commands = append(commands, "break "+d.at(mark))
	}
	return connectDlv(d.t, d.address, append(commands, "continue")...)
}

// TestDlvConnect: dlv connect debugs the present generation, also at its start. A save ends the connection, at once or,
// at a breakpoint, with the next continue. The client connects again, to the generation that serves. To quit does not
// kill the program, whatever the client answers.
func TestDlvConnect(t *testing.T) {
	t.Parallel()
	d := startDebugged(t)
	c := d.join("AT START", "IN REQUEST")
	c.says(`> \[Breakpoint 1\] main.main\(\) [^\n]*` + d.at("AT START"))
	c.tell("continue")
	d.waitFor(`generation 2 serves`)
	got := d.request("/")
	c.says(`> \[Breakpoint 2\] main[^\n]*` + d.at("IN REQUEST"))
	c.tell("print answer")
	c.says(`"one"`)
	d.edit(1, "two")
	d.waitFor(`generation 3 is ready, and waits until you continue in the debugger, or press r`)
	c.tell("print n")
	c.says(`\b3\b`)
	c.tell("continue")
	c.says(`this generation of the program is over: connect again`)
	if have := <-got; have != "one3" {
		t.Errorf("have %q, want one3", have)
	}
	d.waitFor(`connect again for generation 3`)
	d.waitFor(`generation 3 serves`)

	c = d.join("IN REQUEST") // the fact that it runs: the breakpoint is hit
	c.says(`Breakpoint 1 set`)
	got = d.request("/")
	c.says(`> \[Breakpoint 1\] main[^\n]*` + d.at("IN REQUEST"))
	c.tell("clearall", "continue")
	if have := <-got; have != "two3" {
		t.Errorf("have %q, want two3", have)
	}
	d.edit(2, "three") // while the program runs
	c.says(`this generation of the program is over: connect again`)
	d.waitFor(`generation 4 serves`)

	c = connectDlv(t, d.address, "exit", "y")
	<-c.done
	d.waitFor(`back to fast builds`)
	d.waitFor(`generation 5 serves`)
	if have := <-d.request("/"); have != "three5" {
		t.Errorf("have %q, want three5", have)
	}
	if n := d.count(`worker[^\n]*(crash|exited unexpectedly|restarting)`); n > 0 {
		t.Errorf("%d workers were lost", n)
	}
}

// TestDlvConnectKill9: whoever is killed, nothing hangs and no breakpoint stays.
func TestDlvConnectKill9(t *testing.T) {
	t.Parallel()
	d := startDebugged(t)
	c := d.join("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	_ = syscall.Kill(d.dlvOf(), syscall.SIGKILL)
	d.waitFor(`dlv has ended[^\n]*: the program is replaced`)
	c.says(`this generation of the program is over: connect again`)
	d.waitFor(`generation 3 serves`)
	if have := <-d.request("/"); have != "one3" {
		t.Errorf("dlv is killed: have %q, want one3", have)
	}

	c = d.join("IN REQUEST")
	c.says(`Breakpoint 1 set`)
	got := d.request("/")
	c.says(`> \[Breakpoint 1\]`)
	_ = c.cmd.Process.Kill()
	if have := <-got; have != "one3" {
		t.Errorf("the client is killed: have %q, want one3", have)
	}
	d.waitFor(`back to fast builds`)
	d.waitFor(`generation 4 serves`)

	c = d.join("IN REQUEST")
	d.waitFor(`generation 5 serves`)
	pid, backend := d.pid(), d.dlvOf()
	d.request("/")
	c.says(`> \[Breakpoint 1\]`)
	_ = d.cmd.Process.Kill()
	gone(t, backend, patience)
	gone(t, pid, patience)
	c.tell("print n")
	c.says(`connection is shut down|EOF|reset`)
}

// TestDebuggerOfTheUser: a debugger that starts the program holds the worker as long as a person likes. Neither
// --start-timeout nor --handover count meanwhile, and the old worker serves.
func TestDebuggerOfTheUser(t *testing.T) {
	t.Parallel()
	toolsInPath()
	needsDlv(t)
	dir := newModule(t, map[string]string{"main.go": fmt.Sprintf(debugged, "", "one")})
	s := start(t, dir, "--debug", "--handover=200ms", "--start-timeout=500ms",
		"--exec=dlv exec --headless --api-version=2 --accept-multiclient --listen=127.0.0.1:0", ".", "{addr}")
	for n, answer := range []string{"one", "two"} {
		if n > 0 {
			s.save("main.go", fmt.Sprintf(debugged, "", answer))
		}
		address := s.waitFor(`API server listening at: (\S+)`)[1]
		<-time.After(time.Second) // twice the start timeout: a busy machine makes the time longer, never shorter
		if n > 0 {
			s.serves("one3")
		}
		c := connectDlv(t, address, "exit -c") // the program goes on
		<-c.done
		s.waitFor(fmt.Sprintf(`generation %d serves`, n+1))
		s.serves(answer + "3")
	}
	if text := s.text(); strings.Contains(text, "alone") || strings.Contains(text, "not ready") {
		t.Errorf("a worker with a debugger is suspected")
	}
}
