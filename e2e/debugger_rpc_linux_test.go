package e2e

import (
	"fmt"
	"syscall"
	"testing"
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

// TestDlvConnect: dlv connect debugs the present generation, also at its start. A save at a breakpoint ends the
// connection with the next continue. The client connects again, to the serving generation. Quitting does not kill the
// program, whatever the client answers.
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

	c = d.join("IN REQUEST") // a hit breakpoint proves that the program runs
	c.says(`Breakpoint 1 set`)
	got = d.request("/")
	c.says(`> \[Breakpoint 1\] main[^\n]*` + d.at("IN REQUEST"))
	c.tell("exit", "y") // while the program is stopped
	<-c.done
	if have := <-got; have != "two3" {
		t.Errorf("have %q, want two3", have)
	}
	d.waitFor(`back to fast builds`)
	d.waitFor(`generation 4 serves`)
	if have := <-d.request("/"); have != "two3" {
		t.Errorf("have %q, want two3", have)
	}
	if n := d.count(`worker of generation \d+ [^\n]*(died|killed)`); n > 0 {
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
	gone(t, backend)
	gone(t, pid)
	c.tell("print n")
	c.says(`connection is shut down|EOF|reset`)
}

// TestEditorAfterDlvConnect: a save while the program runs ends the connection of dlv connect at once. An editor may
// come instead.
func TestEditorAfterDlvConnect(t *testing.T) {
	t.Parallel()
	d := startDebugged(t)
	c := d.join("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.edit(1, "two")
	c.says(`connect again`)
	d.waitFor(`generation 3 serves`)
	d.connect("IN REQUEST")
	d.waitFor(`generation \d+ serves`)
	d.e.ready(1)
	got := d.request("/")
	d.e.goOn(d.hits("IN REQUEST"))
	if have := <-got; have != "two3" {
		t.Errorf("have %q, want two3", have)
	}
}
