package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hotreload/runner"
	"hotreload/supervisor"
)

func texts(l *listener) (all []string) {
	for len(l.news) > 0 {
		n := <-l.news
		all = append(all, n.Event+":"+n.Text)
	}
	return all
}

func every(News) bool { return true }

func TestJournalMakesLines(t *testing.T) {
	j := NewJournal()
	l := j.listen(0, every)
	one, two := supervisor.Worker{Slot: 0, Pid: 1}, supervisor.Worker{Slot: 1, Pid: 2}
	j.Output("web", one, supervisor.Stdout, []byte("a\nb"))
	j.Output("web", two, supervisor.Stdout, []byte("other\n"))
	j.Output("web", one, supervisor.Stderr, []byte("err\r\n\n"))
	j.Output("web", one, supervisor.Stdout, []byte("c\nrest"))
	j.Tell("web", runner.Service{Event: supervisor.Exited{Worker: one, Expected: true}})
	want := []string{
		"output:a", "output:other", "output:err", "output:", "output:bc", "output:rest", "worker_left:exit code 0",
	}
	if have := texts(l); !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	if len(j.lines.begun) != 0 {
		t.Errorf("not removed: %v", j.lines.begun)
	}
	if have := texts(j.listen(2, every)); !slices.Equal(have, []string{"output:bc", "output:rest"}) {
		t.Errorf("the last two are %q", have)
	}
	// A listener that joins in the middle of a line gets the whole line.
	j.leave(l)
	j.Output("web", two, supervisor.Stdout, []byte("begun, "))
	late := j.listen(0, every)
	j.Output("web", two, supervisor.Stdout, []byte("and ended\n"))
	if have := texts(late); !slices.Equal(have, []string{"output:begun, and ended"}) {
		t.Errorf("a late listener gets %q", have)
	}
	j.leave(late)
	j.Output("web", two, supervisor.Stdout, []byte("nobody\n"))
	if have := texts(l); have != nil {
		t.Errorf("after leave the listener gets %q", have)
	}
}

func TestJournalIsBounded(t *testing.T) {
	j := NewJournal()
	w := supervisor.Worker{Pid: 1}
	for range 1000 {
		j.Output("", w, supervisor.Stdout, []byte(strings.Repeat("x", 10_000))) // a line without an end
	}
	for range 100_000 {
		j.Output("", w, supervisor.Stdout, []byte("\n"))
	}
	j.Output("", w, supervisor.Stdout, make([]byte, 10*maxKept))
	size := 0
	for _, p := range j.pieces {
		size += len(p.text) + pieceCost
	}
	if size > maxKept || size != j.size || len(j.lines.begun) != 0 {
		t.Errorf("%d bytes are stored, size is %d, %d unfinished lines", size, j.size, len(j.lines.begun))
	}
	l := j.listen(10, every)
	for range 1000 {
		j.Output("", w, supervisor.Stdout, []byte(strings.Repeat("x", 10_000)))
		texts(l)
	}
	if held := j.lines.Held(source{"", "stdout", *named(w)}); held > maxLine+10_000 {
		t.Errorf("%d bytes of an endless line are stored", held)
	}
}

func TestSlowListener(t *testing.T) {
	j := NewJournal()
	slow, quick := j.listen(0, every), j.listen(0, every)
	w, heard := supervisor.Worker{Pid: 1}, 0
	for i := range maxBehind + 500 {
		j.Output("", w, supervisor.Stdout, fmt.Appendf(nil, "%d\n", i))
		heard += len(texts(quick))
	}
	if heard != maxBehind+500 {
		t.Errorf("the fast listener got %d", heard)
	}
	if have := texts(slow); len(have) != maxBehind || have[0] != "output:0" {
		t.Errorf("the slow listener got %d, from %q", len(have), have[0])
	}
	j.Output("", w, supervisor.Stdout, []byte("next\n"))
	if have := texts(slow); !slices.Equal(have, []string{"dropped:500", "output:next"}) {
		t.Errorf("then the listener gets %q", have)
	}
}

// A reader of events that stands still, like a terminal after Ctrl-S, delays no other reader, and misses nothing.
func TestReaderStandsStill(t *testing.T) {
	j := NewJournal()
	l := j.listen(0, every)
	events := make(chan runner.Event)
	passed := j.Pass("web", events)
	const n = 500
	for range n {
		events <- runner.BuildStarted{}
	}
	events <- runner.SlotsStopped{Slots: 1, Of: 3}
	close(events)
	for range n {
		if have := <-l.news; have.Event != "build_started" || have.Service != "web" {
			t.Fatalf("have %+v", have)
		}
	}
	if have := <-l.news; have.Event != "halted" || have.Workers != 2 {
		t.Errorf("have %+v", have)
	}
	read := 0
	for event := range passed {
		if read++; (read > n) != (event == runner.SlotsStopped{Slots: 1, Of: 3}) {
			t.Errorf("event %d is %+v", read, event)
		}
	}
	if read != n+1 {
		t.Errorf("the reader gets %d events, want %d", read, n+1)
	}
}

// The server refuses clients even if the receiver of refusals is stuck.
func TestNobodyTakesRefusals(t *testing.T) {
	stopped := make(chan struct{})
	told := make(chan string)
	s := &Server{refused: make(chan refused, mostUntold), ended: make(chan struct{})}
	s.options.Refused = func(from, _ string) {
		<-stopped
		told <- from
	}
	go s.tellRefused()
	for range 3 * mostUntold {
		s.noteRefused("somebody", "no token")
	}
	close(stopped)
	for range mostUntold {
		if have := <-told; have != "somebody" {
			t.Errorf("have %q", have)
		}
	}
	close(s.ended)
}

func TestJournalKeepsWhatPagesSay(t *testing.T) {
	j := NewJournal()
	for i := range maxPages + 5 {
		j.Add(News{Event: "browser", Service: []string{"web", "api"}[i%2], Text: fmt.Sprint(i)})
	}
	j.Add(News{Event: "other", Service: "web", Text: "other"})
	last := func(n int, services ...string) (all []string) {
		of := map[string]bool{}
		for _, name := range services {
			of[name] = true
		}
		for _, n := range j.said(n, of) {
			all = append(all, n.Text)
		}
		return all
	}
	if have, want := last(2, "web"), []string{"202", "204"}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	if all := last(2*maxPages, "web", "api"); len(all) != maxPages || all[0] != "5" {
		t.Errorf("%d are kept, from %v on", len(all), all[0])
	}
	if all := last(5); len(all) != 0 {
		t.Errorf("of no service: %v", all)
	}
}
