package worker

import (
	"encoding/json"
	"os"
	"strconv"
	"sync"

	"hotreload/worker/wire"
)

// The environment is read before the program can start anything.
var path, token = taken(wire.PathVariable), taken(wire.TokenVariable)

// taken returns the value of a variable, and removes the variable.
func taken(name string) string {
	value := os.Getenv(name)
	_ = os.Unsetenv(name)
	return value
}

// number returns the number in an environment variable; 0 if there is none.
func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

// ID returns the worker's slot, from 0 to the number of workers less one. A successor has the same ID. Without
// hotreload, ID returns 0.
func ID() int { return number("HOTRELOAD_SLOT") }

// Generation returns the worker's generation, from 1; each reload raises the number. Without hotreload, Generation
// returns 0.
func Generation() int { return number("HOTRELOAD_GENERATION") }

// Ready reports that the worker serves. From then on, hotreload expects this call of later generations, too. Without
// hotreload, Ready sends READY=1 to NOTIFY_SOCKET, as systemd expects.
func Ready() {
	if l := join(); l != nil {
		_ = l.say(wire.Ready, nil)
		return
	}
	_ = notify("READY=1") // after an error, no program listens there
}

// Retire asks for a successor. When the successor has taken over, this worker is asked to drain, as in a reload. (With
// stop-first, at once.) After Retire the program may also exit by itself.
func Retire() {
	if l := join(); l != nil {
		_ = l.say(wire.Retire, nil)
	}
}

// Draining returns a channel that is closed when the worker should finish and exit. Without hotreload the channel is
// never closed.
func Draining() <-chan struct{} {
	if l := join(); l != nil {
		return l.draining
	}
	return nil
}

// OnDrain makes hotreload call f when the worker should finish and exit, before SIGTERM. f may take as long as
// hotreload's grace. The functions are called one after the other, the last one first.
func OnDrain(f func()) {
	if l := join(); l != nil {
		l.onDrain(f)
	}
}

// OnReload makes hotreload call f when the code has changed and this worker stays, because its service is not
// reloadable. The functions are called one after the other, in the order of the OnReload calls.
func OnReload(f func()) {
	if l := join(); l != nil {
		l.mu.Lock()
		l.reloads = append(l.reloads, f)
		l.mu.Unlock()
	}
}

// Counter is a number that the program counts or measures.
type Counter = wire.Counter

// Status is the worker's report about itself.
type Status = wire.State

// Report stores the text and the counters that queries show for this worker, in place of its last report. Counters
// without a name, or with infinite or undefined numbers, are left out.
func Report(text string, counters ...Counter) {
	if l := join(); l != nil {
		state := wellFormed(&Status{Text: text, Counters: counters})
		l.mu.Lock()
		l.query = func(bool) *Status { return state }
		l.mu.Unlock()
	}
}

// OnQuery makes hotreload call f for each query, in place of the stored report. f may return nil for no report. Only
// privileged clients see Privileged counters, whatever f does.
func OnQuery(f func(privileged bool) *Status) {
	if l := join(); l != nil {
		l.mu.Lock()
		l.query = f
		l.mu.Unlock()
	}
}

// wellFormed returns a status with only valid counters.
func wellFormed(s *Status) *Status {
	if s == nil {
		return nil
	}
	out := &Status{Text: s.Text}
	for _, c := range s.Counters {
		if c.Name != "" && c.Finite() {
			out.Counters = append(out.Counters, c)
		}
	}
	return out
}

// Send sends v, as JSON, to the readers of hotreload's events. Without hotreload, it does nothing.
func Send(v any) error {
	data, err := document(v)
	if l := join(); l != nil && err == nil {
		err = l.post(wire.Say, data)
	}
	return err
}

// document returns v as JSON, or an error if the document may not be sent.
func document(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return data, wire.CheckJSON(data)
}

// join returns the connection, which the first call opens; nil without hotreload, or if hotreload refuses.
var join = sync.OnceValue(func() *line {
	if path == "" {
		return nil
	}
	l, err := dial(path, token)
	if err != nil {
		return nil
	}
	go l.hear() // ends with the connection, which lasts as long as hotreload and the program
	return l
})
