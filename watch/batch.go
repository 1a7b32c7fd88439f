package watch

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Op tells how a path has changed, compared with the snapshot.
type Op uint8

const (
	Created Op = iota + 1 // the path did not exist before
	Written               // other content; or a folder instead of a file, or the reverse
	Removed               // the path does not exist any more
)

func (o Op) String() string {
	return [...]string{"unknown", "created", "written", "removed"}[o]
}

// Change is what happened to one path.
type Change struct {
	Path string // absolute, below the path in the Set: symbolic links are not resolved
	Op   Op
	Dir  bool // the path is, or for Removed was, a folder
}

// Batch contains all differences since the last received settled Batch. A Batch is never changed after sending.
type Batch struct {
	Changes     []Change  // sorted by path, one for each path
	Fresh       []Change  // the changes since the previous received batch, undone or not, sorted likewise
	Settled     bool      // the tree is quiet (see Config), or Config.MaxWait is over; the next batch begins anew
	Overflow    bool      // the kernel lost events, and everything was checked instead
	Problems    []Problem // paths not watchable any more, but watched, or missing, at the last call of Watch
	Began, Last time.Time // when the first and the last difference were noticed
}

// difference is a path's stamp when the batch was opened, and its stamp now. The two are never the same.
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

// draft is the batch not yet received as settled, without a clock and without effects.
type draft struct {
	paths       map[string]difference
	fresh       map[string]Change
	overflow    bool
	problems    []Problem
	began, last time.Time

	moved bool // the draft differs from the last offer
	told  bool // the consumer has received an unsettled batch, and needs the settled one
}

// record notes the change of a path from before to after. If the path is again as at the opening of the batch, record
// removes the path from the draft.
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

// forget removes a path that is ignored now.
func (d *draft) forget(path string) {
	if _, ok := d.paths[path]; ok {
		delete(d.paths, path)
		d.moved = true
	}
}

// report adds a problem: a folder that cannot be watched.
func (d *draft) report(p Problem) {
	d.problems = append(d.problems, p)
	d.moved = true
}

// void reports whether there is nothing to send: every change was undone before the consumer received it.
func (d *draft) void() bool { return len(d.paths) == 0 && len(d.problems) == 0 && !d.told }

// emptied reports whether a changed file is empty now.
func (d *draft) emptied() bool {
	for _, difference := range d.paths {
		if difference.after.kind == file && difference.after.size == 0 {
			return true
		}
	}
	return false
}

// batch returns the draft as a value to send.
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
