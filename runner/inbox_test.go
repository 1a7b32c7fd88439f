package runner

import (
	"testing"

	"hotreload/watch"
)

// TestAnswers: an answer is one to all earlier questions, and a batch goes on once.
func TestAnswers(t *testing.T) {
	var i inbox
	first, second := i.ask(), i.ask()
	if i.answer(second) {
		t.Error("no batch waits, and one is due")
	}
	i.judgeAt = i.ask()
	if i.answer(first) || i.answer(second) {
		t.Error("an answer to an earlier question counts")
	}
	if later := i.ask(); !i.answer(later) {
		t.Error("an answer to a later question does not count")
	}
	if i.answer(i.ask()) {
		t.Error("the batch is due twice")
	}
}

func TestJoinAll(t *testing.T) {
	var i inbox
	i.joinAll()
	for _, path := range []string{"/a", "/b", "/c"} {
		i.batches = append(i.batches, seen{Batch: watch.Batch{Changes: []watch.Change{{Path: path}}}})
	}
	if i.joinAll(); len(i.batches) != 1 {
		t.Fatalf("%d batches are left", len(i.batches))
	}
	if b := i.next(); len(b.Changes) != 3 || b.Changes[2].Path != "/c" || len(i.batches) != 0 {
		t.Errorf("have %+v", b.Changes)
	}
}
