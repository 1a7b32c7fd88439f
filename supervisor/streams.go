package supervisor

import "time"

// streamsUntil is when the streams of a draining worker (event streams, WebSockets, and everything else without an end)
// must end: StreamGrace after its successors serve; zero if streams need not end. Clients with a new connection reach
// new code. During a rolling replacement a client may reach an old worker before its turn, and then the stream ends
// again; but streams do not delay the next slot. If no successor starts before the old workers are gone, streams end
// with their worker.
func (m *machine) streamsUntil(w *member) time.Time {
	if w.state != Draining || w.leaving.asked != toDrain || !w.agent.there || w.leaving.cut || m.awaited() {
		return time.Time{}
	}
	return w.leaving.since.Add(m.policy.StreamGrace)
}

// cut ends the streams of a worker.
func (m *machine) cut(w *member) {
	w.leaving.cut = true
	m.do(endStreams{w.ID})
}
