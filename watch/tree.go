package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// scope tells how much of a folder is wanted.
type scope struct {
	all  bool // every entry; otherwise only the named ones
	deep bool // the same in the folders below; implies all
}

// folder is a node of the snapshot: a folder in which, or below which, something is wanted. The folder need not exist.
type folder struct {
	parent *folder // nil for the root of the file system (or volume)
	name   string
	path   string // as in the Set: symbolic links are not resolved

	named, wasNamed scope              // the Set's request here; was: before the current request
	now, was        scope              // the scope in force, including trees above; was: before the current request
	files           map[string]*leaf   // single wanted names; nil if there are none
	subs            map[string]*folder // nodes below
	linked          bool               // its name is a symbolic link: a tree ends here

	entries map[string]stamp  // the snapshot: everything that exists and may be reported
	links   map[string]string // names of symbolic links, and the path of each target
	present bool              // exists and is a folder
	id      identity          // identity, while present
	ear     *ear              // the watch; nil: none
	deafFor error             // why not watched or read
	unread  bool              // the names could not be read
	looked  uint64            // the last round with a read

	polled   bool   // in the polled sweep
	swept    bool   // in the polled sweep or in the patrol's
	arranged uint64 // last decision about polled
	listed   int64  // modification time when the scout last read the names
}

// leaf is a single wanted file.
type leaf struct {
	named, wasNamed bool                  // by the Set: its changes are reported
	followers       map[follower]struct{} // symbolic links to this file, for the same look
}

// at returns the path of an entry.
func (f *folder) at(name string) string { return joined(f.path, name) }

// joined is filepath.Join for two clean paths.
func joined(folder, name string) string {
	if os.IsPathSeparator(folder[len(folder)-1]) { // a root
		return folder + name
	}
	return folder + string(filepath.Separator) + name
}

// needed reports whether the node has a purpose of its own. (A folder in a tree exists because of its parent.)
func (f *folder) needed() bool { return f.named.all || len(f.files) > 0 || len(f.subs) > 0 }

// wanted reports whether something in the folder itself, not only below, is reported or followed.
func (f *folder) wanted() bool { return f.now.all || len(f.files) > 0 }

// changed reports whether the current request changes the wishes here.
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

// tree is the snapshot: the nodes, and the rules that tell what is visible in them. A node exists if something is
// wanted in the folder or below, or if the folder is part of a tree.
type tree struct {
	roots map[string]*folder // by "/" or the volume

	ignored, wasIgnored func(path string, folder bool) bool // was: before the current request
}

func newTree(ignored func(path string, folder bool) bool) tree {
	ignored = orNothing(ignored)
	return tree{roots: make(map[string]*folder), ignored: ignored, wasIgnored: ignored}
}

func orNothing(ignored func(string, bool) bool) func(string, bool) bool {
	if ignored == nil {
		return func(string, bool) bool { return false }
	}
	return ignored
}

// node returns the node of a folder, and creates the missing nodes down to it. path is absolute and clean.
func (t *tree) node(path string) *folder {
	volume := filepath.VolumeName(path)
	top := volume + string(filepath.Separator)
	f := t.roots[top]
	if f == nil {
		f = newFolder(nil, "", top)
		t.roots[top] = f
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
func (t *tree) known(path string) *folder {
	volume := filepath.VolumeName(path)
	f := t.roots[volume+string(filepath.Separator)]
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

// cut removes a node below f. Nothing is wanted there any more, so a queued look finds nothing to do.
func (f *folder) cut(sub *folder) {
	delete(f.subs, sub.name)
	sub.now, sub.present = scope{}, false
}

// leafOf returns the leaf of a name in f, and creates a missing leaf.
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

// visible reports whether changes of an entry are reported: the entry is named, or everything in its folder is wanted
// and the entry is not ignored. Names in the Set are never ignored.
func (t *tree) visible(f *folder, name string, folder bool) bool {
	if l := f.files[name]; l != nil && l.named {
		return true
	}
	if sub := f.subs[name]; sub != nil && sub.named.all {
		return true
	}
	return f.now.all && !t.ignored(f.at(name), folder)
}

// wasVisible is visible before the current request; at any other time, the same as visible. A newly visible entry
// enters the snapshot without a report.
func (t *tree) wasVisible(f *folder, name string, folder bool) bool {
	if l := f.files[name]; l != nil && l.wasNamed {
		return true
	}
	if sub := f.subs[name]; sub != nil && sub.wasNamed.all {
		return true
	}
	return f.was.all && !t.wasIgnored(f.at(name), folder)
}

// derive computes the scope in force in a folder, now and before the current request, from the Set's requests and the
// trees above.
func (t *tree) derive(f *folder) {
	f.now, f.was = f.named, f.wasNamed
	if f.parent == nil || f.linked {
		return
	}
	if f.parent.now.deep && !f.now.deep && !t.ignored(f.path, true) {
		f.now = scope{all: true, deep: true}
	}
	if f.parent.was.deep && !f.was.deep && !t.wasIgnored(f.path, true) {
		f.was = scope{all: true, deep: true}
	}
}

// settle makes the current requests the base of comparison for the next request.
func (t *tree) settle() {
	for _, root := range t.roots {
		settleScopes(root)
	}
	t.wasIgnored = t.ignored
}

func settleScopes(f *folder) {
	f.was, f.wasNamed = f.now, f.named
	for _, l := range f.files {
		l.wasNamed = l.named
	}
	for _, sub := range f.subs {
		settleScopes(sub)
	}
}
