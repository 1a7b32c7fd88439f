package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// dapEditor is a client of the Debug Adapter Protocol with the behaviour of VS Code (debugSession.ts): after each event
// `initialized`, at any time, the client sends all breakpoints, then configurationDone, then asks for the threads.
type dapEditor struct {
	t        *testing.T
	conn     net.Conn
	done     chan struct{} // the connection has ended
	scripted bool          // it says nothing by itself

	mu          sync.Mutex // guards all below, and writes
	news        sync.Cond
	seq         int
	answers     map[int]dap
	events      []dap
	read        int
	breakpoints map[string][]int // lines, by file
	verified    map[int]bool     // the lines confirmed by the last answers
	configured  int              // rounds
}

type dap struct {
	Seq        int             `json:"seq"`
	Type       string          `json:"type"`
	Command    string          `json:"command,omitempty"`
	Event      string          `json:"event,omitempty"`
	RequestSeq int             `json:"request_seq,omitempty"`
	Success    bool            `json:"success,omitempty"`
	Message    string          `json:"message,omitempty"`
	Arguments  any             `json:"arguments,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
}

// needsDlv skips a test if there is no dlv.
func needsDlv(t *testing.T) {
	t.Helper()
	notShort(t)
	if _, err := exec.LookPath("dlv"); err != nil {
		t.Skip("there is no dlv: go install github.com/go-delve/delve/cmd/dlv@latest")
	}
}

// connectEditor connects, and says hello.
func connectEditor(t *testing.T, address string) *dapEditor {
	t.Helper()
	e := dialEditor(t, address, false)
	if a := e.ask("initialize", map[string]any{
		"clientID": "vscode", "adapterID": "go", "pathFormat": "path", "linesStartAt1": true, "columnsStartAt1": true,
		"supportsInvalidatedEvent": true, "supportsVariableType": true,
	}); !a.Success {
		t.Fatalf("initialize: %s", a.Message)
	}
	return e
}

func dialEditor(t *testing.T, address string, scripted bool) *dapEditor {
	t.Helper()
	e := &dapEditor{
		t: t, done: make(chan struct{}), scripted: scripted, answers: map[int]dap{}, breakpoints: map[string][]int{},
		verified: map[int]bool{},
	}
	e.news.L = &e.mu
	var err error
	if e.conn, err = net.Dial("tcp", address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.conn.Close(); <-e.done })
	go e.listen() // ends with the connection
	return e
}

// attach attaches, and waits for the answer.
func (e *dapEditor) attach() {
	e.t.Helper()
	if a := e.ask("attach", map[string]any{
		"name": "hotreload", "type": "go", "request": "attach", "mode": "remote", "debugAdapter": "dlv-dap",
	}); !a.Success {
		e.t.Fatalf("attach: %s %s", a.Message, a.Body)
	}
}

func (e *dapEditor) listen() {
	defer close(e.done)
	r := bufio.NewReader(e.conn)
	for {
		header, err := textproto.NewReader(r).ReadMIMEHeader()
		length, _ := strconv.Atoi(header.Get("Content-Length"))
		text := make([]byte, length)
		if err == nil {
			_, err = io.ReadFull(r, text)
		}
		var m dap
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		e.mu.Lock()
		if err != nil {
			e.events = append(e.events, dap{Event: "closed"})
		} else if m.Type == "response" {
			e.answers[m.RequestSeq] = m
		} else {
			e.events = append(e.events, m)
		}
		e.news.Broadcast()
		e.mu.Unlock()
		if err != nil {
			return
		}
		if m.Event == "initialized" && !e.scripted {
			go e.configure() // ends with the answers, or with the connection
		}
	}
}

// configure does the steps of VS Code at `initialized`.
func (e *dapEditor) configure() {
	e.mu.Lock()
	files := []string{}
	for file := range e.breakpoints {
		files = append(files, file)
	}
	e.mu.Unlock()
	slices.Sort(files)
	for _, file := range files {
		e.sendBreakpoints(file)
	}
	e.ask("setFunctionBreakpoints", map[string]any{"breakpoints": []any{}})
	e.ask("setExceptionBreakpoints", map[string]any{"filters": []string{"uncaught"}})
	e.ask("configurationDone", nil)
	e.ask("threads", nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.configured++
	e.news.Broadcast()
}

// breakAt sets the breakpoints of a file, at once if there is a session.
func (e *dapEditor) breakAt(file string, lines ...int) {
	e.mu.Lock()
	e.breakpoints[file] = lines
	running := e.configured > 0
	e.mu.Unlock()
	if running {
		e.sendBreakpoints(file)
	}
}

func (e *dapEditor) sendBreakpoints(file string) {
	e.mu.Lock()
	all := []any{}
	for _, line := range e.breakpoints[file] {
		all = append(all, map[string]any{"line": line})
	}
	e.mu.Unlock()
	a := e.ask("setBreakpoints", map[string]any{"source": map[string]any{"path": file}, "breakpoints": all})
	var body struct {
		Breakpoints []struct {
			Line     int
			Verified bool
		}
	}
	_ = json.Unmarshal(a.Body, &body)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range body.Breakpoints {
		e.verified[b.Line] = b.Verified
	}
}

// ask sends a request, and waits for the answer. After the end of the connection there is none.
func (e *dapEditor) ask(command string, arguments any) dap {
	return e.answer(e.send(command, arguments))
}

// send sends a request, and returns its number.
func (e *dapEditor) send(command string, arguments any) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	text, err := json.Marshal(dap{Seq: e.seq, Type: "request", Command: command, Arguments: arguments})
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintf(e.conn, "Content-Length: %d\r\n\r\n%s", len(text), text)
	return e.seq
}

// answer waits for the answer to a request.
func (e *dapEditor) answer(seq int) dap {
	e.mu.Lock()
	defer e.mu.Unlock()
	alarm := time.AfterFunc(patience, func() { e.conn.Close() })
	defer alarm.Stop()
	for {
		if a, there := e.answers[seq]; there {
			delete(e.answers, seq)
			return a
		}
		if n := len(e.events); n > 0 && e.events[n-1].Event == "closed" {
			return dap{Message: "the connection has ended"}
		}
		e.news.Wait()
	}
}

// waitFor waits for an event after the last awaited one, and returns the event.
func (e *dapEditor) waitFor(what string, match func(dap) bool) dap {
	e.t.Helper()
	deadline := time.Now().Add(patience)
	alarm := time.AfterFunc(patience, func() { e.mu.Lock(); e.news.Broadcast(); e.mu.Unlock() })
	defer alarm.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		for e.read < len(e.events) {
			m := e.events[e.read]
			if m.Event == "closed" && what != "closed" {
				e.t.Fatalf("the connection has ended, and there was no %s\n%s", what, e.transcriptLocked())
			}
			e.read++
			if match(m) {
				return m
			}
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("no %s\n%s", what, e.transcriptLocked())
		}
		e.news.Wait()
	}
}

func (e *dapEditor) transcriptLocked() string {
	var all strings.Builder
	for _, m := range e.events {
		fmt.Fprintf(&all, "%s %s\n", m.Event, m.Body)
	}
	return all.String()
}

func (e *dapEditor) event(name string) dap {
	e.t.Helper()
	return e.waitFor(name, func(m dap) bool { return m.Event == name })
}

// says waits for a line in the console.
func (e *dapEditor) says(text string) {
	e.t.Helper()
	e.waitFor("output "+text, func(m dap) bool { return m.Event == "output" && strings.Contains(string(m.Body), text) })
}

// ready waits until breakpoints were set in n generations.
func (e *dapEditor) ready(n int) {
	e.t.Helper()
	deadline := time.Now().Add(patience)
	alarm := time.AfterFunc(patience, func() { e.mu.Lock(); e.news.Broadcast(); e.mu.Unlock() })
	defer alarm.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.configured < n {
		if time.Now().After(deadline) {
			e.t.Fatalf("breakpoints were set %d times, want %d\n%s", e.configured, n, e.transcriptLocked())
		}
		e.news.Wait()
	}
}

// stop is where a program stands.
type stop struct {
	thread, frame, line int
	file                string
}

// stops waits until the program stands at a breakpoint, and asks where.
func (e *dapEditor) stops() stop {
	e.t.Helper()
	var event struct{ ThreadID int }
	_ = json.Unmarshal(e.event("stopped").Body, &event)
	a := e.ask("stackTrace", map[string]any{"threadId": event.ThreadID, "startFrame": 0, "levels": 20})
	var body struct {
		StackFrames []struct {
			ID, Line int
			Source   struct{ Path string }
		}
	}
	if _ = json.Unmarshal(a.Body, &body); len(body.StackFrames) == 0 {
		e.t.Fatalf("no frames: %s %s", a.Message, a.Body)
	}
	top := body.StackFrames[0]
	return stop{event.ThreadID, top.ID, top.Line, top.Source.Path}
}

// value asks for an expression.
func (e *dapEditor) value(at stop, expression string) string {
	e.t.Helper()
	a := e.ask("evaluate", map[string]any{"expression": expression, "frameId": at.frame, "context": "watch"})
	var body struct{ Result string }
	_ = json.Unmarshal(a.Body, &body)
	if !a.Success {
		return "error: " + a.Message
	}
	return body.Result
}

func (e *dapEditor) goOn(at stop) {
	e.t.Helper()
	if a := e.ask("continue", map[string]any{"threadId": at.thread}); !a.Success {
		e.t.Fatalf("continue: %s", a.Message)
	}
}

// lineOf returns the line with a mark.
func lineOf(t *testing.T, file, mark string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), mark)
	if !found {
		t.Fatalf("%s: no %s", file, mark)
	}
	return strings.Count(before, "\n") + 1
}

// toolsInPath is for people whose dlv is in Go's folder alone. The whole process gets this PATH, because tests run
// beside each other.
var toolsInPath = sync.OnceFunc(func() {
	if dir, err := exec.Command("go", "env", "GOPATH").Output(); err == nil {
		os.Setenv("PATH", os.Getenv("PATH")+":"+filepath.Join(strings.TrimSpace(string(dir)), "bin"))
	}
})
