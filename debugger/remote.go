package debugger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// remote is the state of a client with JSON-RPC, dlv's own protocol: GoLand or dlv connect. Such a client knows one
// process, so the connection ends with the generation, and the client connects again. Like session, remote has no
// clock, no connection and no process: the methods are inputs, and append actions.
//
// Once dlv is attached, the program is stopped, except while a request Command of the client is in flight. All messages
// are passed on unchanged, with two exceptions: Detach never kills the program; and if a newer generation waits,
// continue ends the connection.
type remote struct {
	there    bool // a client is connected
	expected bool // hotreload ended the last connection, so the client may connect again
	epoch    int  // number of the last connection
	phase    remotePhase
	worker   Worker // debugged by dlv; zero: none yet
	next     Worker // of a newer generation, waiting before its main until the client continues; zero: none
	serving  Worker // the newest ready worker; zero: dead, or about to be replaced
	before   Worker // the serving worker, if about to be replaced
	detached bool   // the client has asked dlv to detach

	first   json.RawMessage   // the first request
	early   []json.RawMessage // requests received before dlv was connected
	running map[string]bool   // ids of the requests Command in flight
	present map[int]bool      // workers reported as held
	out     []action
}

// remotePhase is how far a client has come.
//
//	waiting -> starting -> joining -> joined
//
// Every phase returns to waiting when the connection ends.
type remotePhase uint8

const (
	waiting  remotePhase = iota // for a worker with debug information
	starting                    // dlv starts
	joining                     // dlv has not answered yet
	joined
)

type (
	toClient   struct{ text json.RawMessage }
	toHeadless struct {
		epoch int
		text  json.RawMessage
	}
	startHeadless struct {
		epoch  int
		worker Worker
	}
	endHeadless struct{ epoch int }
	expire      struct{ epoch int } // call expired after a while
)

func (toClient) action()      {}
func (toHeadless) action()    {}
func (startHeadless) action() {}
func (endHeadless) action()   {}
func (expire) action()        {}

func newRemote() *remote { return &remote{present: map[int]bool{}} }

func (r *remote) do(a action) { r.out = append(r.out, a) }

func (r *remote) take() []action {
	out := r.out
	r.out = nil
	return out
}

// active reports whether the workers are built and held for such a client.
func (r *remote) active() bool { return r.there || r.expected }

// rpc has the parts of a request or an answer needed here.
type rpc struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
	ID     json.RawMessage   `json:"id"`
}

// refusal answers a request with an error.
func refusal(request json.RawMessage, text string) json.RawMessage {
	var m rpc
	_ = json.Unmarshal(request, &m)
	if len(m.ID) == 0 {
		m.ID = json.RawMessage("null")
	}
	return raw(fields{"id": m.ID, "result": nil, "error": text})
}

// connected: a client has connected.
func (r *remote) connected() {
	r.epoch++
	r.there, r.detached, r.running = true, false, map[string]bool{}
	switch {
	case !r.expected:
		r.do(want{true})
	case r.serving != (Worker{}):
		r.attach(r.serving)
	}
}

// attach starts a dlv for a worker.
func (r *remote) attach(w Worker) {
	r.phase, r.worker = starting, w
	r.do(startHeadless{r.epoch, w})
}

// asked: the client has sent a request.
func (r *remote) asked(text json.RawMessage) {
	if r.first == nil {
		r.first = text
	}
	var m rpc
	if err := json.Unmarshal(text, &m); err == nil {
		switch m.Method {
		case "RPCServer.Detach":
			text, r.detached = raw(fields{"method": m.Method, "params": []any{fields{"Kill": false}}, "id": m.ID}), true
		case "RPCServer.Command":
			if r.runs(m) && r.switchNow() {
				return
			}
		}
	}
	if r.phase < joining {
		r.early = append(r.early, text)
		return
	}
	r.do(toHeadless{r.epoch, text})
}

// runs notes a request which lets the program run, and returns true for a plain continue.
func (r *remote) runs(m rpc) bool {
	var command struct {
		Name string `json:"name"`
	}
	if len(m.Params) > 0 {
		_ = json.Unmarshal(m.Params[0], &command)
	}
	switch command.Name {
	case "halt", "switchThread", "switchGoroutine":
		return false
	}
	r.running[string(m.ID)] = true
	if r.phase == joined {
		r.do(halt{r.worker.ID, false})
	}
	return command.Name == "continue"
}

// stopped reports whether the program stands still for the client.
func (r *remote) stopped() bool { return r.phase == joined && len(r.running) == 0 }

// dialed: dlv is connected and gets the requests received so far.
func (r *remote) dialed(epoch int) {
	if epoch != r.epoch || r.phase != starting {
		return
	}
	for _, text := range r.early {
		r.do(toHeadless{r.epoch, text})
	}
	r.early, r.phase = nil, joining
}

// answered: dlv has sent an answer. The first answer comes after dlv has attached and stopped the worker, so the worker
// need not be held any more.
func (r *remote) answered(epoch int, text json.RawMessage) {
	if epoch != r.epoch || r.phase < joining {
		return
	}
	if r.phase == joining {
		r.phase = joined
		r.do(release{r.worker.ID})
		r.do(halt{r.worker.ID, r.stopped()})
	}
	var m rpc
	if err := json.Unmarshal(text, &m); err == nil && r.running[string(m.ID)] {
		delete(r.running, string(m.ID))
		r.do(halt{r.worker.ID, r.stopped()})
	}
	r.do(toClient{text})
}

// held: a worker waits before its main.
func (r *remote) held(w Worker) {
	r.present[w.ID] = true
	switch {
	case !r.there:
		r.do(release{w.ID})
	case r.phase == waiting:
		r.attach(w)
	case r.stopped():
		if r.next != (Worker{}) {
			r.do(release{r.next.ID})
		}
		r.next = w
		r.do(say{text: fmt.Sprintf("generation %d is ready, and waits until you continue in the debugger, or press r",
			w.Generation)})
	default:
		r.next = w
		r.switchNow()
	}
}

// ready: a worker serves. A worker without an agent is not held, and is attached now.
func (r *remote) ready(w Worker) {
	r.serving, r.before = w, Worker{}
	if r.there && r.worker.ID != w.ID && (r.phase == waiting || !r.present[w.ID]) {
		r.held(w)
	}
}

// failed: a generation has died before ready; serving is the number of the serving generation.
func (r *remote) failed(serving int) {
	if r.before != (Worker{}) && r.before.Generation == serving {
		r.ready(r.before)
	}
}

// exited: a worker is gone.
func (r *remote) exited(id int) {
	delete(r.present, id)
	if r.serving.ID == id {
		r.serving = Worker{}
	}
	if r.before.ID == id {
		r.before = Worker{}
	}
	if r.next.ID == id {
		r.next = Worker{}
	}
	if r.there && r.worker.ID == id && !r.switchNow() {
		r.part()
	}
}

// switchNow ends the connection in favour of a waiting generation. It returns false if no generation waits.
func (r *remote) switchNow() bool {
	if r.next == (Worker{}) {
		return false
	}
	r.do(say{text: fmt.Sprintf("the debugger's connection ends with its generation: connect again for generation %d",
		r.next.Generation)})
	if r.serving != (Worker{}) {
		r.before, r.serving = r.serving, Worker{}
	}
	r.part()
	return true
}

// part ends the connection, and expects the client again. Requests in flight are answered first.
func (r *remote) part() {
	for _, id := range slices.Sorted(maps.Keys(r.running)) {
		request := raw(fields{"id": json.RawMessage(id)})
		r.do(toClient{refusal(request, "this generation of the program is over: connect again")})
	}
	r.end()
	r.do(hangUp{})
	r.expected = true
	r.do(expire{r.epoch})
}

// end lets dlv detach, and all workers run.
func (r *remote) end() {
	if r.phase != waiting {
		r.do(endHeadless{r.epoch})
		r.do(release{r.worker.ID})
		r.do(halt{r.worker.ID, false})
	}
	if r.next != (Worker{}) {
		r.do(release{r.next.ID})
	}
	r.there, r.phase, r.worker, r.next = false, waiting, Worker{}, Worker{}
	r.first, r.early, r.running = nil, nil, nil
}

// left: the client is gone.
func (r *remote) left() {
	if r.there {
		r.end()
		r.forgo()
	}
}

// forgo ends the debug builds.
func (r *remote) forgo() {
	r.expected = false
	r.do(want{false})
}

// dismiss ends the debug builds if they were kept for a client to connect again.
func (r *remote) dismiss() {
	if r.expected && !r.there {
		r.forgo()
	}
}

// expired: the time to connect again is over.
func (r *remote) expired(epoch int) {
	if epoch == r.epoch {
		r.dismiss()
	}
}

// lost: dlv has ended by itself, or could not be started.
func (r *remote) lost(epoch int, why string) {
	if epoch != r.epoch || r.phase == waiting {
		return
	}
	switch {
	case r.detached:
		r.left()
		r.do(hangUp{})
	case r.phase < joined:
		r.do(say{text: why, bad: true})
		r.do(toClient{refusal(r.first, why)})
		r.left()
		r.do(hangUp{})
	default: // dlv's breakpoints are still in the program, and would crash the program
		r.do(say{text: why + ": the program is replaced", bad: true})
		r.part()
		r.do(anew{})
	}
}
