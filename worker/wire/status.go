package wire

import (
	"encoding/json"
	"fmt"
	"math"
)

// Counter is a number about a service or one of its workers, from wherever it is known. The five fields are EXSyst's.
type Counter struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit,omitempty"` // of Nagios' performance data: B bytes, s seconds, % percent, c a count that only rises
	Min   *float64 `json:"min,omitempty"`  // the least that it can be, if there is such a thing
	Max   *float64 `json:"max,omitempty"`

	Privileged bool `json:"privileged,omitempty"` // only for those who may see everything
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
