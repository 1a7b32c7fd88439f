package runner

import (
	"path/filepath"
	"time"

	"hotreload/supervisor"
	"hotreload/watch"
)

// opened is what the workers' agents have reported of the files that the program opens. The loop owns it.
//
// The files that a program writes (logs, databases, uploads) must never replace its workers. So there are three nets:
// which function it was opened with, whether a worker has it open for writing when it changes, and whether it changes
// again just after it has led to a replacement.
type opened struct {
	files map[string]*use // by absolute path
	taken map[string]bool // off the list: they have led to replacements in a row

	last   string    // the only file that the last replacement was for, if it was for one
	lastAt time.Time // when its workers were started
	quick  int       // how often in a row it had changed just after they were started
}

// use is what is known of one file, or of a folder that was read.
type use struct {
	early, late bool      // opened to be read before its worker was ready, after
	unsure      bool      // opened by os.OpenFile, which logs and databases use
	wrote       bool      // opened by a function that writes
	generation  int       // the newest whose workers opened it early
	at          time.Time // when the first of those did
	heard       bool      // it is watched
}

// maxOpened is how many files are watched because workers open them.
const maxOpened = 5000

func newOpened() *opened { return &opened{files: map[string]*use{}, taken: map[string]bool{}} }

// note takes a report, and says whether the file is now one to watch that was none.
func (o *opened) note(e supervisor.FileOpened) (path string, fresh bool) {
	path = filepath.Clean(e.Path)
	u := o.files[path]
	if u == nil {
		if len(o.files) >= maxOpened {
			return path, false
		}
		u = &use{}
		o.files[path] = u
	}
	before := u.watched()
	switch {
	case e.How == supervisor.ToWrite:
		u.wrote = true
	case e.How == supervisor.ToReadOrWrite:
		u.unsure = true
	case e.Late:
		u.late = true
	default:
		u.early = true
		if e.Generation > u.generation || e.Generation == u.generation && e.At.Before(u.at) {
			u.generation, u.at = e.Generation, e.At
		}
	}
	return path, u.watched() && !before
}

func (u *use) watched() bool { return !u.wrote && !u.unsure && (u.early || u.late) }

// serves forgets what only older generations loaded at their start.
func (o *opened) serves(generation int) {
	for path, u := range o.files {
		if u.generation < generation {
			u.early = false
			if !u.late && !u.wrote && !u.unsure {
				delete(o.files, path)
			}
		}
	}
}

// disk is what class asks of the system.
type disk struct {
	written func(path string) bool      // has a worker the file open for writing?
	touched func(path string) time.Time // when did it change last? Zero if it is gone.
}

// behind is how far the clock of file systems may be behind ours: a tick of the kernel, at 100 Hz, and as much again.
const behind = 20 * time.Millisecond

// class is how a change of a file takes effect, as far as workers have it from somewhere else than the build. ok is
// false if no worker has opened it, or read its folder.
func (o *opened) class(change watch.Change, disk disk) (class Class, reason string, ok bool) {
	path := change.Path
	known := func(u *use) bool { // they opened it after it had changed
		touched := disk.touched(path)
		return !touched.IsZero() && touched.Before(u.at.Add(-behind))
	}
	if u := o.files[path]; u != nil {
		switch {
		case o.taken[path]:
			return None, "the workers seem to write it themselves", true
		case u.wrote || u.early && disk.written(path):
			return None, "the workers write it themselves", true
		case u.unsure:
			return None, "the workers opened it so that they can write it", true
		case u.early && change.Dir && change.Op == watch.Created:
			return None, "a folder: the files in it count", true
		case u.early && known(u):
			return None, "the workers have read it since", true
		case u.early:
			return Restart, "read by the workers at their start", true
		case u.late:
			return Live, "read by the workers as needed", true
		}
	}
	folder := o.files[filepath.Dir(path)]
	if folder == nil || change.Op == watch.Written || disk.written(path) {
		return None, "", false
	}
	switch {
	case o.taken[path]:
		return None, "the workers seem to write it themselves", true
	case folder.early && known(folder):
		return None, "the workers have read its folder since", true
	case folder.early && len(o.files) >= maxOpened:
		return None, "in a folder that the workers read at their start; they have opened too many files to tell whether they wrote it", true
	case folder.early:
		return Restart, "in a folder that the workers read at their start", true
	case folder.late:
		return Live, "in a folder that the workers read as needed", true
	}
	return None, "", false
}

// suspicious is how soon after a replacement a file changes that new workers write at their start. Felt right, not
// measured.
const suspicious = 500 * time.Millisecond

// replaces notes that workers are about to be replaced for the sake of these paths, all of them files that workers
// open; none stands for all other reasons. If it is one path, the same each time, that changed just after the last two
// replacements, it is taken off the list and true is returned: else workers would be replaced for ever. A person who
// saves twice is not as quick.
func (o *opened) replaces(paths []string, changed, now time.Time) (endless bool) {
	last, lastAt := o.last, o.lastAt
	o.last, o.lastAt = "", now
	if len(paths) == 1 {
		o.last = paths[0]
	}
	if o.last == "" || o.last != last {
		clear(o.taken) // another reason: a new chance
		o.quick = 0
		return false
	}
	if changed.Sub(lastAt) >= suspicious {
		o.quick = 0
		return false
	}
	if o.quick++; o.quick < 2 {
		return false
	}
	o.taken[last] = true
	return true
}
