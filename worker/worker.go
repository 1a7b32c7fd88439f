package worker

import (
	"encoding/json"
	"os"
	"strconv"
	"sync"

	"hotreload/worker/wire"
)

// The environment is read before the program can have started anything.
var path, token = taken(wire.PathVariable), taken(wire.TokenVariable)

// taken reads a variable, and removes it.
func taken(name string) string {
	value := os.Getenv(name)
	_ = os.Unsetenv(name)
	return value
}

// number is what an environment variable says; 0 if it says none.
func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

// ID is the worker's slot: from 0 to one less than there are workers. Its successors have the same. It is 0 without
// hotreload.
func ID() int { return number("HOTRELOAD_SLOT") }

// Generation rises with each reload, from 1. It is 0 without hotreload.
func Generation() int { return number("HOTRELOAD_GENERATION") }

// Ready says that the worker serves. Whoever says it once is expected to say it in later generations, too. Where there
// is no hotreload it tells whoever reads NOTIFY_SOCKET, as systemd does.
func Ready() {
	if l := join(); l != nil {
		_ = l.say(wire.Ready, nil)
		return
	}
	_ = notify("READY=1") // if nobody reads it, nobody wants to know
}

// Retire asks for a successor, which takes over while this one still serves; then this one is asked to drain as in a
// reload. (Under the strategy stop-first it is asked at once.) A program that has called it may also just leave.
func Retire() {
	if l := join(); l != nil {
		_ = l.say(wire.Retire, nil)
	}
}

// Draining is closed when the worker is to finish what it has and to leave. Without hotreload that never happens.
func Draining() <-chan struct{} {
	if l := join(); l != nil {
		return l.draining
	}
	return nil
}

// OnDrain has f called when the worker is to finish what it has and to leave, before it gets SIGTERM. It has as long as
// hotreload's grace. Functions are called one after the other, the last given first.
func OnDrain(f func()) {
	if l := join(); l != nil {
		l.onDrain(f)
	}
}

// OnReload has f called when the code has changed and this worker is to stay, because its service is not reloadable.
// Functions are called one after the other, in the order in which they were given.
func OnReload(f func()) {
	if l := join(); l != nil {
		l.mu.Lock()
		l.reloads = append(l.reloads, f)
		l.mu.Unlock()
	}
}

// Counter is something that can be counted or measured.
type Counter = wire.Counter

// Status is what a worker says of itself.
type Status = wire.State

// Report keeps what is shown of the worker when somebody asks, in the place of what it last reported. Counters without
// a name, or whose numbers are none, are left out.
func Report(text string, counters ...Counter) {
	if l := join(); l != nil {
		state := wellFormed(&Status{Text: text, Counters: counters})
		l.mu.Lock()
		l.query = func(bool) *Status { return state }
		l.mu.Unlock()
	}
}

// OnQuery has f called when somebody asks what there is to say of the worker, in the place of what was reported. It may
// say nothing, with nil. Counters that are Privileged are shown to the privileged only, whatever f does.
func OnQuery(f func(privileged bool) *Status) {
	if l := join(); l != nil {
		l.mu.Lock()
		l.query = f
		l.mu.Unlock()
	}
}

// wellFormed is a status as it can be told.
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

// Send sends v, as JSON, to whoever listens to hotreload's events. Without hotreload nobody does.
func Send(v any) error {
	data, err := document(v)
	if l := join(); l != nil && err == nil {
		err = l.post(wire.Say, data)
	}
	return err
}

// document is v as JSON, if that may be sent.
func document(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return data, wire.CheckJSON(data)
}

// join is the connection, made at the first call; nil without hotreload, and if it refuses.
var join = sync.OnceValue(func() *line {
	if path == "" {
		return nil
	}
	l, err := dial(path, token)
	if err != nil {
		return nil
	}
	go l.hear() // ends with the connection, which has no other end than that of hotreload or the program
	return l
})
