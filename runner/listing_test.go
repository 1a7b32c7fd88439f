package runner

import "testing"

// TestListing: one go list at a time, and the last answer is about the last state of the tree.
func TestListing(t *testing.T) {
	var g listing
	if !g.begin() {
		t.Fatal("the first one does not start")
	}
	for range 2 {
		if g.begin() {
			t.Error("a second one starts beside the first")
		}
	}
	if !g.end() {
		t.Error("an answer that is out of date counts as the last")
	}
	if !g.begin() || g.end() {
		t.Error("the second one does not start, or is out of date without a reason")
	}
	if !g.begin() {
		t.Error("a later one does not start")
	}
	g.due = true
	if first, second := g.take(), g.take(); !first || second {
		t.Errorf("taken once: %v, twice: %v", first, second)
	}
}
