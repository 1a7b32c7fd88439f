package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/bench/load"
)

// debugged is a server with places for breakpoints. %s are lines above, and its answer.
const debugged = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)
%s
func main() {
	answer := %q // AT START
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n := len(answer)
		fmt.Fprint(w, answer, n) // IN REQUEST
	})
	http.HandleFunc("/free", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, answer) })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// debugSession is a hotreload with an editor attached.
type debugSession struct {
	*session
	e       *dapEditor
	file    string
	address string
}

func startDebugged(t *testing.T, args ...string) *debugSession {
	t.Helper()
	toolsInPath()
	needsDlv(t)
	dir := newModule(t, map[string]string{
		"main.go": fmt.Sprintf(debugged, "", "one"), "version.go": "package main\n",
	})
	address := freeAddr(t)
	// On a busy machine, the start of a program with a debugger takes longer than the usual handover.
	args = append([]string{"--debugger=" + address, "--handover=1m"}, args...)
	s := start(t, dir, append(args, ".", "{addr}")...)
	s.waitFor(`generation 1 serves`)
	return &debugSession{session: s, file: filepath.Join(dir, "main.go"), address: address}
}

// connect attaches an editor, with breakpoints at these marks.
func (d *debugSession) connect(marks ...string) {
	d.t.Helper()
	d.e = connectEditor(d.t, d.address)
	d.breakAt(marks...)
	d.e.attach()
}

// breakAt sets breakpoints at these marks of the present file.
func (d *debugSession) breakAt(marks ...string) {
	var lines []int
	for _, mark := range marks {
		lines = append(lines, lineOf(d.t, d.file, mark))
	}
	d.e.breakAt(d.file, lines...)
}

// request sends a request that may stop, also while a save is built, and returns where its answer will arrive.
func (d *debugSession) request(path string) <-chan string {
	answer := make(chan string, 1)
	go func() { // ends with the answer
		text, err := d.getWithin(path, patience)
		if err != nil {
			text = err.Error()
		}
		answer <- text
	}()
	return answer
}

// hits checks that the program stands at a mark.
func (d *debugSession) hits(mark string) stop {
	d.t.Helper()
	at := d.e.stops()
	if want := lineOf(d.t, d.file, mark); at.line != want || at.file != d.file {
		d.t.Fatalf("the program stands at %s:%d, want %s:%d", at.file, at.line, d.file, want)
	}
	return at
}

func (d *debugSession) edit(above int, answer string) {
	d.save("main.go", fmt.Sprintf(debugged, strings.Repeat("\n", above), answer))
}

// TestDebuggerSurvivesReloads: the editor attaches once. In each generation the same breakpoints are hit, at the line
// to which the code has moved: at the start, before main has run, and in requests, with the right variables.
func TestDebuggerSurvivesReloads(t *testing.T) {
	d := startDebugged(t)
	d.connect("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	saves := 3
	if soak {
		saves = 20
	}
	var before stop
	for n := 1; n <= saves; n++ {
		answer := fmt.Sprintf("answer %d", n)
		d.edit(n, answer)
		d.breakAt("AT START", "IN REQUEST") // as VS Code does when the file is saved
		at := d.hits("AT START")
		d.e.goOn(at)
		d.waitFor(fmt.Sprintf(`generation %d serves`, n+2))
		got := d.request("/")
		at = d.hits("IN REQUEST")
		if have := d.e.value(at, "answer"); have != fmt.Sprintf("%q", answer) {
			t.Errorf("generation %d: answer is %s, want %q", n+2, have, answer)
		}
		if have := d.e.value(at, "n"); have != fmt.Sprint(len(answer)) {
			t.Errorf("generation %d: n is %s, want %d", n+2, have, len(answer))
		}
		if n > 1 {
			if have := d.e.value(before, "answer"); !strings.Contains(have, "older generation") {
				t.Errorf("a frame of the generation before answers %s", have)
			}
		}
		before = at
		d.e.goOn(at)
		if have, want := <-got, answer+fmt.Sprint(len(answer)); have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
	if a := d.e.ask("disconnect", map[string]any{}); !a.Success {
		t.Errorf("disconnect: %s", a.Message)
	}
	d.waitFor(`back to fast builds`)
	d.waitFor(`generation \d+ serves`)
	if have := <-d.request("/"); !strings.HasPrefix(have, "answer") { // no breakpoint is left
		t.Errorf("have %q", have)
	}
}

// TestDebuggerStoppedWhileSaving: a save while the program stands at a breakpoint is built, and waits. The new
// generation takes over when the person continues, and at once by the editor's restart. Meanwhile time stands still for
// the worker.
func TestDebuggerStoppedWhileSaving(t *testing.T) {
	d := startDebugged(t, "--grace=1s", "--start-timeout=5s", "--handover=1s")
	d.connect("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	got := d.request("/")
	at := d.hits("IN REQUEST")
	d.edit(1, "two")
	d.breakAt("IN REQUEST")
	d.waitFor(`generation 3 is ready, and waits until you continue in the editor, or press r`)
	d.e.says("generation 3 is ready")
	if have := d.e.value(at, "answer"); have != `"one"` {
		t.Errorf("while generation 3 waits, answer is %s", have)
	}
	d.edit(2, "three") // a newer save supersedes this one
	d.breakAt("IN REQUEST")
	d.waitFor(`generation 4 is ready, and waits`)
	d.e.goOn(at)
	if have := <-got; have != "one3" { // the old program, without breakpoints
		t.Errorf("have %q, want one3", have)
	}
	d.e.event("continued")
	d.waitFor(`generation 4 serves`)
	got = d.request("/")
	d.hits("IN REQUEST")
	d.edit(3, "four")
	d.breakAt("IN REQUEST")
	d.waitFor(`generation 5 is ready, and waits`)
	if a := d.e.ask("restart", map[string]any{}); !a.Success {
		t.Errorf("restart: %s", a.Message)
	}
	if have := <-got; have != "three5" {
		t.Errorf("have %q, want three5", have)
	}
	d.waitFor(`generation 5 serves`)
	got = d.request("/")
	at = d.hits("IN REQUEST")
	d.e.goOn(at)
	if have := <-got; have != "four4" {
		t.Errorf("have %q, want four4", have)
	}
}

// TestDebuggerAndBrokenCode: a failed build and a crash at the start leave the session in its state.
func TestDebuggerAndBrokenCode(t *testing.T) {
	d := startDebugged(t)
	d.connect("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	d.save("version.go", "package main\n\nvar x int = \"text\"\n")
	d.waitFor(`build failed`)
	d.e.says("build failed, generation 2 stays")
	got := d.request("/")
	d.e.goOn(d.hits("IN REQUEST"))
	if have := <-got; have != "one3" {
		t.Errorf("have %q, want one3", have)
	}
	d.save("version.go", "package main\n\nimport \"os\"\n\nfunc init() { os.Exit(7) }\n")
	d.waitFor(`generation 3[^\n]*(failed|exit)`)
	d.e.says("generation 2") // dlv is attached again
	d.e.ready(3)
	got = d.request("/")
	d.e.goOn(d.hits("IN REQUEST"))
	if have := <-got; have != "one3" {
		t.Errorf("have %q, want one3", have)
	}
	d.save("version.go", "package main\n")
	d.edit(2, "mended")
	d.breakAt("IN REQUEST")
	d.waitFor(`generation 4 serves`)
	got = d.request("/")
	d.e.goOn(d.hits("IN REQUEST"))
	if have := <-got; have != "mended6" {
		t.Errorf("have %q, want mended6", have)
	}
}

// dlvOf returns hotreload's dlv.
func (d *debugSession) dlvOf() int {
	d.t.Helper()
	for _, pid := range descendants(d.cmd.Process.Pid) {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err == nil && strings.TrimSpace(string(name)) == "dlv" {
			return pid
		}
	}
	d.t.Fatal("hotreload runs no dlv")
	return 0
}

// TestDebuggerKill9: whoever is killed, nothing hangs and no breakpoint stays.
func TestDebuggerKill9(t *testing.T) {
	t.Run("dlv", func(t *testing.T) {
		d := startDebugged(t)
		d.connect("IN REQUEST")
		d.waitFor(`generation 2 serves`)
		d.e.ready(1)
		_ = syscall.Kill(d.dlvOf(), syscall.SIGKILL)
		d.waitFor(`dlv has ended[^\n]*: the program is replaced`)
		d.waitFor(`generation 3 serves`)
		d.e.ready(2)
		got := d.request("/")
		d.e.goOn(d.hits("IN REQUEST"))
		if have := <-got; have != "one3" {
			t.Errorf("have %q, want one3", have)
		}
	})
	t.Run("dlv, at a breakpoint", func(t *testing.T) {
		d := startDebugged(t)
		d.connect("IN REQUEST")
		d.waitFor(`generation 2 serves`)
		d.e.ready(1)
		d.request("/") // the answer may be lost, as in a crash
		d.hits("IN REQUEST")
		_ = syscall.Kill(d.dlvOf(), syscall.SIGKILL)
		// The worker dies of a breakpoint left by dlv. A worker comes back in the same generation, or in the next if
		// hotreload hears of dlv's end before.
		d.e.ready(2)
		got := d.request("/")
		d.e.goOn(d.hits("IN REQUEST"))
		if have := <-got; have != "one2" && have != "one3" {
			t.Errorf("have %q, want one2 or one3", have)
		}
	})
	t.Run("the editor, at a breakpoint", func(t *testing.T) {
		d := startDebugged(t)
		d.connect("IN REQUEST")
		d.waitFor(`generation 2 serves`)
		d.e.ready(1)
		got := d.request("/")
		d.hits("IN REQUEST")
		d.e.conn.Close()
		if have := <-got; have != "one3" {
			t.Errorf("have %q, want one3", have)
		}
		d.waitFor(`back to fast builds`)
		d.waitFor(`generation 3 serves`)
		d.connect("IN REQUEST") // another one may come
		d.waitFor(`generation 4 serves`)
		d.e.ready(1)
		d.request("/")
		d.hits("IN REQUEST")
	})
	t.Run("hotreload, at a breakpoint", func(t *testing.T) {
		d := startDebugged(t)
		d.connect("IN REQUEST")
		d.waitFor(`generation 2 serves`)
		d.e.ready(1)
		pid := d.pid()
		backend := d.dlvOf()
		d.request("/")
		d.hits("IN REQUEST")
		_ = d.cmd.Process.Kill()
		<-d.e.done
		gone(t, backend)
		gone(t, pid)
	})
}

// TestDebuggerStops: Ctrl-C ends hotreload also if the program stands at a breakpoint.
func TestDebuggerStops(t *testing.T) {
	d := startDebugged(t)
	d.connect("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	got := d.request("/")
	d.hits("IN REQUEST")
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	if have := <-got; have != "one3" {
		t.Errorf("have %q, want one3", have)
	}
	if code := d.exit(); code != 0 && code != 130 {
		t.Errorf("exit code %d", code)
	}
}

// clients has 64 clients send requests, until the returned function stops them.
func (d *debugSession) clients(path string) (stop func() load.Report) {
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan load.Report, 1)
	go func() { // ends with ctx
		done <- load.Run(ctx, load.Options{
			Network: "tcp", Address: d.addr, Path: path, Clients: 64, Timeout: patience,
			Habits: []load.Habit{{}, {Keep: true, Pause: 5 * time.Millisecond}, {Pause: 10 * time.Millisecond}, {Keep: true}},
		})
	}()
	return func() load.Report { cancel(); return <-done }
}

// TestDebuggerLosesNothing: while an editor is attached and nothing is stopped, saves lose no request of 64 clients.
func TestDebuggerLosesNothing(t *testing.T) {
	d := startDebugged(t)
	d.connect("IN REQUEST") // where no client comes
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	saves := 3
	if soak {
		saves = 20
	}
	stop := d.clients("/free")
	for n := 1; n <= saves; n++ {
		d.edit(n, fmt.Sprintf("answer %d", n))
		d.breakAt("IN REQUEST")
		d.waitFor(fmt.Sprintf(`generation %d serves`, n+2))
		d.e.ready(n + 1)
	}
	report := stop()
	if lost := report.Lost(); lost > 0 {
		t.Errorf("%d of %d requests are lost: %v", lost, report.All.Requests, report.All.Outcomes)
	}
	t.Logf("%d requests, %d connections", report.All.Requests, report.All.Connections)
}

// TestDebuggerCanLose is the control of TestDebuggerLosesNothing: the same clients reach a breakpoint, and dlv is
// killed there. The remaining breakpoint ends the worker, as in a crash, and the clients' count shows the lost
// requests.
func TestDebuggerCanLose(t *testing.T) {
	d := startDebugged(t)
	d.connect("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	stop := d.clients("/")
	d.hits("IN REQUEST")
	_ = syscall.Kill(d.dlvOf(), syscall.SIGKILL)
	d.e.ready(2)                                                  // the next worker is attached, so that one is gone
	if a := d.e.ask("disconnect", map[string]any{}); !a.Success { // no client waits at a breakpoint any more
		t.Errorf("disconnect: %s", a.Message)
	}
	report := stop()
	if report.Lost() == 0 {
		t.Errorf("none of %d requests is lost: %v", report.All.Requests, report.All.Outcomes)
	}
	t.Logf("%d of %d requests are lost", report.Lost(), report.All.Requests)
}

// TestDebuggerKeys: d closes and opens the debugger, and r makes a waiting generation take over.
func TestDebuggerKeys(t *testing.T) {
	toolsInPath()
	needsDlv(t)
	dir := newModule(t, map[string]string{
		"main.go": fmt.Sprintf(debugged, "", "one"), "version.go": "package main\n",
	})
	address := freeAddr(t)
	d := &debugSession{
		session: setup{terminal: true}.start(t, dir, "--debugger="+address, ".", "{addr}"),
		file:    filepath.Join(dir, "main.go"), address: address,
	}
	press := func(key string) {
		if _, err := d.tty.Write([]byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	d.waitFor(`generation 1 serves`)
	press("d")
	d.waitFor(`the debugger is off`)
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("it is off, and somebody listens")
	}
	press("d")
	d.waitFor(`debugger: ` + address)
	d.connect("IN REQUEST")
	d.waitFor(`generation 2 serves`)
	d.e.ready(1)
	got := d.request("/")
	d.hits("IN REQUEST")
	d.edit(1, "two")
	d.breakAt("IN REQUEST")
	d.waitFor(`generation 3 is ready, and waits`)
	press("r")
	if have := <-got; have != "one3" {
		t.Errorf("have %q, want one3", have)
	}
	d.waitFor(`generation 3 serves`)
}

// TestDebuggerWithoutAgent: without the agent nobody waits before main, and the program is attached when ready.
func TestDebuggerWithoutAgent(t *testing.T) {
	d := startDebugged(t, "--no-agent")
	d.connect("IN REQUEST")
	for n := 1; n <= 2; n++ {
		d.e.ready(n)
		got := d.request("/")
		d.e.goOn(d.hits("IN REQUEST"))
		if have, want := <-got, [...]string{"", "one3", "other5"}[n]; have != want {
			t.Errorf("have %q, want %q", have, want)
		}
		d.edit(n, "other")
		d.breakAt("IN REQUEST")
	}
}

// TestDebuggerAdmission: a second editor, and an editor with a launch request, are refused. The program is built and
// replaced only if an editor attaches.
func TestDebuggerAdmission(t *testing.T) {
	d := startDebugged(t)
	first := connectEditor(t, d.address)
	if a := first.ask("launch", map[string]any{"mode": "debug"}); a.Success || !strings.Contains(a.Message, "attach") {
		t.Errorf("launch: %+v", a)
	}
	second, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	const hello = `{"seq":1,"type":"request","command":"initialize","arguments":{}}`
	fmt.Fprintf(second, "Content-Length: %d\r\n\r\n%s", len(hello), hello)
	text, err := io.ReadAll(second)
	if err != nil || !strings.Contains(string(text), "another editor is connected") {
		t.Errorf("the second editor hears %q, %v", text, err)
	}
	third, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	fmt.Fprint(third, `{"method":"RPCServer.SetApiVersion","params":[{"APIVersion":2}],"id":5}`)
	text, err = io.ReadAll(third)
	if err != nil || !strings.Contains(string(text), `"id":5`) || !strings.Contains(string(text), "another editor is") {
		t.Errorf("dlv connect hears %q, %v", text, err)
	}
	d.waitFor(`a debugger is refused: another editor is connected`)
	if strings.Contains(d.text(), "generation 2") {
		t.Error("nobody has attached, and the program was replaced")
	}
}
