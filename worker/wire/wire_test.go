package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func read(in []byte) (Kind, []byte, error) {
	return Read(bufio.NewReader(bytes.NewReader(in)), MaxBody)
}

func TestReadTakesWhatAppendMade(t *testing.T) {
	large := bytes.Repeat([]byte("x"), MaxBody)
	for _, body := range [][]byte{nil, []byte("a"), large} {
		kind, have, err := read(Append(nil, Say, body))
		if kind != Say || !bytes.Equal(have, body) || err != nil {
			t.Errorf("%d bytes: have kind %d, %d bytes, %v", len(body), kind, len(have), err)
		}
	}
	buf := AppendJoin(nil, 4711, "token")
	_, body, err := read(buf)
	if pid, token, ok := ParseJoin(body); pid != 4711 || token != "token" || !ok || err != nil {
		t.Errorf("have pid %d, token %q, %v, %v", pid, token, ok, err)
	}
	if id, data, err := ParseNumbered(Numbered(7, []byte("{}"))); id != 7 || string(data) != "{}" || err != nil {
		t.Errorf("have %d, %q, %v", id, data, err)
	}
}

func TestReadWithBadInput(t *testing.T) {
	whole := Append(nil, Say, []byte("1234"))
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":            {nil, io.EOF},
		"half a header":      {whole[:3], io.ErrUnexpectedEOF},
		"half a body":        {whole[:8], io.ErrUnexpectedEOF},
		"no body":            {whole[:6], io.ErrUnexpectedEOF},
		"another version":    {[]byte{1, Version + 1, 0, 0, 0, 0}, ErrVersion},
		"garbage":            {[]byte("GET / HTTP/1.1\r\n"), ErrVersion},
		"too much announced": {[]byte{1, Version, 0xff, 0xff, 0xff, 0xff}, ErrTooLong},
		"one byte too much":  {Append(nil, Say, make([]byte, MaxBody+1)), ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := read(c.in); !errors.Is(err, c.want) {
				t.Errorf("have error %v, want %v", err, c.want)
			}
		})
	}
}

// TestReadDoesNotBelieve: a frame with an announced megabyte and no bytes takes no megabyte.
func TestReadDoesNotBelieve(t *testing.T) {
	announced := Append(nil, Say, make([]byte, MaxData))[:HeaderSize+10]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, _, err := read(announced); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > 64<<10 {
		t.Errorf("it takes %d bytes", each)
	}
}

func TestParseWithBadInput(t *testing.T) {
	for _, body := range []string{"", "hot", Magic, Magic + "123", strings.Repeat("x", 100)} {
		if _, _, ok := ParseJoin([]byte(body)); ok {
			t.Errorf("%q was taken for a join", body)
		}
	}
	if _, _, err := ParseNumbered([]byte("123")); !errors.Is(err, ErrShort) {
		t.Errorf("three bytes: have %v", err)
	}
	for _, text := range []string{"", "{", "x", "{}{}", strings.Repeat("[", 20000) + strings.Repeat("]", 20000),
		"\"" + strings.Repeat("x", MaxData) + "\""} {
		if CheckJSON([]byte(text)) == nil {
			t.Errorf("%.20q was taken for a message", text)
		}
	}
	for _, text := range []string{`{}`, `null`, `"x"`, `7`} {
		if err := CheckJSON([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestParseState(t *testing.T) {
	low, high := 0.0, 10.0
	for _, c := range []struct {
		name, in string
		want     *State
		bad      bool
	}{
		{"nothing to say", `null`, nil, false},
		{"text", `{"text":"well"}`, &State{Text: "well"}, false},
		{"counters", `{"counters":[{"name":"jobs","value":3,"unit":"c","min":0,"max":10,"privileged":true}]}`,
			&State{Counters: []Counter{{"jobs", 3, "c", &low, &high, true}}}, false},
		{"no object", `7`, nil, true},
		{"a counter without a name", `{"counters":[{"value":3}]}`, nil, true},
		{"too many", `{"counters":[` + strings.Repeat(`{"name":"x"},`, 1000) + `{"name":"x"}]}`, nil, true},
	} {
		have, err := ParseState([]byte(c.in))
		if !reflect.DeepEqual(have, c.want) || (err != nil) != c.bad {
			t.Errorf("%s: have %+v, %v", c.name, have, err)
		}
	}
}

func TestStateFor(t *testing.T) {
	s := &State{Text: "t", Counters: []Counter{{Name: "open"}, {Name: "secret", Privileged: true}}}
	if have := s.For(true); len(have.Counters) != 2 {
		t.Errorf("privileged: have %+v", have)
	}
	if have := s.For(false); have.Text != "t" || len(have.Counters) != 1 || have.Counters[0].Name != "open" {
		t.Errorf("not privileged: have %+v", have)
	}
	if (*State)(nil).For(false) != nil {
		t.Error("nothing became something")
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		if (Counter{Value: v}).Finite() || (Counter{Max: &v}).Finite() || !(Counter{}).Finite() {
			t.Errorf("%v", v)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(AppendJoin(nil, 1, "t"))
	f.Add(Append(nil, Message, Numbered(1, []byte(`{"a":1}`))))
	f.Add([]byte{1, Version, 0, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		kind, body, err := read(in)
		if err != nil {
			return
		}
		if again := Append(nil, kind, body); !bytes.HasPrefix(in, again) {
			t.Errorf("have %q, want the beginning of %q", again, in)
		}
		if id, data, err := ParseNumbered(body); err == nil && !bytes.Equal(Numbered(id, data), body) {
			t.Errorf("%q", body)
		}
		if pid, token, ok := ParseJoin(body); ok && !bytes.Equal(AppendJoin(nil, pid, token)[HeaderSize:], body) {
			t.Errorf("%q", body)
		}
	})
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"text":"x","counters":[{"name":"a","value":1,"min":0,"max":2,"privileged":true}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ParseState(in)
		if err != nil || s == nil {
			return
		}
		for _, c := range s.For(false).Counters {
			if c.Privileged || c.Name == "" || !c.Finite() {
				t.Errorf("%+v", c)
			}
		}
	})
}
