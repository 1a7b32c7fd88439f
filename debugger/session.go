package debugger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Worker is a process to debug.
type Worker struct{ ID, Generation, Pid int }

// session is the state of the one editor and of its backend. The methods are inputs, and append actions. The session
// has no clock, no connection and no process: the keeper owns the session, and carries out the actions.
type session struct {
	there  bool // an editor is connected
	memory memory
	ids    ids
	seq    int // of the last message to the editor

	back    backend
	workers []Worker // alive, and once held; the newest is last
	next    Worker   // of a newer generation, waiting before its main until the user continues; zero: none
	now     bool     // the next generation does not wait for the user
	misses  int      // backends in a row without a running program before their end

	out []action
}

// memory has the editor's requests needed by later backends.
type memory struct {
	initialize json.RawMessage
	attach     json.RawMessage // nil: not yet
	asked      int             // number of the attach request, until it is answered; else ours
	greeted    int             // number of the initialize request, until it is answered; else ours

	sources []source                   // breakpoints in source files, in the order of the first request
	others  map[string]json.RawMessage // by command: functions, exceptions, instructions, data

	threads     []int // known to the editor
	invalidates bool  // the editor understands `invalidated`
}

// source is a setBreakpoints request.
type source struct {
	key       string
	arguments json.RawMessage
	epoch     int // of the backend with this request
}

// phase is how far a backend is.
//
//	none -> dialing -> greeted -> attaching -> configuring -> running
//
// Every phase returns to none when the backend ends or another one takes over.
type phase uint8

const (
	none        phase = iota
	dialing           // dlv starts, or answers initialize
	greeted           // dlv waits for a program
	attaching         // dlv stops the program
	configuring       // the program stands still until all breakpoints are set
	running           // the program runs, or stands at a breakpoint
)

// backend is a dlv, for one generation.
type backend struct {
	epoch   int
	phase   phase
	worker  Worker // the program; zero: not known yet
	stopped bool   // at a breakpoint
	thread  int    // the stopped one
	seq     int
	pending map[int]pending // requests without an answer
}

// pending is a request to a backend, from the editor or from hotreload.
type pending struct {
	seq     int // the editor's number, or ours
	command string
}

// ours is the number of hotreload's own requests. The editor's numbers begin with 1, or with 0 (nvim-dap).
const ours = -1

type action interface{ action() }

type (
	toEditor  struct{ message }
	toBackend struct {
		epoch int
		message
	}
	startBackend struct{ epoch int }
	endBackend   struct {
		epoch int
		now   bool // dlv has no program; else dlv was asked to detach, and gets some time
	}
	hangUp  struct{}          // close the editor's connection after all messages
	want    struct{ on bool } // programs with debug information
	release struct{ worker int }
	halt    struct {
		worker int
		halted bool
	}
	anew     struct{}            // replace the program
	fallback struct{ epoch int } // call late after a while
	say      struct {
		text string
		bad  bool
	}
)

func (toEditor) action()     {}
func (toBackend) action()    {}
func (startBackend) action() {}
func (endBackend) action()   {}
func (hangUp) action()       {}
func (want) action()         {}
func (release) action()      {}
func (halt) action()         {}
func (anew) action()         {}
func (fallback) action()     {}
func (say) action()          {}

func newSession() *session {
	s := &session{}
	s.forget()
	return s
}

// forget begins anew, without an editor.
func (s *session) forget() {
	s.memory = memory{others: map[string]json.RawMessage{}, asked: ours, greeted: ours}
	s.ids = ids{}
	s.ids.clear()
	s.seq, s.next, s.now, s.misses, s.there = 0, Worker{}, false, 0, false
}

func (s *session) take() []action {
	out := s.out
	s.out = nil
	return out
}

func (s *session) do(a action) { s.out = append(s.out, a) }

// tell sends a message to the editor.
func (s *session) tell(m message) {
	if !s.there {
		return
	}
	s.seq++
	m.Seq = s.seq
	s.do(toEditor{m})
}

// note shows a line in the editor's console.
func (s *session) note(text string, important bool) {
	category := "console"
	if important {
		category = "important"
	}
	s.tell(eventOf("output", fields{"category": category, "output": "hotreload: " + text + "\n"}))
}

// order sends a request to the backend; seq is the editor's number, or ours.
func (s *session) order(command string, arguments json.RawMessage, seq int) {
	s.back.seq++
	s.back.pending[s.back.seq] = pending{seq, command}
	s.do(toBackend{s.back.epoch, message{Seq: s.back.seq, Type: "request", Command: command, Arguments: arguments}})
}

// connected: an editor has connected.
func (s *session) connected() {
	s.forget()
	s.there = true
}

// asked: the editor has sent a request.
func (s *session) asked(m message) {
	if m.Type != "request" { // the editor is asked nothing
		return
	}
	switch m.Command {
	case "initialize":
		s.memory.initialize, s.memory.greeted = m.Arguments, m.Seq
		s.memory.invalidates, _ = object(m.Arguments)["supportsInvalidatedEvent"].(bool)
		s.begin(Worker{})
	case "launch":
		s.tell(errorTo(m.Seq, m.Command, `hotreload starts the program: use "request": "attach" and "mode": "remote"`))
	case "attach":
		s.memory.attach, s.memory.asked = m.Arguments, m.Seq
		if m.Arguments == nil {
			s.memory.attach = raw(fields{})
		}
		s.do(want{true})
		s.attachIfReady()
	case "disconnect", "terminate":
		s.tell(answerTo(m.Seq, m.Command, nil))
		if m.Command == "terminate" {
			s.tell(eventOf("terminated", nil))
		}
		s.end()
		s.do(hangUp{})
	case "restart":
		s.tell(answerTo(m.Seq, m.Command, nil))
		if !s.switchNow() {
			s.now = true
			s.do(anew{})
		}
	case "cancel":
		s.tell(answerTo(m.Seq, m.Command, nil)) // dlv cannot
	case "setBreakpoints", "setFunctionBreakpoints", "setExceptionBreakpoints", "setInstructionBreakpoints",
		"setDataBreakpoints":
		s.breakpoints(m)
	case "configurationDone":
		if s.back.phase != configuring {
			s.tell(answerTo(m.Seq, m.Command, nil))
			return
		}
		s.order(m.Command, m.Arguments, m.Seq)
	default:
		s.pass(m)
	}
}

// pass passes a request on to the backend.
func (s *session) pass(m message) {
	switch {
	case s.back.phase < configuring && m.Command == "threads":
		s.tell(answerTo(m.Seq, m.Command, fields{"threads": []any{}}))
		return
	case s.back.phase < configuring:
		s.tell(errorTo(m.Seq, m.Command, "the program is not attached yet"))
		return
	case m.Command == "continue" && s.back.stopped && s.next != (Worker{}):
		s.tell(answerTo(m.Seq, m.Command, fields{"allThreadsContinued": true}))
		s.switchNow()
		return
	}
	arguments, present := s.ids.toBackend(m.Arguments)
	if !present {
		s.tell(errorTo(m.Seq, m.Command, "this belongs to an older generation of the program"))
		return
	}
	s.order(m.Command, arguments, m.Seq)
}

// breakpoints remembers breakpoints, and sets the breakpoints in the program, if there is one.
func (s *session) breakpoints(m message) {
	arguments := m.Arguments
	if m.Command == "setBreakpoints" {
		s.memory.remember(arguments, s.back.epoch)
	} else {
		s.memory.others[m.Command] = arguments
	}
	if s.back.phase >= configuring {
		if m.Command == "setInstructionBreakpoints" {
			arguments = s.ids.presentPlaces(arguments)
		}
		s.order(m.Command, arguments, m.Seq)
		return
	}
	all := []any{}
	given, _ := object(arguments)["breakpoints"].([]any)
	for _, one := range given {
		b := fields{"verified": false, "message": "the program is not attached yet"}
		if asked, ok := one.(map[string]any); ok && asked["line"] != nil {
			b["line"] = asked["line"]
		}
		all = append(all, b)
	}
	s.tell(answerTo(m.Seq, m.Command, fields{"breakpoints": all}))
}

func (m *memory) remember(arguments json.RawMessage, epoch int) {
	of, _ := object(arguments)["source"].(map[string]any)
	key := fmt.Sprint(of["path"], of["sourceReference"])
	i := slices.IndexFunc(m.sources, func(s source) bool { return s.key == key })
	if i < 0 {
		m.sources, i = append(m.sources, source{key: key}), len(m.sources)
	}
	m.sources[i].arguments, m.sources[i].epoch = arguments, epoch
}

// begin starts a backend, for a worker if one is known.
func (s *session) begin(w Worker) {
	s.retire()
	s.back = backend{epoch: s.back.epoch + 1, phase: dialing, worker: w, pending: map[int]pending{}}
	s.ids.clear()
	s.do(startBackend{s.back.epoch})
}

// retire makes the backend detach from its program and end. The program continues without breakpoints.
func (s *session) retire() {
	if s.back.phase == none {
		return
	}
	for _, seq := range slices.Sorted(maps.Keys(s.back.pending)) {
		if p := s.back.pending[seq]; p.seq != ours {
			s.tell(errorTo(p.seq, p.command, "another generation of the program has taken over"))
		}
	}
	s.back.pending = map[int]pending{}
	if s.back.phase >= greeted {
		s.order("disconnect", raw(fields{"terminateDebuggee": false}), ours)
	}
	s.do(endBackend{s.back.epoch, s.back.phase == dialing})
	if w := s.back.worker; w != (Worker{}) {
		s.do(release{w.ID})
		s.do(halt{w.ID, false})
	}
	s.back.phase, s.back.worker = none, Worker{}
	s.runsOn()
}

// runsOn tells the editor to forget all it has seen of the program.
func (s *session) runsOn() {
	if s.back.stopped {
		s.back.stopped = false
		s.tell(eventOf("continued", fields{"threadId": s.back.thread, "allThreadsContinued": true}))
		// nvim-dap up to 0.8 takes the thread for stopped until an event names this very thread, and would continue the
		// program at later breakpoints.
		s.tell(eventOf("thread", fields{"reason": "continued", "threadId": s.back.thread}))
	}
	for _, thread := range s.memory.threads {
		s.tell(eventOf("thread", fields{"reason": "exited", "threadId": thread}))
	}
	s.memory.threads = nil
	if s.memory.invalidates {
		s.tell(eventOf("invalidated", fields{"areas": []string{"all"}}))
	}
}

// switchTo makes another generation the program of the session.
func (s *session) switchTo(w Worker) {
	s.next, s.now = Worker{}, false
	s.begin(w)
	s.note("generation "+strconv.Itoa(w.Generation), false)
}

// switchNow switches to a waiting generation. It returns false if no generation waits.
func (s *session) switchNow() bool {
	if s.next == (Worker{}) {
		return false
	}
	s.switchTo(s.next)
	return true
}

// held: a worker waits before its main.
func (s *session) held(w Worker) {
	s.workers = append(s.workers, w)
	switch {
	case !s.there || s.memory.attach == nil:
		s.do(release{w.ID})
	case s.back.phase == dialing && s.back.worker == (Worker{}), s.back.phase == greeted:
		s.back.worker = w
		s.note("generation "+strconv.Itoa(w.Generation), false)
		s.attachIfReady()
	case s.back.phase == running && s.back.stopped && !s.now:
		s.next = w
		text := fmt.Sprintf("generation %d is ready, and waits until you continue", w.Generation)
		s.note(text, true)
		s.do(say{text: text + " in the editor, or press r"})
	default:
		s.switchTo(w)
	}
}

// ready: a worker serves. A worker without an agent was not held, and is attached now.
func (s *session) ready(w Worker) {
	known := slices.ContainsFunc(s.workers, func(one Worker) bool { return one.ID == w.ID })
	if s.there && s.memory.attach != nil && !known {
		s.held(w)
	}
}

// attachIfReady attaches when the editor, the backend and the worker are there.
func (s *session) attachIfReady() {
	if s.back.phase != greeted || s.memory.attach == nil || s.back.worker == (Worker{}) {
		return
	}
	arguments := object(s.memory.attach)
	for _, name := range []string{"host", "port", "stopOnEntry", "debugAdapter", "restart", "__restart"} {
		delete(arguments, name)
	}
	arguments["request"], arguments["mode"], arguments["processId"] = "attach", "local", s.back.worker.Pid
	s.back.phase = attaching
	s.order("attach", raw(arguments), ours)
}

// exited: a worker is gone.
func (s *session) exited(id int) {
	s.workers = slices.DeleteFunc(s.workers, func(w Worker) bool { return w.ID == id })
	if s.next.ID == id {
		s.next = Worker{}
	}
	if s.back.worker.ID != id || id == 0 {
		return
	}
	s.retire()
	if !s.switchNow() && s.there {
		s.begin(Worker{}) // for the next worker
	}
}

// failed: a generation has died before ready; serving is the number of the serving generation.
func (s *session) failed(serving int) {
	for _, w := range slices.Backward(s.workers) {
		if w.Generation == serving && s.there && s.memory.attach != nil && s.back.worker.ID != w.ID {
			s.switchTo(w)
			return
		}
	}
}

// answered: a backend has sent a message.
func (s *session) answered(epoch int, m message) {
	if epoch != s.back.epoch || s.back.phase == none {
		return // of a former backend
	}
	switch m.Type {
	case "response":
		p, known := s.back.pending[m.RequestSeq]
		if !known {
			return
		}
		delete(s.back.pending, m.RequestSeq)
		s.response(p, m)
	case "event":
		s.event(m)
	}
}

func (s *session) response(p pending, m message) {
	switch p.command {
	case "initialize":
		s.welcome(m)
	case "attach":
		s.attached(m)
	case "configurationDone":
		if m.ok() {
			s.runs()
		}
	case "continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue":
		if m.ok() && s.back.stopped {
			s.back.stopped = false
			s.do(halt{s.back.worker.ID, false})
		}
	case "threads":
		s.memory.threads = nil
		all, _ := object(m.Body)["threads"].([]any)
		for _, one := range all {
			if o, ok := one.(map[string]any); ok {
				if n, ok := number(o["id"]); ok {
					s.memory.threads = append(s.memory.threads, n)
				}
			}
		}
	}
	if p.seq != ours {
		m.RequestSeq, m.Body = p.seq, s.ids.toEditor(m.Body)
		s.tell(m)
	}
}

// welcome handles the backend's answer to initialize; the first is the editor's.
func (s *session) welcome(m message) {
	if seq := s.memory.greeted; seq != ours {
		s.memory.greeted = ours
		able := object(m.Body)
		able["supportsRestartRequest"], able["supportsTerminateRequest"] = true, true
		delete(able, "supportTerminateDebuggee")
		m.RequestSeq, m.Body = seq, raw(able)
		s.tell(m)
	}
	if m.ok() {
		s.back.phase = greeted
		s.attachIfReady()
	}
}

// attached handles the backend's answer to attach; the first is the editor's.
func (s *session) attached(m message) {
	if seq := s.memory.asked; seq != ours {
		s.memory.asked = ours
		m.RequestSeq = seq
		s.tell(m)
		if !m.ok() {
			s.do(say{text: "the debugger could not attach: " + reason(m), bad: true})
			s.end()
			s.do(hangUp{})
		}
		return
	}
	if !m.ok() {
		text := "the debugger could not attach: " + reason(m)
		s.note(text, true)
		s.do(say{text: text, bad: true})
		s.retire()
		s.begin(Worker{}) // for the next generation
	}
}

// reason returns the text of a failed response.
func reason(m message) string {
	of, _ := object(m.Body)["error"].(map[string]any)
	if text, ok := of["format"].(string); ok && text != "" {
		return text
	}
	return m.Message
}

// runs: all breakpoints are set.
func (s *session) runs() {
	if s.back.phase != configuring {
		return
	}
	s.back.phase, s.misses = running, 0
	s.do(release{s.back.worker.ID})
}

func (s *session) event(m message) {
	switch m.Event {
	case "initialized":
		s.back.phase = configuring
		s.do(fallback{s.back.epoch})
	case "stopped":
		s.back.stopped = true
		s.back.thread, _ = number(object(m.Body)["threadId"])
		s.do(halt{s.back.worker.ID, true})
	case "continued":
		s.back.stopped = false
		s.do(halt{s.back.worker.ID, false})
	case "terminated", "exited":
		s.runsOn() // the program is gone, the session stays: exited says so
		return
	}
	m.Body = s.ids.toEditor(m.Body)
	s.tell(m)
}

// late: the editor had its time to set breakpoints in a new program. Breakpoints not sent are set from memory.
func (s *session) late(epoch int) {
	if epoch != s.back.epoch || s.back.phase != configuring {
		return
	}
	for _, p := range s.back.pending {
		if p.command == "configurationDone" {
			return
		}
	}
	for i, one := range s.memory.sources {
		if one.epoch != epoch {
			s.memory.sources[i].epoch = epoch
			s.order("setBreakpoints", one.arguments, ours)
		}
	}
	for _, command := range slices.Sorted(maps.Keys(s.memory.others)) {
		if command != "setInstructionBreakpoints" { // their addresses are those of an older generation
			s.order(command, s.memory.others[command], ours)
		}
	}
	s.order("configurationDone", nil, ours)
}

// dialed: a backend has connected.
func (s *session) dialed(epoch int) {
	if epoch == s.back.epoch && s.back.phase == dialing {
		s.order("initialize", s.memory.initialize, ours)
	}
}

// lost: a backend has ended by itself, or could not be started.
func (s *session) lost(epoch int, why string) {
	if epoch != s.back.epoch || s.back.phase == none {
		return
	}
	w, was := s.back.worker, s.back.phase
	if s.misses++; was == running {
		s.misses = 0
	}
	if seq := s.memory.greeted; seq != ours { // the first backend has failed
		s.memory.greeted = ours
		s.tell(errorTo(seq, "initialize", why))
		s.do(say{text: why, bad: true})
		s.end()
		s.do(hangUp{})
		return
	}
	s.back.phase = none // dlv cannot be asked to detach
	for _, seq := range slices.Sorted(maps.Keys(s.back.pending)) {
		if p := s.back.pending[seq]; p.seq != ours {
			s.tell(errorTo(p.seq, p.command, why))
		}
	}
	s.back.pending, s.back.worker = map[int]pending{}, Worker{}
	s.do(endBackend{epoch, true})
	if w != (Worker{}) {
		s.do(halt{w.ID, false})
		s.do(release{w.ID})
	}
	s.note(why, true)
	s.runsOn()
	switch {
	case s.misses > 2:
		s.do(say{text: why + ": the debugger is given up", bad: true})
		s.tell(eventOf("terminated", nil))
		s.end()
		s.do(hangUp{})
	case s.switchNow():
	case was >= attaching: // dlv's breakpoints are still in the program, and would crash the program
		s.do(say{text: why + ": the program is replaced", bad: true})
		s.begin(Worker{})
		s.do(anew{})
	default:
		s.begin(w)
	}
}

// left: the editor is gone.
func (s *session) left() {
	if s.there {
		s.end()
	}
}

// end ends the session: no breakpoint stays, and the program runs.
func (s *session) end() {
	s.there = false
	s.retire()
	for _, w := range s.workers {
		s.do(release{w.ID})
	}
	wanted := s.memory.attach != nil
	s.forget()
	if wanted {
		s.do(want{false})
	}
}
