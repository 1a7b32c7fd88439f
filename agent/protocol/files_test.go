package protocol

import (
	"strings"
	"testing"
)

func bodyOf(t *testing.T, frames []byte) (Kind, []byte) {
	t.Helper()
	kind, body, rest, err := Next(frames)
	if err != nil || rest == nil || len(rest) > 0 {
		t.Fatalf("%q is not one frame: %v", frames, err)
	}
	return kind, body
}

func TestOpened(t *testing.T) {
	for _, want := range []FileOpening{
		{How: ToWrite, Missing: true, Path: "/a\xff\n"},
		{How: Again, Purpose: ToServe, At: -1, Count: 1 << 31, Path: "/a", Caller: "main.main, by io/fs"},
		{How: ToRead, At: 1795500000123456789, Path: strings.Repeat("p", MaxPath), Caller: strings.Repeat("c", MaxCaller)},
	} {
		kind, body := bodyOf(t, AppendOpened(nil, want))
		if have, ok := ParseOpened(body); kind != Opened || !ok || have != want {
			t.Errorf("have %d %+v %v, want %+v", kind, have, ok, want)
		}
	}
	_, empty := bodyOf(t, AppendOpened(nil, FileOpening{How: ToRead, Caller: "main.main"}))
	_, whole := bodyOf(t, AppendOpened(nil, FileOpening{How: ToRead, Path: "/a"}))
	for _, body := range [][]byte{nil, empty, whole[:len(whole)-1], whole[:17]} {
		if have, ok := ParseOpened(body); ok {
			t.Errorf("%q is read as %+v", body, have)
		}
	}
}

func TestWrote(t *testing.T) {
	for _, want := range []FileWritten{
		{Path: "/a"},
		{Held: true, At: 1, Since: 2, Inode: 1 << 63, Modified: -1},
		{Only: true, Inode: 7, Path: strings.Repeat("p", MaxPath)},
	} {
		kind, body := bodyOf(t, AppendWrote(nil, want))
		if have, ok := ParseWrote(body); kind != Wrote || !ok || have != want {
			t.Errorf("have %d %+v %v, want %+v", kind, have, ok, want)
		}
	}
	_, body := bodyOf(t, AppendWrote(nil, FileWritten{Inode: 7, Path: strings.Repeat("p", MaxPath+1)}))
	if have, ok := ParseWrote(body); !ok || have.Path != "" || have.Inode != 7 {
		t.Errorf("a path that is too long: have %+v %v", have, ok)
	}
	if _, ok := ParseWrote(body[:32]); ok {
		t.Error("a report that is too short is one")
	}
}
