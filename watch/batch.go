package watch

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Op says how the disk differs from what was known of a path.
type Op uint8

const (
	Created Op = iota + 1 // it was not there
	Written               // other content; or a folder where a file was, or the reverse
	Removed               // it is not there any more
)

func (o Op) String() string {
	return [...]string{"unknown", "created", "written", "removed"}[o]
}

// Change is what happened to one path.
type Change struct {
	Path string // absolute, below the path that the Set named: symbolic links are not resolved
	Op   Op
	Dir  bool // it is a folder; for Removed, it was one
}

// Batch is all that is different since the last settled Batch that was received. A Batch is never changed after it was
// sent.
type Batch struct {
	Changes     []Change  // sorted by path, one for each path
	Fresh       []Change  // what has happened since the batch received before this one, undone or not, sorted likewise
	Settled     bool      // the tree was quiet for Config.Quiet, or Config.MaxWait is over: the next begins anew
	Overflow    bool      // the kernel lost events, and everything was looked at instead
	Problems    []Problem // what cannot be watched and could be, or did not exist, at the last call of Watch
	Began, Last time.Time // when the first and the last of it were heard of
}

// difference is what a path was when the batch was opened, and what it is. The two are never the same.
type difference struct{ before, after stamp }

func (d difference) change(path string) Change {
	switch {
	case d.before.kind == none:
		return Change{path, Created, d.after.kind == dir}
	case d.after.kind == none:
		return Change{path, Removed, d.before.kind == dir}
	}
	return Change{path, Written, d.after.kind == dir}
}

// draft is the batch that has not been received as settled. It has no clock and no effects.
type draft struct {
	paths       map[string]difference
	fresh       map[string]Change
	overflow    bool
	problems    []Problem
	began, last time.Time

	moved bool // it is other than what was last offered
	told  bool // the consumer has received an unsettled batch, and must be told how it ended
}

// record notes that a path was before and is after. It also undoes: what is again as it was when the batch was opened
// is not in it.
func (d *draft) record(path string, before, after stamp) {
	d.moved = true
	if d.fresh == nil {
		d.fresh = make(map[string]Change)
	}
	d.fresh[path] = difference{before, after}.change(path)
	if known, ok := d.paths[path]; ok {
		before = known.before
	}
	if before.same(after) {
		delete(d.paths, path)
		return
	}
	if d.paths == nil {
		d.paths = make(map[string]difference)
	}
	d.paths[path] = difference{before, after}
}

// forget drops what was recorded about a path that is ignored now.
func (d *draft) forget(path string) {
	if _, ok := d.paths[path]; ok {
		delete(d.paths, path)
		d.moved = true
	}
}

// report notes something that cannot be watched.
func (d *draft) report(p Problem) {
	d.problems = append(d.problems, p)
	d.moved = true
}

// void tells whether there is nothing to say: all was undone before the consumer heard of it.
func (d *draft) void() bool { return len(d.paths) == 0 && len(d.problems) == 0 && !d.told }

// batch is the draft as a value to send.
func (d *draft) batch(settled bool) Batch {
	b := Batch{
		Changes:  make([]Change, 0, len(d.paths)),
		Fresh:    slices.SortedFunc(maps.Values(d.fresh), byPath),
		Settled:  settled,
		Overflow: d.overflow,
		Problems: slices.Clone(d.problems),
		Began:    d.began,
		Last:     d.last,
	}
	for path, difference := range d.paths {
		b.Changes = append(b.Changes, difference.change(path))
	}
	slices.SortFunc(b.Changes, byPath)
	return b
}

func byPath(a, b Change) int { return strings.Compare(a.Path, b.Path) }
