package killswitch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// State is what the file says. It is a value: the methods that change it return another.
type State struct {
	Global   bool     `json:"global"`   // nothing may be started
	Services []string `json:"services"` // nor may these, sorted
}

// Disabled is why a service may not be started.
type Disabled struct {
	Service string
	Global  bool // all are off
}

func (d *Disabled) Error() string {
	if d.Global {
		return "everything is disabled"
	}
	return d.Service + " is disabled"
}

// Allows returns nil if the service may be started, and else a *Disabled.
func (s State) Allows(service string) error {
	if s.Global || slices.Contains(s.Services, service) {
		return &Disabled{Service: service, Global: s.Global}
	}
	return nil
}

// Empty reports whether everything may be started.
func (s State) Empty() bool { return !s.Global && len(s.Services) == 0 }

// Without is the state in which these may be started, as far as it depends on them: Global stays.
func (s State) Without(services ...string) State {
	s.Services = slices.DeleteFunc(slices.Clone(s.Services), func(name string) bool { return slices.Contains(services, name) })
	return s
}

// With is the state in which these may not be started either.
func (s State) With(services ...string) State {
	s.Services = slices.Concat(s.Services, services)
	return s.tidy()
}

// tidy is the one form that a state has in the file.
func (s State) tidy() State {
	sorted := slices.Compact(slices.Sorted(slices.Values(s.Services)))
	s.Services = append([]string{}, sorted...) // [] and not null, for those who read the file with other programs
	return s
}

// Parse reads what Text has written, or a person. It is strict, since what it does not understand may have been meant
// to forbid something: unknown and repeated keys are errors.
func Parse(text []byte) (State, error) {
	s, err := parse(text)
	if err != nil {
		return State{}, fmt.Errorf(`%w (it should be like {"global": false, "services": ["web"]})`, err)
	}
	return s.tidy(), nil
}

func parse(text []byte) (s State, err error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return s, errors.New("it is empty")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil {
		return s, plain(err)
	} else if start != json.Delim('{') {
		return s, errors.New("it is no JSON object")
	}
	seen := map[string]bool{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return s, plain(err)
		}
		name := key.(string) // which the decoder sees to
		if seen[name] {
			return s, fmt.Errorf("key %q stands twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return s, plain(err)
		}
		switch {
		case name == "global" && (string(value) == "true" || string(value) == "false"):
			s.Global = string(value) == "true"
		case name == "global":
			return s, errors.New("global is neither true nor false")
		case name == "services":
			var services []*string
			if err := json.Unmarshal(value, &services); err != nil || services == nil {
				return s, errors.New("services is no list of names")
			}
			for _, service := range services {
				if service == nil || *service == "" {
					return s, errors.New("services holds what is no name")
				}
				s.Services = append(s.Services, *service)
			}
		default:
			return s, fmt.Errorf("unknown key %q", name)
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return s, plain(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return s, errors.New("something follows the JSON object")
	}
	return s, nil
}

// plain says in words what the decoder says by two errors that mean the same.
func plain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle")
	}
	return err
}

// Text is the state as it stands in the file.
func (s State) Text() []byte {
	text, err := json.MarshalIndent(s.tidy(), "", "  ")
	if err != nil {
		panic(err) // a bool and strings
	}
	return append(text, '\n')
}
