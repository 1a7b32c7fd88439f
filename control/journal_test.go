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
	want := []string{"output:a", "output:other", "output:err", "output:", "output:bc", "output:rest", "worker_left:exit code 0"}
	if have := texts(l); !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	if len(j.parts) != 0 {
		t.Errorf("left: %v", j.parts)
	}
	if have := texts(j.listen(2, every)); !slices.Equal(have, []string{"output:bc", "output:rest"}) {
		t.Errorf("the last two are %q", have)
	}
	// Who comes in the middle of a line hears all of it.
	j.leave(l)
	j.Output("web", two, supervisor.Stdout, []byte("begun, "))
	late := j.listen(0, every)
	j.Output("web", two, supervisor.Stdout, []byte("and ended\n"))
	if have := texts(late); !slices.Equal(have, []string{"output:begun, and ended"}) {
		t.Errorf("one who comes late hears %q", have)
	}
	j.leave(late)
	j.Output("web", two, supervisor.Stdout, []byte("nobody\n"))
	if have := texts(l); have != nil {
		t.Errorf("after leave it hears %q", have)
	}
}

func TestJournalIsBounded(t *testing.T) {
	j := NewJournal()
	w := supervisor.Worker{Pid: 1}
	for range 1000 {
		j.Output("", w, supervisor.Stdout, []byte(strings.Repeat("x", 10_000))) // a line that never ends
	}
	for range 100_000 {
		j.Output("", w, supervisor.Stdout, []byte("\n"))
	}
	j.Output("", w, supervisor.Stdout, make([]byte, 10*maxKept))
	size := 0
	for _, p := range j.pieces {
		size += len(p.text) + pieceCost
	}
	if size > maxKept || size != j.size || len(j.parts) != 0 {
		t.Errorf("%d bytes are kept, %d by its own account, %d parts", size, j.size, len(j.parts))
	}
	l := j.listen(10, every)
	for range 1000 {
		j.Output("", w, supervisor.Stdout, []byte(strings.Repeat("x", 10_000)))
		texts(l)
	}
	if held := len(j.parts[source{"", "stdout", *named(w)}]); held > maxLine+10_000 {
		t.Errorf("%d bytes of a line that never ends are kept", held)
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
		t.Errorf("one that keeps up heard %d", heard)
	}
	if have := texts(slow); len(have) != maxBehind || have[0] != "output:0" {
		t.Errorf("one that does not heard %d, from %q", len(have), have[0])
	}
	j.Output("", w, supervisor.Stdout, []byte("next\n"))
	if have := texts(slow); !slices.Equal(have, []string{"dropped:500", "output:next"}) {
		t.Errorf("then it hears %q", have)
	}
}
