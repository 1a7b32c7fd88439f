package watch

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Set tells what to watch. Relative paths start at the working directory. Paths need not exist, and may overlap; the
// widest request counts. A path may be, or lead through, a symbolic link.
type Set struct {
	Dirs  []string // folders: their entries, but not the contents of folders below
	Trees []string // folders with everything below, also later folders; ignored folders are not entered
	Files []string // single files: nothing else in their folder is reported
}

// wish replaces the requests in the tree of nodes, and returns the impossible ones, without a look at the disk.
func (t *tree) wish(set Set) []Problem {
	for _, f := range t.roots {
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
	each(set.Dirs, func(path string) { t.node(path).named.all = true })
	each(set.Trees, func(path string) { t.node(path).named = scope{all: true, deep: true} })
	each(set.Files, func(path string) {
		t.node(filepath.Dir(path)).leafOf(filepath.Base(path)).named = true
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

// problems adds to list the wanted but unwatchable paths below f; groups reports the folders beyond a limit.
func problems(f *folder, list []Problem) []Problem {
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
		list = problems(sub, list)
	}
	return list
}
