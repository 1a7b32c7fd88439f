package watch

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// kernel is the source of events, *fsnotify.Watcher. Tests use another one.
type kernel interface {
	Add(folder string) error
	Remove(folder string) error
	Close() error
}

// ear is one watch of the kernel, on one folder. If two paths in the tree lead to the same folder, they share the ear:
// the kernel has only one watch for the folder, and reports events under the first path.
type ear struct {
	path    string // the path given to the kernel, of one of folders
	costs   int    // number of descriptors, if hearing is dear
	id      identity
	folders []*folder
}

// ears are the kernel's watches. A node with an ear is in the list of this ear and of no other, and each ear in byPath
// has one watch of the kernel.
//
// The ears do not look at the disk. The caller looks at the lost nodes, returned by the methods.
type ears struct {
	kernel kernel
	pump   *pump
	probe  probe
	disks  *disks

	byPath map[string]*ear // by the path given to the kernel
	byID   map[identity]*ear

	asked bool // Config.Poll: no watches are used
	lean  bool // hearing is dear: see mustHear

	descriptors, descriptorsMost int // used for hearing, and allowed; 0: any number

	// In the current round of looks:
	limit *limitMet // the last reached limit; nil: none
	freed bool      // a watch was given back
}

// limitMet is a limit with its details. The details are read once in a round of looks, however many folders reach the
// limit.
type limitMet struct {
	name string
	err  *LimitError
}

func newEars(config Config, k kernel, events <-chan fsnotify.Event, failures <-chan error, disks *disks) *ears {
	return &ears{
		kernel: k, pump: newPump(events, failures), disks: disks,
		byPath: make(map[string]*ear), byID: make(map[identity]*ear),
		asked: config.Poll > 0, lean: hearingIsDear, descriptorsMost: descriptorsMost(),
	}
}

// close closes the source of events, and waits for the pump.
func (e *ears) close() error {
	err := e.kernel.Close() // the pump still reads, so that the source can finish
	close(e.pump.quit)
	<-e.pump.done
	return err
}

// begin starts a round of looks.
func (e *ears) begin() { e.limit, e.freed = nil, false }

// roomAgain reports whether folders refused by a limit in this round can be tried again.
func (e *ears) roomAgain() bool { return e.freed && e.limit != nil }

// mustHear tells which nodes need events:
//
//   - a folder with something wanted inside;
//   - the greatest existing folder above a missing one;
//   - a folder with a symbolic link that leads on: only the folder's events show that the link has changed;
//   - the folders between a wanted folder and another one above it, so that a moved folder of the project is noticed.
//     Not where every file in a watched folder costs a descriptor (kqueue).
//
// Folders above everything wanted (/, /tmp, a home) need no events: many programs write there, and each event would
// wake hotreload. A wanted folder reports its own move or removal; if a folder above all of them is moved, the patrol
// notices.
func (e *ears) mustHear(f *folder) bool {
	if f.wanted() {
		return true
	}
	for _, sub := range f.subs {
		if !sub.present || sub.linked {
			return true
		}
	}
	for above := f.parent; above != nil && !e.lean; above = above.parent {
		if above.wanted() {
			return true
		}
	}
	return false
}

// wants tells which nodes the kernel watches: all that must be heard, unless polling was requested. If the kernel
// reports only a part of the changes, this part is still wanted, because events come at once; unless hearing is dear.
func (e *ears) wants(f *folder) bool {
	return e.mustHear(f) && !e.asked && !(e.lean && f.present && e.disks.of(f).foreign)
}

// hear makes the kernel watch a folder. With again, the folder may have been away, and its watch may be gone. lost are
// nodes without their watch now: the caller must look at them, so that they are watched again. The error tells why the
// folder is not watched; tried is false if nothing had to be done.
func (e *ears) hear(f *folder, again bool) (lost []*folder, tried bool, err error) {
	if !e.wants(f) {
		return e.deaf(f), true, nil
	}
	if known := f.ear; known != nil {
		switch {
		case known.id != f.id:
			lost = e.deaf(f) // another folder has taken its place
		case again && known.path == f.path:
			// Another call for the same folder: the kernel keeps the watch if it still exists.
			if err := e.kernel.Add(f.path); err != nil {
				return e.deaf(f), true, err
			}
			return nil, true, nil
		default:
			return nil, false, nil
		}
	}
	if known := e.byID[f.id]; known != nil {
		if known.still() {
			known.folders = append(known.folders, f)
			f.ear = known
			return lost, true, nil
		}
		// The folder was moved to this place. fsnotify would still report the old one.
		lost = append(lost, e.silence(known)...)
	}
	costs, err := e.afford(f)
	if err == nil {
		err = e.kernel.Add(f.path)
	}
	if err != nil {
		return lost, true, err
	}
	e.descriptors += costs
	f.ear = &ear{path: f.path, costs: costs, id: f.id, folders: []*folder{f}}
	e.byPath[f.path] = f.ear
	if f.id != (identity{}) {
		e.byID[f.id] = f.ear
	}
	return lost, true, nil
}

// afford returns how many descriptors a folder's watch needs, or an error if there are not enough. Later files are not
// counted.
func (e *ears) afford(f *folder) (costs int, err error) {
	if e.descriptorsMost == 0 {
		return 0, nil
	}
	names, err := namesIn(f.path)
	costs = 1 + len(names)
	if err == nil && e.descriptors+costs > e.descriptorsMost {
		err = &os.PathError{Op: "watch", Path: f.path, Err: syscall.EMFILE}
	}
	return costs, err
}

// limited wraps err in a LimitError if err means a reached limit.
func (e *ears) limited(err error) error {
	if isLimit(err) {
		return err
	}
	name := limitName(err, false)
	if name == "" {
		return err
	}
	if e.limit == nil || e.limit.name != name {
		e.limit = &limitMet{name: name}
		errors.As(limited(err, false), &e.limit.err)
	}
	return e.limit.err
}

// still reports whether the watched folder is in its place.
func (e *ear) still() bool {
	s, err := sightOf(e.path)
	return err == nil && s.kind == dir && identityOf(s.info) == e.id
}

// deaf ends the watch of one node. lost are other nodes with the same watch.
func (e *ears) deaf(f *folder) (lost []*folder) {
	known := f.ear
	if known == nil {
		return nil
	}
	f.ear = nil
	known.folders = slices.DeleteFunc(known.folders, func(other *folder) bool { return other == f })
	if len(known.folders) == 0 || known.path == f.path {
		return e.silence(known)
	}
	return nil
}

// silence ends a watch of the kernel. lost are the nodes with this watch.
func (e *ears) silence(known *ear) (lost []*folder) {
	// Usually the kernel has ended the watch already, together with the folder; then the error means nothing.
	_ = e.kernel.Remove(known.path)
	delete(e.byPath, known.path)
	e.descriptors -= known.costs
	e.freed = true
	if e.byID[known.id] == known {
		delete(e.byID, known.id)
	}
	for _, f := range known.folders {
		f.ear = nil
	}
	return known.folders
}
