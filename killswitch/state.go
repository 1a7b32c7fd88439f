package killswitch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// State is the content of the file. It is a value: methods that change it return another.
type State struct {
	Global   bool     `json:"global"`   // no service may start
	Services []string `json:"services"` // these services may not start; sorted
}

// Disabled is the reason why a service may not start.
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

// Allows returns nil if the service may start, and otherwise a *Disabled.
func (s State) Allows(service string) error {
	if s.Global || slices.Contains(s.Services, service) {
		return &Disabled{Service: service, Global: s.Global}
	}
	return nil
}

// Empty reports whether everything may start.
func (s State) Empty() bool { return !s.Global && len(s.Services) == 0 }

// Without enables these services by name; Global does not change.
func (s State) Without(services ...string) State {
	s.Services = slices.DeleteFunc(slices.Clone(s.Services),
		func(name string) bool { return slices.Contains(services, name) })
	return s
}

// With disables these services, too.
func (s State) With(services ...string) State {
	s.Services = slices.Concat(s.Services, services)
	return s.tidy()
}

// tidy returns the canonical form for the file.
func (s State) tidy() State {
	sorted := slices.Compact(slices.Sorted(slices.Values(s.Services)))
	s.Services = append([]string{}, sorted...) // [] instead of null, for other programs that read the file
	return s
}

// Parse reads a text written by Text or by a person. It is strict, because an unknown text may have been meant to
// disable something: unknown and repeated keys are errors.
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
		return s, errors.New("it is not a JSON object")
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
				return s, errors.New("services is not a list of names")
			}
			for _, service := range services {
				if service == nil || *service == "" {
					return s, errors.New("services contains an invalid name")
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
		return s, errors.New("there is text after the JSON object")
	}
	return s, nil
}

// plain words two errors of the decoder that mean the same.
func plain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle")
	}
	return err
}

// Text returns the state as written to the file.
func (s State) Text() []byte {
	text, err := json.MarshalIndent(s.tidy(), "", "  ")
	if err != nil {
		panic(err) // a bool and strings
	}
	return append(text, '\n')
}
