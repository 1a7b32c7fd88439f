package wire

import (
	"encoding/json"
	"fmt"
	"math"
)

// Counter is a number about a service or one of its workers. The five fields are EXSyst's.
type Counter struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// of Nagios' performance data: B bytes, s seconds, % percent, c a count that only rises
	Unit string   `json:"unit,omitempty"`
	Min  *float64 `json:"min,omitempty"` // the least possible value, if there is one
	Max  *float64 `json:"max,omitempty"`

	Privileged bool `json:"privileged,omitempty"` // only for clients that may see everything
}

// State is a program's report about itself.
type State struct {
	Text     string    `json:"text,omitempty"`
	Counters []Counter `json:"counters,omitempty"`
}

// maxCounters is how many counters a program may have. Felt right: nobody reads a longer table.
const maxCounters = 1000

// For returns the state for a client: without privileged counters, unless the client is privileged.
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

// ParseState reads a program's answer to Query; nil means that the program has no report.
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

// Finite reports whether JSON can represent the counter's numbers.
func (c Counter) Finite() bool {
	finite := func(v *float64) bool { return v == nil || !math.IsNaN(*v) && !math.IsInf(*v, 0) }
	return finite(&c.Value) && finite(c.Min) && finite(c.Max)
}
