package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/supervisor"
	"hotreload/watch"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fakeDisk is a disk with files; a name with a slash at the end is a folder.
type fakeDisk map[string]stamp

func (d fakeDisk) disk(writing ...string) disk {
	return disk{
		look: func(path string) stamp {
			for name, s := range d {
				if strings.HasPrefix(name, path+"/") {
					return stamp{inode: 1, dir: true, touched: s.touched}
				}
			}
			return d[path]
		},
		writing: func(path string) bool { return slices.Contains(writing, path) },
		list: func(folder string) (names []string) {
			for name := range d {
				rest, in := strings.CutPrefix(name, folder+"/")
				if !in || rest == "" {
					continue
				}
				if first, _, deeper := strings.Cut(rest, "/"); deeper {
					rest = first + "/"
				}
				if !slices.Contains(names, rest) {
					names = append(names, rest)
				}
			}
			slices.Sort(names)
			return names
		},
	}
}

// tell is a report of workers.
type tell func(*evidence)

func early(path string) tell { return reads(path, 1, false, noon, "main.main") }

func late(path string) tell { return reads(path, 1, true, noon, "main.serve") }

func reads(path string, generation int, late bool, at time.Time, by string) tell {
	return opens(supervisor.FileOpened{
		Worker: supervisor.Worker{ID: generation, Generation: generation}, Path: path, How: supervisor.ToRead, Late: late,
		At: at, Count: 1, Caller: by,
	})
}

func opens(e supervisor.FileOpened) tell { return func(o *evidence) { o.opened(e) } }

func again(path string) tell {
	return opens(supervisor.FileOpened{Worker: supervisor.Worker{ID: 1, Generation: 1}, Path: path,
		How: supervisor.Again, Late: true, At: noon.Add(time.Second)})
}

func opensAs(path string, how supervisor.FileUse, purpose supervisor.Purpose, late bool) tell {
	return opens(supervisor.FileOpened{Worker: supervisor.Worker{ID: 1, Generation: 1}, Path: path, How: how,
		For: purpose, Late: late, At: noon})
}

func wrote(path string, s stamp, held, only bool) tell {
	return func(o *evidence) {
		o.written(supervisor.FileWritten{
			Worker: supervisor.Worker{ID: 1, Generation: 1}, Path: path, Held: held, Only: only, At: noon,
			Since: s.modified.Add(-time.Millisecond), Inode: s.inode, Modified: s.modified,
		})
	}
}

func serves(generation int) tell { return func(o *evidence) { o.serves(generation) } }

func loads(path string) tell { return func(o *evidence) { o.runs(path, 1) } }

// TestEvidence: from reports and the disk to facts, and from facts to classes by the rules.
func TestEvidence(t *testing.T) {
	later, before := noon.Add(time.Second), noon.Add(-time.Second)
	file := func(inode uint64, at time.Time) stamp { return stamp{inode: inode, modified: at, touched: at} }
	edited := fakeDisk{"/d/f": file(7, later)}
	type reports []tell
	for _, c := range []struct {
		name    string
		reports reports
		disk    fakeDisk
		change  watch.Change
		writing string
		class   Class
		known   bool
	}{
		{"never heard of", nil, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", None, false},
		{"read at the start", reports{early("/d/f")}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart,
			true},
		{"the report's path is not clean", reports{early("/d/./x/../f")}, edited, watch.Change{Path: "/d/f",
			Op: watch.Written}, "", Restart, true},
		{"read at the start, and gone", reports{early("/d/f")}, nil, watch.Change{Path: "/d/f", Op: watch.Removed}, "",
			Restart, true},
		{"it was written before the workers read it", reports{early("/d/f")}, fakeDisk{"/d/f": file(7, before)},
			watch.Change{Path: "/d/f", Op: watch.Written}, "", None, true},
		{"it was written just before the workers read it", reports{early("/d/f")}, fakeDisk{"/d/f": file(7,
			noon.Add(-time.Millisecond))}, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"a newer generation has read it since", reports{early("/d/f"), reads("/d/f", 2, false, later, "main.main")},
			fakeDisk{"/d/f": file(7, noon)}, watch.Change{Path: "/d/f", Op: watch.Written}, "", None, true},
		{"another worker of the generation has not", reports{early("/d/f"),
			opens(supervisor.FileOpened{Worker: supervisor.Worker{ID: 2, Generation: 1}, Path: "/d/f", How: supervisor.ToRead,
				At: later})}, fakeDisk{"/d/f": file(7, noon)}, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"read once since", reports{late("/d/f")}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"read again", reports{late("/d/f"), again("/d/f")}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "",
			Live, true},
		{"served", reports{opensAs("/d/f", supervisor.ToRead, supervisor.ToServe, true)}, edited,
			watch.Change{Path: "/d/f", Op: watch.Written}, "", Live, true},
		{"served, and read by somebody else", reports{opensAs("/d/f", supervisor.ToRead, supervisor.ToServe, true),
			late("/d/f")}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"read at the start, and again for requests", reports{early("/d/f"), late("/d/f"), again("/d/f")}, edited,
			watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"read at the start, and since the change by the same function", reports{reads("/d/f", 1, false, noon,
			"main.load"), reads("/d/f", 1, true, later.Add(time.Millisecond), "main.load")}, edited,
			watch.Change{Path: "/d/f", Op: watch.Written}, "", Live, true},
		{"read at the start, and since the change by another", reports{reads("/d/f", 1, false, noon, "main.load"),
			reads("/d/f", 1, true, later.Add(time.Millisecond), "main.serve")}, edited, watch.Change{Path: "/d/f",
			Op: watch.Written}, "", Restart, true},
		{"read at the start by the same function, but before the change", reports{reads("/d/f", 1, false, noon,
			"main.load"), reads("/d/f", 1, true, noon.Add(time.Millisecond), "main.load")}, edited, watch.Change{Path: "/d/f",
			Op: watch.Written}, "", Restart, true},
		{"read as needed by workers that are gone", reports{late("/d/f"), serves(2)}, edited, watch.Change{Path: "/d/f",
			Op: watch.Written}, "", Live, true},
		{"and too many files were opened to tell", reports{late("/d/f"),
			opens(supervisor.FileOpened{Worker: supervisor.Worker{Generation: 2}, How: supervisor.TooMany}), serves(2)},
			edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"read at the start by workers that are gone", reports{early("/d/f"), serves(2)}, edited,
			watch.Change{Path: "/d/f", Op: watch.Written}, "", None, false},
		{"what old workers say does not count", reports{serves(2), early("/d/f")}, edited, watch.Change{Path: "/d/f",
			Op: watch.Written}, "", None, false},
		{"loaded", reports{loads("/d/f")}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"loaded by workers that are gone", reports{loads("/d/f"), serves(2)}, edited, watch.Change{Path: "/d/f",
			Op: watch.Written}, "", None, false},

		{"read at the start, and left so by a worker", reports{early("/d/f"), wrote("/d/tmp", file(7, later), false,
			false)}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", None, true},
		{"as it was while a worker wrote it", reports{early("/d/f"), wrote("/d/f", stamp{inode: 7, modified: later}, false,
			false)}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", None, true},
		{"as it was before a worker opened it", reports{early("/d/f"), wrote("/d/f", stamp{inode: 7,
			modified: later.Add(time.Hour)}, false, false)}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "",
			Restart, true},
		{"a worker left it, and somebody wrote it since", reports{early("/d/f"), wrote("/d/f", file(7, noon), false,
			false)}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"a worker left another file under the name", reports{early("/d/f"), wrote("/d/f", file(8, later), false, false)},
			edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"a worker has it open", reports{early("/d/f"), wrote("/d/f", file(7, noon), true, false)}, edited,
			watch.Change{Path: "/d/f", Op: watch.Written}, "", None, true},
		{"a worker has had it open, under another inode", reports{early("/d/f"), wrote("/d/f", file(8, noon), true,
			false)}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"open by other means", reports{early("/d/f")}, edited, watch.Change{Path: "/d/f", Op: watch.Written}, "/d/f",
			None, true},
		{"a worker left it, and it is gone", reports{early("/d/f"), wrote("/d/f", file(7, noon), false, false)}, nil,
			watch.Change{Path: "/d/f", Op: watch.Removed}, "", None, true},
		{"opened by os.OpenFile", reports{opensAs("/d/f", supervisor.ToReadOrWrite, supervisor.ForProgram, false)}, edited,
			watch.Change{Path: "/d/f", Op: watch.Written}, "", Restart, true},
		{"opened so, and only to be written: a log", reports{opensAs("/d/f", supervisor.ToReadOrWrite,
			supervisor.ForProgram, false), wrote("/d/f", file(7, noon), true, true)}, nil, watch.Change{Path: "/d/f",
			Op: watch.Removed}, "", None, true},
		{"created by a worker, and not read", reports{opensAs("/d/f", supervisor.ToWrite, supervisor.ForProgram, false)},
			edited, watch.Change{Path: "/d/f", Op: watch.Written}, "", None, true},

		{"a new one of a kind that was read", reports{early("/d"), early("/d/a.html")}, fakeDisk{"/d/a.html": file(1,
			before), "/d/b.html": file(2, later)}, watch.Change{Path: "/d/b.html", Op: watch.Created}, "", Restart, true},
		{"a new one of another kind", reports{early("/d"), early("/d/a.html")}, fakeDisk{"/d/a.html": file(1, before),
			"/d/b.png": file(2, later), "/d/c.png": file(3, before)}, watch.Change{Path: "/d/b.png", Op: watch.Created}, "",
			None, true},
		{"a new one where all was read, whatever it is", reports{early("/d"), early("/d/a"), early("/d/b.conf")},
			fakeDisk{"/d/a": file(1, before), "/d/b.conf": file(2, before), "/d/c.yaml": file(3, later)},
			watch.Change{Path: "/d/c.yaml", Op: watch.Created}, "", Restart, true},
		{"a new one of another kind, where all of one kind was read", reports{early("/d"), early("/d/a.html"),
			early("/d/b.html")}, fakeDisk{"/d/a.html": file(1, before), "/d/b.html": file(2, before), "/d/README": file(3,
			later)}, watch.Change{Path: "/d/README", Op: watch.Created}, "", None, true},
		{"a new one where the only file was read", reports{early("/d"), early("/d/state.json")},
			fakeDisk{"/d/state.json": file(1, before), "/d/x.png": file(3, later)}, watch.Change{Path: "/d/x.png",
				Op: watch.Created}, "", None, true},
		{"a new one of a kind that a worker wrote", reports{early("/d"), early("/d/a.html"), wrote("/d/b.html", file(2,
			later), false, true)}, fakeDisk{"/d/a.html": file(1, before), "/d/b.html": file(2, later)},
			watch.Change{Path: "/d/b.html", Op: watch.Created}, "", None, true},
		{"a folder that was only listed", reports{early("/d")}, fakeDisk{"/d/a.html": file(1, before), "/d/b.html": file(2,
			later)}, watch.Change{Path: "/d/b.html", Op: watch.Created}, "", None, true},
		{"the kind was read elsewhere", reports{early("/d"), early("/e/a.html")}, fakeDisk{"/e/a.html": file(1, before),
			"/d/b.html": file(2, later)}, watch.Change{Path: "/d/b.html", Op: watch.Created}, "", None, true},
		{"in a tree that was walked", reports{early("/d"), early("/d/s"), early("/d/a.html")},
			fakeDisk{"/d/a.html": file(1, before), "/d/s/b.html": file(2, later)}, watch.Change{Path: "/d/s/b.html",
				Op: watch.Created}, "", Restart, true},
		{"it was there when the folder was listed", reports{early("/d"), early("/d/a.html")}, fakeDisk{"/d/a.html": file(1,
			before), "/d/b.html": file(2, before)}, watch.Change{Path: "/d/b.html", Op: watch.Created}, "", None, true},
		{"one that was not read is gone", reports{early("/d"), early("/d/a.html")}, fakeDisk{"/d/a.html": file(1, before)},
			watch.Change{Path: "/d/b.html", Op: watch.Removed}, "", None, false},
		{"a glob at the first request", reports{late("/d"), late("/d/a.html")}, fakeDisk{"/d/a.html": file(1, before),
			"/d/b.html": file(2, later)}, watch.Change{Path: "/d/b.html", Op: watch.Created}, "", Restart, true},
		{"a glob at each request", reports{late("/d"), late("/d/a.html"), again("/d"), again("/d/a.html")},
			fakeDisk{"/d/a.html": file(1, before), "/d/b.html": file(2, later)}, watch.Change{Path: "/d/b.html",
				Op: watch.Created}, "", Live, true},
		{"a folder in one that was listed", reports{early("/d")}, fakeDisk{"/d/s/f": file(1, later)},
			watch.Change{Path: "/d/s", Op: watch.Created, Dir: true}, "", None, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newEvidence()
			for _, report := range c.reports {
				report(o)
			}
			var open []string
			if c.writing != "" {
				open = append(open, c.writing)
			}
			facts := o.facts(c.change, c.disk.disk(open...))
			class, reason, known := facts.class()
			if class != c.class || known != c.known {
				t.Errorf("have %s (%q), known %v; want %s, known %v\n%+v", class, reason, known, c.class, c.known, facts)
			}
		})
	}
}

// Files in a new folder of a listed folder count, if any files of the listed folder count.
func TestGrowing(t *testing.T) {
	file := stamp{inode: 1, touched: noon.Add(time.Second)}
	for _, c := range []struct {
		name    string
		reports []tell
		disk    fakeDisk
		grows   bool
		class   Class // of a new file there
	}{
		{"a tree that was walked", []tell{early("/d"), early("/d/old"), early("/d/old/a.html")},
			fakeDisk{"/d/old/a.html": file, "/d/new/b.html": file}, true, Restart},
		{"one without folders", []tell{early("/d"), early("/d/a.html")}, fakeDisk{"/d/a.html": file,
			"/d/new/b.html": file}, true, Restart},
		{"one whose folders were left out", []tell{early("/d"), early("/d/a.html")}, fakeDisk{"/d/a.html": file,
			"/d/old/c.html": file, "/d/new/b.html": file}, false, None},
		{"one where nothing was read", []tell{early("/d"), early("/d/old")}, fakeDisk{"/d/old/a.html": file,
			"/d/new/b.html": file}, false, None},
		{"another kind", []tell{early("/d"), early("/d/a.txt")}, fakeDisk{"/d/a.txt": file, "/d/new/b.html": file}, true,
			None},
		{"one that was not listed", []tell{early("/d/a.html")}, fakeDisk{"/d/a.html": file, "/d/new/b.html": file}, false,
			None},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newEvidence()
			for _, report := range c.reports {
				report(o)
			}
			if have := o.grows("/d/new", c.disk.disk()); have != c.grows {
				t.Errorf("grows: %v, want %v", have, c.grows)
			}
			class, reason, _ := o.facts(watch.Change{Path: "/d/new/b.html", Op: watch.Created}, c.disk.disk()).class()
			if class != c.class {
				t.Errorf("a file in it: have %s (%s), want %s", class, reason, c.class)
			}
			o.shrinks("/d/new")
			if len(o.grown) > 0 {
				t.Errorf("%v is left", o.grown)
			}
		})
	}
}

// The files open in a worker at its end are the worker's as they are; later changes are changes by others.
func TestWhatEndedWorkersHadOpen(t *testing.T) {
	last := stamp{inode: 7, modified: noon.Add(time.Minute), touched: noon.Add(time.Minute)}
	for name, c := range map[string]struct {
		now   stamp
		class Class
	}{
		"as it left it":        {last, None},
		"written since":        {stamp{inode: 7, modified: noon.Add(time.Hour), touched: noon.Add(time.Hour)}, Restart},
		"another in its place": {stamp{inode: 8, modified: noon.Add(time.Minute), touched: noon.Add(time.Minute)}, Restart},
	} {
		t.Run(name, func(t *testing.T) {
			o := newEvidence()
			early("/d/f")(o)
			wrote("/d/f", stamp{inode: 7}, true, false)(o)
			o.ended(1, fakeDisk{"/d/f": last}.disk())
			if len(o.held) > 0 {
				t.Error("it is held still")
			}
			class, reason, _ := o.facts(watch.Change{Path: "/d/f", Op: watch.Written}, fakeDisk{"/d/f": c.now}.disk()).class()
			if class != c.class {
				t.Errorf("have %s (%s), want %s", class, reason, c.class)
			}
		})
	}
}

func TestEvidenceHasLimits(t *testing.T) {
	o := newEvidence()
	for i := range 2 * maxKnown {
		_, fresh := o.opened(supervisor.FileOpened{Worker: supervisor.Worker{Generation: 1}, Path: fmt.Sprint("/", i),
			How: supervisor.ToRead})
		if fresh != (i < maxKnown) {
			t.Fatalf("file %d is watched: %v", i, fresh)
		}
	}
	for i := range 2 * maxLeft {
		wrote(fmt.Sprint("/", i), stamp{inode: uint64(i)}, false, false)(o)
	}
	if n := len(o.left.newer) + len(o.left.older); n > maxLeft || n < maxLeft/2 {
		t.Errorf("%d inodes are remembered, want at most %d", n, maxLeft)
	}
	if _, ok := o.left.get(2*maxLeft - 1); !ok {
		t.Error("the newest is forgotten")
	}
}

func TestAccount(t *testing.T) {
	o := newEvidence()
	for _, report := range []tell{early("/d/f"), late("/d/f"), again("/d/f"), opensAs("/d/g", supervisor.ToWrite,
		supervisor.ForProgram, true)} {
		report(o)
	}
	o.opened(supervisor.FileOpened{Worker: supervisor.Worker{ID: 1, Generation: 1}, Path: "/d/f",
		How: supervisor.Counted, Late: true, Count: 12, At: noon.Add(time.Minute)})
	have := o.account("/d/f")
	if len(have) != 2 || have[0].What != ReadBefore || have[1].What != ReadSince || have[1].Count != 12 ||
		have[1].By != "main.serve" ||
		!have[1].Last.Equal(noon.Add(time.Minute)) || have[1].Again.IsZero() || !have[1].First.Equal(noon) {
		t.Errorf("have %+v", have)
	}
	if have := o.account("/d/g"); len(have) != 1 || have[0].What != Wrote {
		t.Errorf("have %+v", have)
	}
	if have := o.account("/nothing"); have == nil || len(have) != 0 {
		t.Errorf("have %+v", have)
	}
	if have := o.paths(); !slices.Equal(have, []string{"/d/f", "/d/g"}) {
		t.Errorf("the newest first: %v", have)
	}
}
