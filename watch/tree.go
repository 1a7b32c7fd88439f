package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// scope is how much of a folder is wanted.
type scope struct {
	all  bool // every entry; otherwise only those that are named
	deep bool // and so on in the folders below; implies all
}

// folder is a node of the snapshot: a folder in which something is wanted, or below which it is. It need not exist.
type folder struct {
	parent *folder // nil for the root of the file system (or volume)
	name   string
	path   string // as the Set named it: symbolic links are not resolved

	named, wasNamed scope              // what the Set asks for here; was: before the request that is being answered
	now, was        scope              // what is in force: also what comes down from a tree above
	files           map[string]*leaf   // names that are wanted one by one; nil if there are none
	subs            map[string]*folder // nodes below
	linked          bool               // its name is a symbolic link: a tree does not go on here

	entries map[string]stamp  // the snapshot: what exists and may be reported
	links   map[string]string // names that are symbolic links, and the path that each leads to
	present bool              // it exists and is a folder
	id      identity          // which one, while it is present
	ear     *ear              // how it is heard; nil: it is not
	deafFor error             // why it cannot be heard or read
	unread  bool              // its names could not be read
	looked  uint64            // the last look that read it

	polled   bool   // it is in the round of what is polled
	swept    bool   // it is in that, or in the patrol's
	arranged uint64 // when that was decided last
	listed   int64  // its modification time when the scout read its names last
}

// leaf is a single file that is wanted.
type leaf struct {
	named, wasNamed bool                  // by the Set: it is reported
	followers       map[follower]struct{} // symbolic links that lead here: they are looked at when this is
}

// at is the path of an entry.
func (f *folder) at(name string) string { return joined(f.path, name) }

// joined is filepath.Join of two clean paths.
func joined(folder, name string) string {
	if os.IsPathSeparator(folder[len(folder)-1]) { // a root
		return folder + name
	}
	return folder + string(filepath.Separator) + name
}

// needed tells whether the node has a purpose of its own. (A folder within a tree exists because of its parent.)
func (f *folder) needed() bool { return f.named.all || len(f.files) > 0 || len(f.subs) > 0 }

// wanted tells whether something in the folder itself is reported or followed, and not only in folders below.
func (f *folder) wanted() bool { return f.now.all || len(f.files) > 0 }

// changed tells whether the request that is being answered wants other things here than were wanted before.
func (f *folder) changed() bool {
	if f.looked == 0 || f.now != f.was || f.named != f.wasNamed {
		return true
	}
	for _, l := range f.files {
		if l.named != l.wasNamed {
			return true
		}
	}
	return false
}

// node returns the node of a folder, and makes it and all above it as needed. path is absolute and clean.
func (w *Watcher) node(path string) *folder {
	volume := filepath.VolumeName(path)
	top := volume + string(filepath.Separator)
	f := w.roots[top]
	if f == nil {
		f = newFolder(nil, "", top)
		w.roots[top] = f
	}
	for name := range strings.SplitSeq(path[len(volume):], string(filepath.Separator)) {
		if name == "" {
			continue
		}
		sub := f.subs[name]
		if sub == nil {
			sub = newFolder(f, name, f.at(name))
			f.subs[name] = sub
		}
		f = sub
	}
	return f
}

// known returns the node of a folder, if there is one. path is absolute and clean.
func (w *Watcher) known(path string) *folder {
	volume := filepath.VolumeName(path)
	f := w.roots[volume+string(filepath.Separator)]
	for name := range strings.SplitSeq(path[len(volume):], string(filepath.Separator)) {
		if f != nil && name != "" {
			f = f.subs[name]
		}
	}
	return f
}

func newFolder(parent *folder, name, path string) *folder {
	return &folder{
		parent:  parent,
		name:    name,
		path:    path,
		subs:    make(map[string]*folder),
		entries: make(map[string]stamp),
	}
}

// cut removes a node below f. Nothing is wanted in it any more, should it still be queued to be looked at.
func (f *folder) cut(sub *folder) {
	delete(f.subs, sub.name)
	sub.now, sub.present = scope{}, false
}

// leafOf returns the leaf of a name in f, and makes it as needed.
func (f *folder) leafOf(name string) *leaf {
	l := f.files[name]
	if l == nil {
		if f.files == nil {
			f.files = make(map[string]*leaf)
		}
		l = &leaf{}
		f.files[name] = l
	}
	return l
}

// visible tells whether an entry is reported: it was named, or everything in its folder is wanted and it is not ignored.
// What the Set names is never ignored.
func (w *Watcher) visible(f *folder, name string, folder bool) bool {
	if l := f.files[name]; l != nil && l.named {
		return true
	}
	if sub := f.subs[name]; sub != nil && sub.named.all {
		return true
	}
	return f.now.all && !w.ignored(f.at(name), folder)
}

// wasVisible is visible before the request that is being answered, and the same as visible at any other time. What
// appears where it was not visible did not happen: it is taken into the snapshot without a word.
func (w *Watcher) wasVisible(f *folder, name string, folder bool) bool {
	if l := f.files[name]; l != nil && l.wasNamed {
		return true
	}
	if sub := f.subs[name]; sub != nil && sub.wasNamed.all {
		return true
	}
	return f.was.all && !w.wasIgnored(f.at(name), folder)
}

// derive computes what is in force in a folder, and what was before the request that is being answered, from what the
// Set asks for and what comes down from above.
func (w *Watcher) derive(f *folder) {
	f.now, f.was = f.named, f.wasNamed
	if f.parent == nil || f.linked {
		return
	}
	if f.parent.now.deep && !f.now.deep && !w.ignored(f.path, true) {
		f.now = scope{all: true, deep: true}
	}
	if f.parent.was.deep && !f.was.deep && !w.wasIgnored(f.path, true) {
		f.was = scope{all: true, deep: true}
	}
}

// prune removes the nodes below f that have lost their purpose, and tells whether f has one.
func (w *Watcher) prune(f *folder) bool {
	for _, sub := range f.subs {
		if !w.prune(sub) {
			w.deaf(sub)
			for name := range sub.links {
				w.link(sub, name, "")
			}
			f.cut(sub)
		}
	}
	return f.now.all || f.needed()
}

// settleScopes makes the present wishes those against which the next request is compared.
func settleScopes(f *folder) {
	f.was, f.wasNamed = f.now, f.named
	for _, l := range f.files {
		l.wasNamed = l.named
	}
	for _, sub := range f.subs {
		settleScopes(sub)
	}
}
