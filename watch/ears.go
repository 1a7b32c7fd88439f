package watch

import (
	"os"
	"slices"
	"syscall"
)

// kernel is the source of events, *fsnotify.Watcher. Tests have another.
type kernel interface {
	Add(folder string) error
	Remove(folder string) error
	Close() error
}

// ear is one watch of the kernel, on one folder. It has several nodes if two paths in the tree lead to the same folder: the
// kernel has only one watch for it, and reports events under the path by which it was first asked.
type ear struct {
	path    string // the one given to the kernel; it belongs to one of folders
	costs   int    // descriptors, where hearing is dear
	id      identity
	folders []*folder
}

// mustHear tells which nodes are heard:
//
//   - where something is wanted;
//   - the greatest existing folder above what is missing;
//   - a folder with a symbolic link that leads on: nothing but its events tells that the link was turned;
//   - what lies between a wanted folder and another above it, so that a folder of the project is noticed when it is moved
//     away. Not where every file in a heard folder costs a descriptor (kqueue).
//
// What lies above all that is wanted (/, /tmp, a home) is not: everybody writes there, and each event would wake us. A
// wanted folder that is itself moved or removed says so; if one above all of them is moved, the patrol finds out.
func (w *Watcher) mustHear(f *folder) bool {
	if f.wanted() {
		return true
	}
	for _, sub := range f.subs {
		if !sub.present || sub.linked {
			return true
		}
	}
	for above := f.parent; above != nil && !w.lean; above = above.parent {
		if above.wanted() {
			return true
		}
	}
	return false
}

// wantsEar tells which nodes the kernel watches: all that must be heard, except where only polling is asked for. Where the
// kernel sees but a part of what happens, that part is heard all the same, and at once; unless it is dear.
func (w *Watcher) wantsEar(f *folder) bool {
	return w.mustHear(f) && !w.asked && !(w.lean && f.present && w.disk(f).foreign)
}

// hear has the kernel watch a folder. again: its watch may have gone, because the folder may have been away.
func (w *Watcher) hear(f *folder, again bool) {
	if !w.wantsEar(f) {
		w.deaf(f)
		w.cannot(f, nil)
		return
	}
	if e := f.ear; e != nil {
		switch {
		case e.id != f.id:
			w.deaf(f) // another folder has taken its place
		case again && e.path == f.path:
			// The same call again: the kernel keeps the watch if it is still there.
			err := w.kernel.Add(f.path)
			if err != nil {
				w.deaf(f)
			}
			w.cannot(f, err)
			return
		default:
			return
		}
	}
	if e := w.earsByID[f.id]; e != nil {
		if w.still(e) {
			e.folders = append(e.folders, f)
			f.ear = e
			w.cannot(f, nil)
			return
		}
		// The folder was moved, and this is its new place. fsnotify would go on reporting it under the old one.
		w.silence(e)
	}
	costs, err := w.afford(f)
	if err == nil {
		err = w.kernel.Add(f.path)
	}
	w.cannot(f, err)
	if err != nil {
		return
	}
	w.descriptors += costs
	f.ear = &ear{path: f.path, costs: costs, id: f.id, folders: []*folder{f}}
	w.ears[f.path] = f.ear
	if f.id != (identity{}) {
		w.earsByID[f.id] = f.ear
	}
}

// afford says how many descriptors it takes to hear a folder, or that there are not as many to spare. What comes later is
// not counted.
func (w *Watcher) afford(f *folder) (costs int, err error) {
	if w.descriptorsMost == 0 {
		return 0, nil
	}
	names, err := namesIn(f.path)
	costs = 1 + len(names)
	if err == nil && w.descriptors+costs > w.descriptorsMost {
		err = &os.PathError{Op: "watch", Path: f.path, Err: syscall.EMFILE}
	}
	return costs, err
}

// cannot notes why a folder is not heard; nil: it is. One that has just gone is no problem: the folder above tells.
func (w *Watcher) cannot(f *folder, err error) {
	if err != nil && unlessGone(err) == nil {
		err = nil
	}
	known := f.deafFor != nil
	f.deafFor = nil
	if err == nil {
		return
	}
	f.deafFor = w.limited(err)
	if !known && !w.answering && f.wanted() && !isLimit(f.deafFor) {
		w.draft.report(Problem{f.path, f.deafFor})
	}
}

// still tells whether the folder that the kernel watches is where it was.
func (w *Watcher) still(e *ear) bool {
	s, err := sightOf(e.path)
	return err == nil && s.kind == dir && identityOf(s.info) == e.id
}

// deaf ends the hearing of one node.
func (w *Watcher) deaf(f *folder) {
	e := f.ear
	if e == nil {
		return
	}
	f.ear = nil
	w.rearranged = true
	e.folders = slices.DeleteFunc(e.folders, func(other *folder) bool { return other == f })
	if len(e.folders) == 0 || e.path == f.path {
		w.silence(e)
	}
}

// silence ends a watch of the kernel. Nodes that were heard by it are looked at, and so heard, anew.
func (w *Watcher) silence(e *ear) {
	// The kernel may have ended it already, with the folder; that is the usual case and its error says nothing.
	_ = w.kernel.Remove(e.path)
	delete(w.ears, e.path)
	w.descriptors -= e.costs
	w.freed = true
	if w.earsByID[e.id] == e {
		delete(w.earsByID, e.id)
	}
	for _, f := range e.folders {
		f.ear = nil
		w.mark(f, true)
	}
}
