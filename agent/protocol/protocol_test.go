package protocol

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestNextTakesWhatAppendMade(t *testing.T) {
	buf := AppendHello(nil, 4711, "token")
	buf = Append(buf, Accepting, Numbers(7))
	buf = Append(buf, Parked, nil)

	kind, body, rest, err := Next(buf)
	pid, token, ok := ParseHello(body)
	if kind != Hello || err != nil || pid != 4711 || token != "token" || !ok {
		t.Fatalf("hello: have kind %d, pid %d, token %q, %v, %v", kind, pid, token, ok, err)
	}
	kind, body, rest, err = Next(rest)
	if id, ok := Number(body, 0); kind != Accepting || id != 7 || !ok || err != nil {
		t.Fatalf("accepting: have kind %d, id %d, %v, %v", kind, id, ok, err)
	}
	kind, body, rest, err = Next(rest)
	if kind != Parked || len(body) != 0 || rest == nil || len(rest) != 0 || err != nil {
		t.Fatalf("parked: have kind %d, body %q, rest %q, %v", kind, body, rest, err)
	}
}

func TestNextWithBadInput(t *testing.T) {
	whole := Append(nil, Ask, []byte("/a/path"))
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":            {nil, nil},
		"half a header":      {whole[:3], nil},
		"half a body":        {whole[:9], nil},
		"older version":      {[]byte{1, 0, 0, 0}, ErrVersion},
		"newer version":      {[]byte{1, Version + 1, 0, 0}, ErrVersion},
		"garbage":            {[]byte("GET / HTTP/1.1\r\n"), ErrVersion},
		"too much announced": {[]byte{1, Version, 0xff, 0xff}, ErrTooLong},
		"one byte too much":  {[]byte{1, Version, MaxBody >> 8, MaxBody&0xff + 1}, ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, rest, err := Next(c.in); rest != nil || !errors.Is(err, c.want) {
				t.Errorf("have rest %q, error %v; want none and %v", rest, err, c.want)
			}
		})
	}
}

func TestParseHelloWithBadInput(t *testing.T) {
	for _, body := range []string{"", "hot", "hotreload", "hotreload123", strings.Repeat("x", 100)} {
		if _, _, ok := ParseHello([]byte(body)); ok {
			t.Errorf("%q was taken for a hello", body)
		}
	}
	if _, ok := Number([]byte{0, 0, 0}, 0); ok {
		t.Error("three bytes were taken for a number")
	}
}

func FuzzNext(f *testing.F) {
	f.Add(AppendHello(nil, 1, "t"))
	f.Add([]byte{1, Version, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		kind, body, rest, err := Next(in)
		if err == nil && rest != nil {
			if again := append(Append(nil, kind, body), rest...); !bytes.Equal(again, in) {
				t.Errorf("have %q, want %q", again, in)
			}
		}
	})
}

func TestCounts(t *testing.T) {
	for _, want := range []Known{
		{Open: 1, Accepted: 1 << 40, Goroutines: 3, Heap: 4},
		{Open: 1, Accepted: 2, Goroutines: 3, Heap: 4, HTTP: true, InFlight: 5, Served: 6},
	} {
		if id, have, ok := ParseCounts(CountsBody(7, want)); id != 7 || have != want || !ok {
			t.Errorf("have %d %+v %v, want 7 %+v", id, have, ok, want)
		}
	}
	for _, size := range []int{0, 4, 35, 37, 44, 100} {
		if _, _, ok := ParseCounts(make([]byte, size)); ok {
			t.Errorf("%d bytes were taken for counts", size)
		}
	}
}

func FuzzParseCounts(f *testing.F) {
	f.Add(CountsBody(1, Known{HTTP: true, Served: 1}))
	f.Fuzz(func(t *testing.T, in []byte) {
		if id, k, ok := ParseCounts(in); ok && !bytes.Equal(CountsBody(id, k), in) {
			t.Errorf("%q is read as %d %+v", in, id, k)
		}
	})
}
