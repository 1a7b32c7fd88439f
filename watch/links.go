package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// A symbolic link counts as its target. Events come from the target's folder, so the target is made a leaf of its own
// folder, with the link as a follower: whenever the target is looked at, the link is looked at, too. If the target is a
// link itself, the same happens with the next target.

// follower identifies a symbolic link by its folder and name.
type follower struct {
	folder *folder
	name   string
}

// link notes the target of a symbolic link; the target "" means: no link any more.
func (s *snapshot) link(f *folder, name, target string) {
	old := f.links[name]
	if old == target {
		return
	}
	s.rearranged = true
	if old != "" {
		s.unfollow(old, follower{f, name})
		delete(f.links, name)
	}
	if target == "" {
		return
	}
	if f.links == nil {
		f.links = make(map[string]string)
	}
	f.links[name] = target

	parent := s.node(filepath.Dir(target))
	base := filepath.Base(target)
	l := parent.leafOf(base)
	if l.followers == nil {
		l.followers = make(map[follower]struct{})
	}
	l.followers[follower{f, name}] = struct{}{}

	// Watch the folders down to the target: start at the first new one: the look there includes the folders below.
	topmost := parent
	for topmost.parent != nil && topmost.parent.looked == 0 {
		topmost = topmost.parent
	}
	s.mark(topmost, false)
	s.queue(parent, base, false)
}

func (s *snapshot) unfollow(target string, who follower) {
	parent := s.node(filepath.Dir(target))
	l := parent.leafOf(filepath.Base(target))
	delete(l.followers, who)
	if len(l.followers) == 0 && !l.named {
		delete(parent.files, filepath.Base(target))
	}
	s.unpruned = true
}

// targetOf returns the direct target of a symbolic link; "" if the link cannot be read.
func targetOf(link string) string {
	target, err := os.Readlink(link)
	if err != nil || target == "" {
		return ""
	}
	if !filepath.IsAbs(target) {
		folder := filepath.Dir(link)
		// ".." starts from the folder's real place. Without "..", the user's names are kept.
		if strings.Contains(target, "..") {
			if real, err := filepath.EvalSymlinks(folder); err == nil {
				folder = real
			}
		}
		target = filepath.Join(folder, target)
	}
	return filepath.Clean(target)
}
