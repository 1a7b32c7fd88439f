package control

import (
	"slices"
	"testing"
)

func TestLines(t *testing.T) {
	var l Lines[string]
	for _, c := range []struct {
		what, by, piece, whole string
		held                   int
	}{
		{"nothing", "a", "", "", 0},
		{"a line", "a", "one\n", "one\n", 0},
		{"the beginning of one", "a", "be", "", 2},
		{"another writer's", "b", "other\nrest", "other\n", 4},
		{"more of it", "a", "gun", "", 5},
		{"its end, two lines, and another beginning", "a", "\n\nnext\r\nla", "begun\n\nnext\r\n", 2},
		{"an end alone", "a", "\n", "la\n", 0},
	} {
		if whole := string(l.Add(c.by, []byte(c.piece))); whole != c.whole || l.Held(c.by) != c.held {
			t.Errorf("%s: have %q and %d held, want %q and %d", c.what, whole, l.Held(c.by), c.whole, c.held)
		}
	}
	if have := string(l.Take("b")); have != "rest" || l.Held("b") != 0 || l.Take("b") != nil {
		t.Errorf("taken: %q, %d left", have, l.Held("b"))
	}
	// A returned slice is never written to again.
	piece := []byte("x\ny")
	whole := l.Add("a", piece)
	l.Add("a", []byte("z"))
	if !slices.Equal(piece, []byte("x\ny")) || string(whole) != "x\n" {
		t.Errorf("have %q of %q", whole, piece)
	}
}
