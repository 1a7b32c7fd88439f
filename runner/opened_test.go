package runner

import (
	"fmt"
	"testing"
	"time"

	"hotreload/supervisor"
	"hotreload/watch"
)

func TestOpened(t *testing.T) {
	early := func(path string, how supervisor.FileUse) supervisor.FileOpened {
		return supervisor.FileOpened{Worker: supervisor.Worker{ID: 1, Generation: 1}, Path: path, How: how, At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	}
	late := func(path string, how supervisor.FileUse) supervisor.FileOpened {
		e := early(path, how)
		e.Late = true
		return e
	}
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	later, before := noon.Add(time.Second), noon.Add(-time.Second)
	const read, either, write = supervisor.ToRead, supervisor.ToReadOrWrite, supervisor.ToWrite
	for _, c := range []struct {
		name    string
		reports []supervisor.FileOpened
		op      watch.Op
		held    string    // what a worker has open for writing
		touched time.Time // the file; the workers opened theirs at noon
		class   Class
		known   bool
		dir     bool
	}{
		{"never heard of", nil, watch.Written, "", later, None, false, false},
		{"read at the start", []supervisor.FileOpened{early("/d/f", read)}, watch.Written, "", later, Restart, true, false},
		{"read at the start, and gone", []supervisor.FileOpened{early("/d/f", read)}, watch.Removed, "", time.Time{}, Restart, true, false},
		{"the report's path is not clean", []supervisor.FileOpened{early("/d/./x/../f", read)}, watch.Written, "", later, Restart, true, false},
		{"read as needed", []supervisor.FileOpened{late("/d/f", read)}, watch.Written, "", later, Live, true, false},
		{"both", []supervisor.FileOpened{early("/d/f", read), late("/d/f", read)}, watch.Written, "", later, Restart, true, false},
		{"read, and then written: a cache", []supervisor.FileOpened{early("/d/f", read), late("/d/f", write)}, watch.Written, "", later, None, true, false},
		{"a log", []supervisor.FileOpened{early("/d/f", either)}, watch.Written, "", later, None, true, false},
		{"a database that is looked into first", []supervisor.FileOpened{early("/d/f", read), early("/d/f", either)}, watch.Written, "", later, None, true, false},
		{"open for writing by other means", []supervisor.FileOpened{early("/d/f", read)}, watch.Written, "/d/f", later, None, true, false},
		{"a file is added to a folder that was read", []supervisor.FileOpened{early("/d", read)}, watch.Created, "", later, Restart, true, false},
		{"removed from it", []supervisor.FileOpened{early("/d", read)}, watch.Removed, "", time.Time{}, Restart, true, false},
		{"written in it: its name says nothing new", []supervisor.FileOpened{early("/d", read)}, watch.Written, "", later, None, false, false},
		{"a worker adds it", []supervisor.FileOpened{early("/d", read), late("/d/f", write)}, watch.Created, "", later, None, true, false},
		{"a worker adds it by other means", []supervisor.FileOpened{early("/d", read)}, watch.Created, "/d/f", later, None, false, false},
		{"to a folder that is read as needed", []supervisor.FileOpened{late("/d", read)}, watch.Created, "", later, Live, true, false},
		{"it was written before the workers read it", []supervisor.FileOpened{early("/d/f", read)}, watch.Written, "", before, None, true, false},
		{"it was written just before the workers read it", []supervisor.FileOpened{early("/d/f", read)}, watch.Written, "", noon.Add(-time.Millisecond), Restart, true, false},
		{"and made, with its folder", []supervisor.FileOpened{early("/d", read)}, watch.Created, "", before, None, true, false},
		{"a newer generation has read it since", []supervisor.FileOpened{early("/d/f", read), {Worker: supervisor.Worker{Generation: 2}, Path: "/d/f", How: read, At: later}}, watch.Written, "", noon, None, true, false},
		{"another worker of the generation has not", []supervisor.FileOpened{early("/d/f", read), {Worker: supervisor.Worker{Generation: 1}, Path: "/d/f", How: read, At: later}}, watch.Written, "", noon, Restart, true, false},
		{"the folder itself is made", []supervisor.FileOpened{early("/d/f", read)}, watch.Created, "", later, None, true, true},
		{"the folder itself is removed", []supervisor.FileOpened{early("/d/f", read)}, watch.Removed, "", time.Time{}, Restart, true, true},
		{"to a folder below", []supervisor.FileOpened{early("/", read)}, watch.Created, "", later, None, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOpened()
			for _, report := range c.reports {
				o.note(report)
			}
			class, reason, known := o.class(watch.Change{Path: "/d/f", Op: c.op, Dir: c.dir}, disk{func(path string) bool { return path == c.held }, func(string) time.Time { return c.touched }})
			if class != c.class || known != c.known || known != (reason != "") {
				t.Errorf("have %s (%q), known %v; want %s, known %v", class, reason, known, c.class, c.known)
			}
		})
	}
}

// nothing is a disk on which nobody writes, and nothing was touched for ages.
var nothing = disk{func(string) bool { return false }, func(string) time.Time { return time.Time{} }}

func TestOpenedIsForgotten(t *testing.T) {
	o := newOpened()
	report := func(path string, generation int, late bool) {
		o.note(supervisor.FileOpened{Worker: supervisor.Worker{Generation: generation}, Path: path, How: supervisor.ToRead, Late: late})
	}
	report("/only the old", 1, false)
	report("/both", 1, false)
	report("/as needed", 1, true)
	report("/the old at its start, and as needed", 1, false)
	report("/the old at its start, and as needed", 1, true)
	report("/both", 2, false)
	o.serves(2)
	want := map[string]Class{"/only the old": None, "/both": Restart, "/as needed": Live, "/the old at its start, and as needed": Live}
	for path, class := range want {
		if have, _, _ := o.class(watch.Change{Path: path, Op: watch.Written}, nothing); have != class {
			t.Errorf("%s: have %s, want %s", path, have, class)
		}
	}
}

func TestOpenedHasALimit(t *testing.T) {
	o := newOpened()
	for i := range 2 * maxOpened {
		_, fresh := o.note(supervisor.FileOpened{Path: fmt.Sprint("/", i), How: supervisor.ToRead})
		if fresh != (i < maxOpened) {
			t.Fatalf("file %d is watched: %v", i, fresh)
		}
	}
	// What a worker writes into a folder that it has read cannot be told from what a person puts there any more.
	o.files["/d"] = &use{early: true}
	nobody := disk{func(string) bool { return false }, func(string) time.Time { return time.Now() }}
	if class, _, ok := o.class(watch.Change{Path: "/d/upload", Op: watch.Created}, nobody); !ok || class != None {
		t.Errorf("a file of which nothing is known is %s, %v", class, ok)
	}
}

// A file that workers write at their start, in a way that nobody sees, does not replace them for ever.
func TestEndless(t *testing.T) {
	now := time.Unix(1e9, 0)
	type step struct {
		after   time.Duration // of the change, since the last replacement
		paths   []string
		endless bool
	}
	for name, steps := range map[string][]step{
		"it changes at each start":           {{0, []string{"/f"}, false}, {10 * time.Millisecond, []string{"/f"}, false}, {10 * time.Millisecond, []string{"/f"}, true}},
		"somebody saves twice, quickly":      {{0, []string{"/f"}, false}, {10 * time.Millisecond, []string{"/f"}, false}, {time.Second, []string{"/f"}, false}, {0, []string{"/f"}, false}},
		"somebody edits it again and again":  {{0, []string{"/f"}, false}, {time.Second, []string{"/f"}, false}, {2 * time.Second, []string{"/f"}, false}},
		"two files in turns":                 {{0, []string{"/f"}, false}, {0, []string{"/g"}, false}, {0, []string{"/f"}, false}},
		"with others":                        {{0, []string{"/f"}, false}, {0, []string{"/f", "/g"}, false}, {0, []string{"/f"}, false}},
		"after a replacement for other ends": {{0, []string{"/f"}, false}, {0, nil, false}, {0, []string{"/f"}, false}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOpened()
			for i, s := range steps {
				changed := now.Add(s.after)
				now = changed.Add(time.Millisecond)
				if have := o.replaces(s.paths, changed, now); have != s.endless {
					t.Errorf("step %d: endless %v, want %v", i+1, have, s.endless)
				}
			}
			o.note(supervisor.FileOpened{Path: "/f", How: supervisor.ToRead})
			taken := steps[len(steps)-1].endless
			class, _, _ := o.class(watch.Change{Path: "/f", Op: watch.Written}, nothing)
			if taken != (class == None) {
				t.Errorf("class %s, taken %v", class, taken)
			}
			o.replaces(nil, now, now)
			if class, _, _ = o.class(watch.Change{Path: "/f", Op: watch.Written}, nothing); class != Restart {
				t.Errorf("after another reason: class %s", class)
			}
		})
	}
}
