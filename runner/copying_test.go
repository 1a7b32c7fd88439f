package runner

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/watch"
)

// TestCopyIsWaitedFor: while a folder, removed and created again, lacks files of the program that served last, a quiet
// tree counts for nothing.
func TestCopyIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put("go.mod", "module m\n\ngo 1.24\n")
	put("svc/main.go", "package main\n\nfunc main() {}\n")
	put("svc/more.go", "package main\n")
	graph, err := gobuild.Load(t.Context(), gobuild.Program{Dir: dir, Args: []string{"./svc"}})
	if err != nil || !graph.Whole() {
		t.Fatal(err, graph.Errors)
	}
	svc := filepath.Join(dir, "svc")
	began := time.Now()
	batch := func(op watch.Op, settled bool, names ...string) watch.Batch {
		b := watch.Batch{Settled: settled, Began: began}
		for _, name := range names {
			b.Changes = append(b.Changes, watch.Change{Path: filepath.Join(svc, name), Op: op})
		}
		b.Fresh = b.Changes
		return b
	}
	begin := func() *loop {
		l := &loop{Runner: &Runner{}, known: testKnowledge(graph), causes: causes{early: map[string]toldEarly{}},
			inbox: inbox{proven: graph}}
		l.state = state{stopped: true, settled: true} // builds nothing, and judges all the same
		put("svc/more.go", "package main\n")
		if err := os.Rename(svc, filepath.Join(dir, "away")); err != nil {
			t.Fatal(err)
		}
		l.heard(batch(watch.Removed, true, "main.go", "more.go"))
		if err := os.RemoveAll(filepath.Join(dir, "away")); err != nil {
			t.Fatal(err)
		}
		put("svc/main.go", "package main\n\nfunc main() {}\n")
		return l
	}
	waits := func(when string, l *loop, want bool) {
		t.Helper()
		if have := l.inbox.copying.waits(); have != want || have != (len(l.inbox.batches) == 1) {
			t.Fatalf("%s: waits %v, %d batches; want %v", when, have, len(l.inbox.batches), want)
		}
	}

	l := begin()
	waits("a folder that is gone", l, false)
	l.heard(batch(watch.Created, true, "main.go"))
	waits("half of it is back", l, true)
	l.heard(batch(watch.Created, false, "x.go"))
	waits("more comes", l, true)
	if l.inbox.copying.over != nil {
		t.Error("it may be over while more is coming")
	}
	l.heard(batch(watch.Removed, true, "x.go"))
	waits("quiet, and half of it", l, true)
	if l.inbox.copying.over == nil || l.rested() {
		t.Error("nobody ends the wait, or somebody thinks that nothing is under way")
	}
	put("svc/more.go", "package main\n")
	l.heard(batch(watch.Created, true, "more.go"))
	waits("all is there", l, false)
	if l.inbox.proven == nil {
		t.Error("it is not compared any more")
	}

	l = begin()
	l.heard(batch(watch.Created, true, "main.go"))
	waits("half of it again", l, true)
	l.copied() // after a while
	waits("what does not come is not waited for", l, false)
	l.heard(batch(watch.Created, true, "y.go"))
	waits("nor later", l, false)

	l = begin()
	l.inbox.proven = nil // the control
	l.heard(batch(watch.Created, true, "main.go"))
	waits("nothing to compare with", l, false)
}

func TestJoined(t *testing.T) {
	change := func(path string, op watch.Op) watch.Change { return watch.Change{Path: path, Op: op} }
	a := watch.Batch{
		Changes: []watch.Change{change("a", watch.Removed), change("b", watch.Created), change("c", watch.Written)},
		Settled: true, Began: time.Unix(1, 0), Overflow: true,
	}
	b := watch.Batch{
		Changes: []watch.Change{change("a", watch.Created), change("b", watch.Written), change("d", watch.Removed)},
		Fresh:   []watch.Change{change("a", watch.Created)}, Began: time.Unix(2, 0), Last: time.Unix(3, 0),
	}
	want := watch.Batch{
		Changes: []watch.Change{
			change("a", watch.Written), change("b", watch.Created), change("c", watch.Written), change("d",
				watch.Removed),
		},
		Fresh: []watch.Change{change("a", watch.Created)}, Overflow: true, Began: time.Unix(1, 0),
		Last: time.Unix(3, 0),
	}
	if have := joined(seen{Batch: a}, seen{Batch: b}).Batch; !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v\nwant %+v", have, want)
	}
}
