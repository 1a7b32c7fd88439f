package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// A symbolic link counts as what it leads to. Events come from the folder of the target, so the target is made a leaf
// of its own folder, with the link as a follower: whenever the target is looked at, so is the link. If the target is a
// link again, looking at it does the same for the next.

// follower is a symbolic link by its place.
type follower struct {
	folder *folder
	name   string
}

// link notes that an entry is a symbolic link, or (target "") that it is none.
func (w *Watcher) link(f *folder, name, target string) {
	old := f.links[name]
	if old == target {
		return
	}
	w.rearranged = true
	if old != "" {
		w.unfollow(old, follower{f, name})
		delete(f.links, name)
	}
	if target == "" {
		return
	}
	if f.links == nil {
		f.links = make(map[string]string)
	}
	f.links[name] = target

	parent := w.node(filepath.Dir(target))
	base := filepath.Base(target)
	l := parent.leafOf(base)
	if l.followers == nil {
		l.followers = make(map[follower]struct{})
	}
	l.followers[follower{f, name}] = struct{}{}

	// Hear the folders down to the target: from the first that was never looked at, which looks at those below.
	topmost := parent
	for topmost.parent != nil && topmost.parent.looked == 0 {
		topmost = topmost.parent
	}
	w.mark(topmost, false)
	w.queue(parent, base, false)
}

func (w *Watcher) unfollow(target string, who follower) {
	parent := w.node(filepath.Dir(target))
	l := parent.leafOf(filepath.Base(target))
	delete(l.followers, who)
	if len(l.followers) == 0 && !l.named {
		delete(parent.files, filepath.Base(target))
	}
	w.unpruned = true
}

// targetOf is the path to which a symbolic link leads directly; "" if it cannot be read.
func targetOf(link string) string {
	target, err := os.Readlink(link)
	if err != nil || target == "" {
		return ""
	}
	if !filepath.IsAbs(target) {
		folder := filepath.Dir(link)
		// ".." is taken from where the folder really is. Without it, the names the user knows are kept.
		if strings.Contains(target, "..") {
			if real, err := filepath.EvalSymlinks(folder); err == nil {
				folder = real
			}
		}
		target = filepath.Join(folder, target)
	}
	return filepath.Clean(target)
}
