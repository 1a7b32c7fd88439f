package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStorm: more events than fit into the kernel's queue (16384), unless the watcher reads fast enough. Two names are
// saved all the time, and many come and go.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	s := &script{t: t, root: newRoot(t), changes: make(map[string]Change)}
	s.w = open(t, Config{Quiet: 20 * time.Millisecond})
	s.run("set tree .")
	f, err := os.Create(filepath.Join(s.root, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 20_000 {
		if i%10 == 0 {
			if err := os.WriteFile(filepath.Join(s.root, fmt.Sprint("f", i%1000)), fmt.Append(nil, i),
				0o644); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintln(f, i)
	}
	s.collect()
	if len(s.lines) != 101 {
		t.Errorf("%d changes, want 101", len(s.lines))
	}
}

// TestSetIsReplacedWhileFilesChange: what is in the old and the new set stays watched without a gap.
func TestSetIsReplacedWhileFilesChange(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	root := t.TempDir()
	var names, always []string
	for i := range 20 {
		folder := filepath.Join(root, fmt.Sprint("d", i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if i < 5 {
			always = append(always, folder)
		}
		names = append(names, folder)
	}
	w := open(t, Config{Quiet: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond})
	mustWatch(t, w, Set{Trees: always})

	const last = 300
	go func() { // ends by itself, before the last content that is waited for below has been seen
		for i := range last + 1 {
			for _, folder := range names {
				os.WriteFile(filepath.Join(folder, "f"), fmt.Append(nil, i), 0o644)
			}
			if i%10 == 0 {
				time.Sleep(time.Millisecond) // the pace of the writer
			}
		}
	}()
	sets := []Set{{Trees: names}, {Dirs: always}, {Trees: []string{root}}, {Trees: always, Dirs: names[10:]}}
	known := make(map[string]string) // the file's content at the time of the report
	for i, done := 0, false; !done; i++ {
		mustWatch(t, w, sets[i%len(sets)])
		for _, c := range settled(t, w).Changes {
			text, _ := os.ReadFile(c.Path)
			known[c.Path] = string(text)
		}
		done = true
		for _, folder := range always {
			done = done && known[filepath.Join(folder, "f")] == fmt.Sprint(last)
		}
	}
}

// TestLatency: the runner hears of a save before the batch is settled.
func TestLatency(t *testing.T) {
	s := &script{t: t, root: newRoot(t), changes: make(map[string]Change)}
	s.run("write a one")
	s.w = open(t, Config{Quiet: time.Minute})
	s.run("set tree .")
	start := time.Now()
	s.run("write a two")
	b := next(t, s.w)
	if b.Settled || len(b.Changes) != 1 {
		t.Errorf("not what was saved: %+v", b)
	}
	t.Log("save to unsettled batch:", time.Since(start))
}

// The figure is from the end of the save to the unsettled batch; lullQuiet is part of it.
func BenchmarkSave(b *testing.B) {
	root := b.TempDir()
	path := filepath.Join(root, "a")
	w := open(b, Config{Quiet: time.Millisecond})
	mustWatch(b, w, Set{Trees: []string{root}})
	for i := 0; b.Loop(); i++ {
		if err := os.WriteFile(path, fmt.Append(nil, i), 0o644); err != nil {
			b.Fatal(err)
		}
		batch := next(b, w)
		b.StopTimer()
		if !batch.Settled {
			settled(b, w)
		}
		b.StartTimer()
	}
}

func thousandFolders(b *testing.B) string {
	root := b.TempDir()
	text := make([]byte, 4<<10)
	for i := range 1000 {
		folder := filepath.Join(root, fmt.Sprint("d", i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 10 {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint("f", j)), text, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	return root
}

// 1,000 folders with 10 files of 4 KiB each: watched for the first time.
func BenchmarkWatch(b *testing.B) {
	root := thousandFolders(b)
	b.ReportAllocs()
	for b.Loop() {
		w, err := New(Config{})
		if err != nil {
			b.Fatal(err)
		}
		mustWatch(b, w, Set{Trees: []string{root}})
		b.StopTimer()
		w.Close()
		b.StartTimer()
	}
}

// The same: the set is replaced by an equal one, and everything is looked at.
func BenchmarkWatchAgain(b *testing.B) {
	root := thousandFolders(b)
	w := open(b, Config{})
	for b.Loop() {
		mustWatch(b, w, Set{Trees: []string{root}})
	}
}

func BenchmarkSync(b *testing.B) {
	root := thousandFolders(b)
	w := open(b, Config{})
	mustWatch(b, w, Set{Trees: []string{root}})
	for b.Loop() {
		if err := w.Sync(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// The same 10,000 files: what a round of polling costs, if nothing has changed.
func BenchmarkRound(b *testing.B) {
	root := thousandFolders(b)
	w := open(b, Config{Poll: time.Hour})
	mustWatch(b, w, Set{Trees: []string{root}})
	var glances []glance
	if err := w.ask(b.Context(), func() {
		for _, f := range w.polling.polled.folders {
			g := glanceAt(f)
			g.recent = true // whatever the time
			glances = append(glances, g)
		}
	}); err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * tick) // nothing is fresh any more
	for b.Loop() {
		j := job{&w.polling.polled, glances}
		if found := j.run(func(string) {}); len(found.rest) > 0 {
			b.Fatal("it was not finished")
		}
	}
}
