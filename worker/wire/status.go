package wire

import (
	"encoding/json"
	"fmt"
	"math"
)

// Counter is something about a worker that can be counted or measured, from wherever it is known.
type Counter struct {
	Name       string   `json:"name"`
	Value      float64  `json:"value"`
	Unit       string   `json:"unit,omitempty"` // "B", "s", "%", "c" for what only rises; "" for a number of things
	Min        *float64 `json:"min,omitempty"`  // the least that it can be, if there is such a thing
	Max        *float64 `json:"max,omitempty"`
	Privileged bool     `json:"privileged,omitempty"` // not for everybody
}

// State is what a program says of itself.
type State struct {
	Text     string    `json:"text,omitempty"`
	Counters []Counter `json:"counters,omitempty"`
}

// maxCounters is how many a program may have. Felt right: a table of more is read by nobody.
const maxCounters = 1000

// For is the state without what is for the privileged, unless it is for them.
func (s *State) For(privileged bool) *State {
	if s == nil || privileged {
		return s
	}
	seen := &State{Text: s.Text}
	for _, c := range s.Counters {
		if !c.Privileged {
			seen.Counters = append(seen.Counters, c)
		}
	}
	return seen
}

// ParseState reads a program's answer to Query; nil is one that has nothing to say.
func ParseState(data []byte) (*State, error) {
	var s *State
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("its status is none: %w", err)
	}
	if s == nil {
		return nil, nil
	}
	if len(s.Counters) > maxCounters {
		return nil, fmt.Errorf("its status has %d counters, and may have %d", len(s.Counters), maxCounters)
	}
	for _, c := range s.Counters {
		if c.Name == "" {
			return nil, fmt.Errorf("its status has a counter without a name")
		}
	}
	return s, nil
}

// Finite reports whether the counter's numbers are such that JSON has words for them.
func (c Counter) Finite() bool {
	finite := func(v *float64) bool { return v == nil || !math.IsNaN(*v) && !math.IsInf(*v, 0) }
	return finite(&c.Value) && finite(c.Min) && finite(c.Max)
}
