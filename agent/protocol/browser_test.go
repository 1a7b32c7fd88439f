package protocol

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestBrowserInWelcome(t *testing.T) {
	for _, want := range []Browser{
		{},
		{Key: "k"},
		{Key: "k", Tag: strings.Repeat("x", MaxTag), Cache: CacheOff, Hosts: []string{"a", "b.example"}, Panic: true},
	} {
		body := AppendBrowser(Numbers(7), want)
		if have := ParseBrowser(body, 4); !reflect.DeepEqual(have, want) {
			t.Errorf("have %+v, want %+v", have, want)
		}
		for i := range body { // ParseBrowser must not panic
			ParseBrowser(body[:i], 4)
		}
	}
	many := Browser{Key: "k"}
	for i := range 1000 {
		many.Hosts = append(many.Hosts, fmt.Sprint("host", i))
	}
	body := AppendBrowser(Numbers(7), many)
	if have := ParseBrowser(body, 4); len(body) > MaxBody || len(have.Hosts) < 300 {
		t.Errorf("have %d hosts in %d bytes", len(have.Hosts), len(body))
	}
}

func TestVisit(t *testing.T) {
	for _, size := range []int{0, 1, MaxBody - 20, MaxBody, 3 * MaxBody} {
		first := bytes.Repeat([]byte("x"), size)
		var have []byte
		remote := ""
		more := true
		for rest := AppendVisit(nil, "1.2.3.4:5", first); more; {
			var body []byte
			var err error
			var kind Kind
			if kind, body, rest, err = Next(rest); err != nil || kind != Visit {
				t.Fatal(kind, err)
			}
			from, part, goesOn, ok := ParseVisit(body)
			have, more, remote = append(have, part...), goesOn, remote+from
			if !ok || !more && len(rest) > 0 {
				t.Fatal("it does not end with its last frame")
			}
		}
		if remote != "1.2.3.4:5" || !bytes.Equal(have, first) {
			t.Errorf("%d bytes: have %d from %q", size, len(have), remote)
		}
	}
	path, why, ok := ParseUntagged(AppendUntagged(nil, "/x", "because")[HeaderSize:])
	if path != "/x" || why != "because" || !ok {
		t.Error(path, why, ok)
	}
}
