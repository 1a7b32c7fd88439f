package debugger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// remote is the state of a client that speaks JSON-RPC, dlv's own protocol: GoLand or dlv connect. Such a client knows
// one process, so its connection ends with the generation, and the client connects again. Like session, remote has no
// clock, no connection and no process: the methods are inputs, and append actions.
//
// dlv lets a worker stand still once attached, as long as the client has no Command in flight that lets the program
// run. All messages pass through as they are, except two: Detach never kills the program, and a continue with a newer
// generation waiting ends the connection instead.
type remote struct {
	there    bool // a client is connected
	expected bool // hotreload ended the last connection, so the client may connect again; builds stay as they are
	epoch    int  // number of the last connection
	phase    remotePhase
	worker   Worker // that dlv is attached to; zero: none yet
	next     Worker // waits before its main, because the client looks at the program; zero: none
	serving  Worker // the last worker that became ready, if alive, and if no newer one is on its way
	before   Worker // what serving was, while a newer one is on its way
	detached bool   // the client has asked dlv to detach

	first   json.RawMessage   // the first request
	early   []json.RawMessage // requests that came before dlv was there
	running map[string]bool   // ids of the requests that let the program run
	present map[int]bool      // workers that were reported as held
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

// rpc has the parts of a request or an answer that matter here.
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

// runs notes a request that lets the program run, and reports whether it is a plain continue.
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

// dialed: dlv listens, so the requests that have waited are sent.
func (r *remote) dialed(epoch int) {
	if epoch != r.epoch || r.phase != starting {
		return
	}
	for _, text := range r.early {
		r.do(toHeadless{r.epoch, text})
	}
	r.early, r.phase = nil, joining
}

// answered: dlv has sent an answer. Before the first one, dlv has attached. The worker is then stopped by dlv, and need
// not be held any more.
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

// failed: a generation has died before it was ready; serving is the one that serves.
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

// switchNow ends the connection for the generation that waits, and returns false if none does.
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

// part ends the connection, and expects the client again. A client that waits for the program to stop gets an answer.
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

// forgo ends what was done for a client that may come again.
func (r *remote) forgo() {
	r.expected = false
	r.do(want{false})
}

// dismiss expects the client no longer.
func (r *remote) dismiss() {
	if r.expected && !r.there {
		r.forgo()
	}
}

// expired: the client had its time to connect again.
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
	default: // its breakpoints are still in the program, and would end it
		r.do(say{text: why + ": the program is replaced", bad: true})
		r.part()
		r.do(anew{})
	}
}
