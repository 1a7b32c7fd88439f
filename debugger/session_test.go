package debugger

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// step is an input, and what the session then does, in order. Messages are described as
//
//	editor: response attach · editor: error continue · editor: event stopped
//	dlv 2: setBreakpoints
type step struct {
	name string
	do   func(s *session)
	want string
}

func request(seq int, command, arguments string) func(*session) {
	return func(s *session) {
		s.asked(message{Seq: seq, Type: "request", Command: command, Arguments: json.RawMessage(arguments)})
	}
}

// reply answers the newest request with this command.
func reply(command, body string, ok bool) func(*session) {
	return func(s *session) {
		for seq := s.back.seq; seq > 0; seq-- {
			if p, open := s.back.pending[seq]; open && p.command == command {
				s.answered(s.back.epoch, message{
					Type: "response", RequestSeq: seq, Command: command, Success: &ok, Body: json.RawMessage(body),
				})
				return
			}
		}
	}
}

func event(name, body string) func(*session) {
	return func(s *session) {
		s.answered(s.back.epoch, message{Type: "event", Event: name, Body: json.RawMessage(body)})
	}
}

func describe(actions []action) string {
	var all []string
	for _, a := range actions {
		switch a := a.(type) {
		case toEditor:
			switch {
			case a.Type == "event":
				all = append(all, "editor: event "+a.Event)
			case a.ok():
				all = append(all, "editor: response "+a.Command)
			default:
				all = append(all, "editor: error "+a.Command)
			}
		case toBackend:
			all = append(all, fmt.Sprintf("dlv %d: %s", a.epoch, a.Command))
		case startBackend:
			all = append(all, fmt.Sprintf("start dlv %d", a.epoch))
		case endBackend:
			all = append(all, fmt.Sprintf("end dlv %d", a.epoch))
		case hangUp:
			all = append(all, "hang up")
		case want:
			all = append(all, fmt.Sprintf("want %v", a.on))
		case release:
			all = append(all, fmt.Sprintf("release %d", a.worker))
		case halt:
			all = append(all, fmt.Sprintf("halt %d %v", a.worker, a.halted))
		case anew:
			all = append(all, "anew")
		case fallback:
			all = append(all, fmt.Sprintf("fallback %d", a.epoch))
		case say:
			all = append(all, "say")
		}
	}
	return strings.Join(all, ", ")
}

func (s step) run(t *testing.T, of *session) {
	t.Helper()
	s.do(of)
	if have := describe(of.take()); have != s.want {
		t.Fatalf("%s\nhave %s\nwant %s", s.name, have, s.want)
	}
}

func worker(n int) Worker { return Worker{ID: n, Generation: n, Pid: 1000 + n} }

const source1 = `{"source":{"path":"/a.go"},"breakpoints":[{"line":3}]}`

// attached are the steps to a running program: worker 2, dlv 1.
var attached = []step{
	{"connect", (*session).connected, ""},
	{"initialize", request(1, "initialize", `{"supportsInvalidatedEvent":true}`), "start dlv 1"},
	{"dlv dials", func(s *session) { s.dialed(1) }, "dlv 1: initialize"},
	{"dlv's answer is the editor's", reply("initialize", `{}`, true), "editor: response initialize"},
	{"attach", request(2, "attach", `{"mode":"remote","port":2345}`), "want true"},
	{"too early", request(3, "stackTrace", `{"threadId":1}`), "editor: error stackTrace"},
	{"no threads yet", request(4, "threads", ``), "editor: response threads"},
	{"the worker waits", func(s *session) { s.held(worker(2)) }, "editor: event output, dlv 1: attach"},
	{"attached", event("initialized", ``), "fallback 1, editor: event initialized"},
	{"dlv's answer is the editor's", reply("attach", ``, true), "editor: response attach"},
	{"breakpoints", request(5, "setBreakpoints", source1), "dlv 1: setBreakpoints"},
	{"they are set", reply("setBreakpoints", `{"breakpoints":[{"id":1}]}`, true), "editor: response setBreakpoints"},
	{"done", request(6, "configurationDone", ``), "dlv 1: configurationDone"},
	{"it runs", reply("configurationDone", ``, true), "release 2, editor: response configurationDone"},
	{"no fallback is needed", func(s *session) { s.late(1) }, ""},
}

var stopped = append(attached[:len(attached):len(attached)],
	step{"a breakpoint", event("stopped", `{"threadId":7,"hitBreakpointIds":[1]}`), "halt 2 true, editor: event stopped"},
	step{"threads", request(7, "threads", ``), "dlv 1: threads"},
	step{"one", reply("threads", `{"threads":[{"id":7,"name":"x"}]}`, true), "editor: response threads"},
)

func TestSession(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin []step
		steps []step
	}{
		{"a new generation takes over", attached, []step{
			{"it waits", func(s *session) { s.held(worker(3)) },
				"dlv 1: disconnect, end dlv 1, release 2, halt 2 false, editor: event invalidated, start dlv 2, " +
					"editor: event output"},
			{"words of the old dlv are dropped", func(s *session) {
				s.answered(1, message{Type: "event", Event: "stopped"})
			}, ""},
			{"its end is no news", func(s *session) { s.lost(1, "dlv has ended") }, ""},
			{"dlv dials", func(s *session) { s.dialed(2) }, "dlv 2: initialize"},
			{"the editor knows", reply("initialize", `{}`, true), "dlv 2: attach"},
			{"attached", event("initialized", ``), "fallback 2, editor: event initialized"},
			{"the editor has its answer", reply("attach", ``, true), ""},
			{"the editor says nothing", func(s *session) { s.late(2) }, "dlv 2: setBreakpoints, dlv 2: configurationDone"},
			{"it runs", reply("configurationDone", ``, true), "release 3"},
			{"the editor's is late", request(9, "configurationDone", ``), "editor: response configurationDone"},
		}},
		{"at a breakpoint: the next generation waits until continue", stopped, []step{
			{"it waits", func(s *session) { s.held(worker(3)) }, "editor: event output, say"},
			{"a step stays here", request(8, "next", `{"threadId":7}`), "dlv 1: next"},
			{"it runs", reply("next", ``, true), "halt 2 false, editor: response next"},
			{"it stops", event("stopped", `{"threadId":7}`), "halt 2 true, editor: event stopped"},
			{"continue", request(9, "continue", `{"threadId":7}`),
				"editor: response continue, dlv 1: disconnect, end dlv 1, release 2, halt 2 false, editor: event continued, " +
					"editor: event thread, editor: event thread, editor: event invalidated, start dlv 2, editor: event output"},
		}},
		{"at a breakpoint: restart switches at once", stopped, []step{
			{"it waits", func(s *session) { s.held(worker(3)) }, "editor: event output, say"},
			{"restart", request(8, "restart", `{}`),
				"editor: response restart, dlv 1: disconnect, end dlv 1, release 2, halt 2 false, editor: event continued, " +
					"editor: event thread, editor: event thread, editor: event invalidated, start dlv 2, editor: event output"},
		}},
		{"at a breakpoint: restart without a next generation asks for one, which does not wait", stopped, []step{
			{"restart", request(8, "restart", `{}`), "editor: response restart, anew"},
			{"it comes", func(s *session) { s.held(worker(3)) },
				"dlv 1: disconnect, end dlv 1, release 2, halt 2 false, editor: event continued, " +
					"editor: event thread, editor: event thread, " +
					"editor: event invalidated, start dlv 2, editor: event output"},
		}},
		{"at a breakpoint: what waits is superseded", stopped, []step{
			{"it waits", func(s *session) { s.held(worker(3)) }, "editor: event output, say"},
			{"it is killed", func(s *session) { s.exited(3) }, ""},
			{"continue stays here", request(8, "continue", `{"threadId":7}`), "dlv 1: continue"},
			{"it runs", reply("continue", ``, true), "halt 2 false, editor: response continue"},
		}},
		{"a request that is open when another generation takes over", attached, []step{
			{"ask", request(8, "evaluate", `{"expression":"x"}`), "dlv 1: evaluate"},
			{"it comes", func(s *session) { s.held(worker(3)) },
				"editor: error evaluate, dlv 1: disconnect, end dlv 1, release 2, halt 2 false, editor: event invalidated, " +
					"start dlv 2, editor: event output"},
		}},
		{"the new generation dies: back to the one that serves", attached, []step{
			{"it comes", func(s *session) { s.held(worker(3)) },
				"dlv 1: disconnect, end dlv 1, release 2, halt 2 false, editor: event invalidated, start dlv 2, " +
					"editor: event output"},
			{"it dies", func(s *session) { s.exited(3) },
				"end dlv 2, release 3, halt 3 false, editor: event invalidated, start dlv 3"},
			{"back", func(s *session) { s.failed(2) },
				"end dlv 3, editor: event invalidated, start dlv 4, editor: event output"},
		}},
		{"disconnect", stopped, []step{
			{"it is answered, and the program runs", request(8, "disconnect", `{}`),
				"editor: response disconnect, dlv 1: disconnect, end dlv 1, release 2, halt 2 false, release 2, want false, " +
					"hang up"},
			{"the next is not held back", func(s *session) { s.held(worker(3)) }, "release 3"},
		}},
		{"the editor is gone", stopped, []step{
			{"the program runs", (*session).left,
				"dlv 1: disconnect, end dlv 1, release 2, halt 2 false, release 2, want false"},
			{"once", (*session).left, ""},
		}},
		{"dlv is killed: its breakpoints are still in the program", stopped, []step{
			{"replace it", func(s *session) { s.lost(1, "dlv has ended") },
				"end dlv 1, halt 2 false, release 2, editor: event output, editor: event continued, " +
					"editor: event thread, editor: event thread, " +
					"editor: event invalidated, say, start dlv 2, anew"},
		}},
		{"there is no dlv", attached[:2], []step{
			{"the editor hears it", func(s *session) { s.lost(1, "there is no dlv") },
				"editor: error initialize, say, end dlv 1, hang up"},
		}},
		{"dlv may not attach", attached[:8], []step{
			{"the editor hears it", reply("attach", `{"error":{"format":"not permitted"}}`, false),
				"editor: error attach, say, dlv 1: disconnect, end dlv 1, release 2, halt 2 false, release 2, want false, " +
					"hang up"},
		}},
		{"launch", attached[:4], []step{
			{"is refused", request(2, "launch", `{}`), "editor: error launch"},
		}},
		{"without an agent, a worker is attached when it serves", attached[:7], []step{
			{"ready", func(s *session) { s.ready(worker(2)) }, "editor: event output, dlv 1: attach"},
			{"known", func(s *session) { s.ready(worker(2)) }, ""},
		}},
		{"an editor that counts from 0", attached[:1], []step{
			{"initialize", request(0, "initialize", `{}`), "start dlv 1"},
			{"dlv dials", func(s *session) { s.dialed(1) }, "dlv 1: initialize"},
			{"dlv's answer is the editor's", reply("initialize", `{}`, true), "editor: response initialize"},
			{"once", reply("initialize", `{}`, true), ""},
		}},
		{"nobody debugs", nil, []step{
			{"a held worker goes on", func(s *session) { s.held(worker(1)) }, "release 1"},
			{"a ready one is left alone", func(s *session) { s.ready(worker(2)) }, ""},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession()
			for _, one := range append(c.begin[:len(c.begin):len(c.begin)], c.steps...) {
				one.run(t, s)
			}
		})
	}
}

// TestEncoding: an answer names the number of its request, also if the number is 0. No other message has such a number.
func TestEncoding(t *testing.T) {
	for _, c := range []struct {
		m    message
		want string
	}{
		{answerTo(0, "next", nil), `{"seq":0,"type":"response","command":"next","success":true,"request_seq":0}`},
		{eventOf("initialized", nil), `{"seq":0,"type":"event","event":"initialized"}`},
	} {
		if _, have, _ := strings.Cut(string(c.m.encoded()), "\r\n\r\n"); have != c.want {
			t.Errorf("have %s, want %s", have, c.want)
		}
	}
}

// TestIDs: numbers of one generation are never passed to another one; addresses stay as they are, and are refused.
func TestIDs(t *testing.T) {
	var table ids
	table.clear()
	out := table.toEditor(json.RawMessage(
		`{"stackFrames":[{"id":1000,"line":3,"instructionPointerReference":"0x4a"}],"variablesReference":1000,` +
			`"hitBreakpointIds":[1000],"threadId":1000,"big":12345678901234567890}`,
	))
	first := object(out)
	frame, _ := number(first["stackFrames"].([]any)[0].(map[string]any)["id"])
	variables, _ := number(first["variablesReference"])
	if frame == 0 || variables == 0 || frame == variables || !strings.Contains(string(out), "12345678901234567890") ||
		!strings.Contains(string(out), `"threadId":1000`) {
		t.Errorf("have %s", out)
	}
	ask := func(text string) string {
		arguments, ok := table.toBackend(json.RawMessage(text))
		if !ok {
			return "stale"
		}
		return string(arguments)
	}
	frameText := fmt.Sprintf(`{"frameId":%d}`, frame)
	for _, c := range [][2]string{
		{frameText, `{"frameId":1000}`},
		{fmt.Sprintf(`{"variablesReference":%d}`, variables), `{"variablesReference":1000}`},
		{fmt.Sprintf(`{"variablesReference":%d}`, frame), "stale"}, // of another kind
		{`{"frameId":1000}`, "stale"},
		{`{"frameId":0}`, `{"frameId":0}`},
		{`{"memoryReference":"0x4a"}`, `{"memoryReference":"0x4a"}`},
		{`{"memoryReference":"0x4b"}`, "stale"},
	} {
		if have := ask(c[0]); have != c[1] {
			t.Errorf("%s: have %s, want %s", c[0], have, c[1])
		}
	}
	table.clear() // another generation
	table.toEditor(json.RawMessage(`{"stackFrames":[{"id":1000}]}`))
	for _, text := range []string{frameText, `{"memoryReference":"0x4a"}`} {
		if have := ask(text); have != "stale" {
			t.Errorf("%s of an older generation: have %s", text, have)
		}
	}
	kept := table.presentPlaces(json.RawMessage(`{"breakpoints":[{"instructionReference":"0x4a"}]}`))
	if string(kept) != `{"breakpoints":[]}` {
		t.Errorf("have %s", kept)
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "2345": "127.0.0.1:2345", "localhost:1": "127.0.0.1:1", ":7": "127.0.0.1:7", "[::1]:2345": "[::1]:2345",
		"127.0.0.2:9": "127.0.0.2:9", "0.0.0.0:2345": "error", "192.168.0.1:1": "error", "example.com:1": "error",
		"70000": "error", "127.0.0.1:x": "error", "x": "error",
	} {
		have, err := ParseAddress(text)
		if err != nil {
			have = "error"
		}
		if have != want {
			t.Errorf("%q: have %q, want %q", text, have, want)
		}
	}
}
