package watch

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Set says what is watched. Paths that are not absolute are taken from the working directory. They need not exist, and
// may overlap; the widest wish holds. A named path may be, or lead through, a symbolic link.
type Set struct {
	Dirs  []string // folders: their entries, but not what is in folders below
	Trees []string // folders with all below them, folders that come later included; ignored folders are not entered
	Files []string // single files: nothing else in their folder is reported
}

// wish replaces what is asked for in the tree of nodes, and returns what cannot be asked for. It does not look at the
// disk.
func (w *Watcher) wish(set Set) []Problem {
	for _, f := range w.roots {
		forgetWishes(f)
	}
	var problems []Problem
	each := func(paths []string, wish func(path string)) {
		for _, path := range paths {
			if absolute, err := filepath.Abs(path); err != nil {
				problems = append(problems, Problem{path, err})
			} else {
				wish(absolute)
			}
		}
	}
	each(set.Dirs, func(path string) { w.node(path).named.all = true })
	each(set.Trees, func(path string) { w.node(path).named = scope{all: true, deep: true} })
	each(set.Files, func(path string) {
		w.node(filepath.Dir(path)).leafOf(filepath.Base(path)).named = true
	})
	return problems
}

func forgetWishes(f *folder) {
	f.named = scope{}
	for _, l := range f.files {
		l.named = false
	}
	for _, sub := range f.subs {
		forgetWishes(sub)
	}
}

// reconcile looks at the folders below f in which other things are wanted than before, and at those that could not be
// heard. What stays as it was is not looked at: its events come as ever.
func (w *Watcher) reconcile(f *folder) {
	w.derive(f)
	if f.looked != w.round && (f.changed() || f.deafFor != nil || f.present && w.wantsEar(f) != (f.ear != nil)) {
		w.mark(f, false)
		w.work()
	}
	for name, l := range f.files {
		if !l.named && len(l.followers) == 0 {
			delete(f.files, name)
		}
	}
	for _, sub := range f.subs {
		w.reconcile(sub)
	}
}

// problems adds to list what is wanted below f and cannot be heard; not what a limit keeps from it, see groups.
func (w *Watcher) problems(f *folder, list []Problem) []Problem {
	switch {
	case f.named.all && !f.present:
		err := error(fs.ErrNotExist)
		if f.parent != nil && f.parent.entries[f.name].kind == file {
			err = fmt.Errorf("%w", syscall.ENOTDIR)
		} else if f.deafFor != nil {
			err = f.deafFor
		}
		list = append(list, Problem{f.path, err})
	case f.wanted() && f.deafFor != nil && !isLimit(f.deafFor):
		list = append(list, Problem{f.path, f.deafFor})
	}
	for _, sub := range f.subs {
		list = w.problems(sub, list)
	}
	return list
}
