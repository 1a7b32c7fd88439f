package killswitch

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       State
		err        string // part of it
	}{
		{"all enabled", `{"global": false, "services": []}`, State{}, ""},
		{"nothing said", `{}`, State{}, ""},
		{"global", `{"global": true}`, State{Global: true}, ""},
		{"services, sorted and once", `{"services": ["web", "api", "web"]}`,
			State{Services: []string{"api", "web"}}, ""},
		{"both", `{"services": ["web"], "global": true}`, State{Global: true, Services: []string{"web"}}, ""},
		{"space around", "\n {\"global\":true}\n\n", State{Global: true}, ""},

		{"empty", ``, State{}, "empty"},
		{"blank", " \n", State{}, "empty"},
		{"cut off", `{"global": false, "serv`, State{}, "in the middle"},
		{"cut off before the brace", `{"global": false`, State{}, "in the middle"},
		{"no JSON", `global: true`, State{}, "invalid character"},
		{"another value", `true`, State{}, "not a JSON object"},
		{"list", `[]`, State{}, "not a JSON object"},
		{"null", `null`, State{}, "not a JSON object"},
		{"mistyped key", `{"gloabl": true}`, State{}, `unknown key "gloabl"`},
		{"key in capitals", `{"Global": true}`, State{}, `unknown key "Global"`},
		{"key twice, the second time harmless", `{"global": true, "global": false}`, State{}, "twice"},
		{"global as a word", `{"global": "true"}`, State{}, "neither true nor false"},
		{"global null", `{"global": null}`, State{}, "neither true nor false"},
		{"services as a word", `{"services": "web"}`, State{}, "not a list"},
		{"services null", `{"services": null}`, State{}, "not a list"},
		{"service null", `{"services": [null]}`, State{}, "invalid name"},
		{"service without a name", `{"services": ["web", ""]}`, State{}, "invalid name"},
		{"two objects", `{"global": false}{"global": true}`, State{}, "after the JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			have, err := Parse([]byte(c.text))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("have %+v and error %v, want an error with %q", have, err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(have, c.want.tidy()) {
				t.Errorf("have %+v and error %v, want %+v", have, err, c.want)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		name  string
		state State
		want  string
	}{
		{"nothing is off", State{}, ""},
		{"another is off", State{Services: []string{"api"}}, ""},
		{"a longer name is off", State{Services: []string{"web2"}}, ""},
		{"it is off", State{Services: []string{"api", "web"}}, "web is disabled"},
		{"all are off", State{Global: true}, "everything is disabled"},
		{"it and all are off", State{Global: true, Services: []string{"web"}}, "everything is disabled"},
	} {
		have := ""
		if err := c.state.Allows("web"); err != nil {
			have = err.Error()
		}
		if have != c.want {
			t.Errorf("%s: have %q, want %q", c.name, have, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, `{"global": true, "services": ["a"]}`, `{"services":["\ud800"]}`, `{"a":{`,
		`{"global":false}}`, "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			if !s.Empty() {
				t.Errorf("have an error and %+v", s)
			}
			return
		}
		again, err := Parse(s.Text())
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("have %+v, written and read %+v, error %v", s, again, err)
		}
		// A text that disables something must not be read as a harmless one.
		if bytes.Contains(text, []byte("true")) && s.Empty() {
			t.Errorf("%q parses as a state that allows everything", text)
		}
	})
}
