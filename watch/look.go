package watch

import (
	"os"
	"slices"
	"strings"
	"time"
)

// suspicion is something to look at: an entry of a folder, or the folder itself (name "").
type suspicion struct {
	folder   *folder
	name     string
	thorough bool // for a folder: look at everything below, and renew the kernel's watch
}

func (s *snapshot) queue(f *folder, name string, thorough bool) {
	s.todo = append(s.todo, suspicion{f, name, thorough})
}

func (s *snapshot) mark(f *folder, thorough bool) { s.queue(f, "", thorough) }

// work looks at everything in the queue, also at later entries, and at nothing twice in a round, because symbolic links
// can form a circle. At the end, work watches the folders that must be heard because of finds below them.
func (s *snapshot) work() {
	for len(s.todo) > 0 || len(s.unheard) > 0 {
		if len(s.todo) == 0 {
			f := s.unheard[0]
			s.unheard = s.unheard[1:]
			if f.present && f.ear == nil && s.ears.wants(f) {
				s.visit(f, false)
			}
			continue
		}
		next := s.todo[0]
		s.todo = s.todo[1:]
		if _, ok := s.seen[next]; ok {
			continue
		}
		s.seen[next] = struct{}{}
		if next.name != "" {
			s.look(next.folder, next.name, next.thorough)
			continue
		}
		f := next.folder
		if f.parent != nil {
			s.look(f.parent, f.name, next.thorough)
		}
		if (f.parent == nil || f.present && f.parent.subs[f.name] == f) && f.looked != s.round {
			s.visit(f, next.thorough)
		}
	}
	s.todo, s.unheard = nil, nil
}

// look compares one entry with the snapshot.
func (s *snapshot) look(f *folder, name string, thorough bool) {
	path, old, sub, l := f.at(name), f.entries[name], f.subs[name], f.files[name]
	if old.kind != none && !s.visible(f, name, old.kind == dir) {
		// The Set or the ignore rules have changed. Changes already in the batch stay there, unless the path is ignored
		// now.
		delete(f.entries, name)
		if s.ignored(path, old.kind == dir) {
			s.out.draft.forget(path)
		}
		old = stamp{}
	}
	if l != nil && !l.named && len(l.followers) == 0 {
		l = nil
	}
	if !f.now.all && sub == nil && l == nil {
		s.link(f, name, "")
		return
	}

	at := time.Now()
	seen, err := sightOf(path)
	if err != nil { // unknown: the entry stays unchanged
		if sub != nil && !sub.present {
			sub.deafFor = err
		}
		return
	}
	if old.kind == none && seen.kind != none && s.misspelt(f, name) {
		seen = sight{}
	}
	target := ""
	if seen.linked && (sub != nil || l != nil || s.visible(f, name, seen.kind == dir)) {
		target = targetOf(path)
	}
	s.link(f, name, target)

	var now stamp
	if seen.kind != none && s.visible(f, name, seen.kind == dir) {
		now = stamp{kind: dir}
		if seen.kind == file {
			now = s.reader.stamp(path, seen.info, at, old)
		}
	}
	appeared := old.kind == none && now.kind != none
	if !old.same(now) && !(appeared && !s.wasVisible(f, name, now.kind == dir)) {
		s.out.draft.record(path, old, now)
		s.changed(f, name, now)
	}
	if now.kind != none {
		f.entries[name] = now
	} else {
		delete(f.entries, name)
	}

	s.descend(f, name, seen, thorough)
	if l != nil {
		for who := range l.followers {
			s.queue(who.folder, who.name, false)
		}
	}
}

// misspelt reports whether a new name is only another spelling of an existing one, on a disk where README and readme
// are the same. If the known name has become the other spelling, the known name is gone.
func (s *snapshot) misspelt(f *folder, name string) bool {
	for other := range f.entries {
		if other == name || !strings.EqualFold(other, name) {
			continue
		}
		names, err := namesIn(f.path)
		if err != nil || !slices.Contains(names, name) {
			return err == nil
		}
		if !slices.Contains(names, other) {
			s.gone(f, other)
		}
	}
	return false
}

// gone removes an entry, and everything below it, from the snapshot.
func (s *snapshot) gone(f *folder, name string) {
	s.out.draft.record(f.at(name), f.entries[name], stamp{})
	delete(f.entries, name)
	s.link(f, name, "")
	s.descend(f, name, sight{}, false)
}

// descend visits the folder at an entry, if there is another folder than before, or the folder may have changed. seen
// may also be something else than a folder.
func (s *snapshot) descend(f *folder, name string, seen sight, thorough bool) {
	sub := f.subs[name]
	if sub != nil && (seen.kind != dir || seen.linked && !sub.linked && !sub.named.deep && sub.now.deep) {
		s.lose(sub)
		if !sub.needed() {
			f.cut(sub)
			return
		}
	}
	if seen.kind != dir {
		return
	}
	if sub == nil {
		path := f.at(name)
		if !f.now.deep || seen.linked || s.ignored(path, true) {
			return
		}
		sub = newFolder(f, name, path)
		f.subs[name] = sub
	}
	if seen.linked != sub.linked {
		sub.linked = seen.linked
		s.unheard = append(s.unheard, f)
	}
	s.derive(sub)
	if sub.looked != s.round && (thorough || !sub.present || sub.changed() || sub.id != identityOf(seen.info)) {
		s.visit(sub, thorough)
	}
}

// visit compares a folder with the snapshot: the wanted entries, and the new folders below. The watch begins before the
// read, so no change is missed in between.
func (s *snapshot) visit(f *folder, thorough bool) {
	if s.closing() {
		return
	}
	f.looked = s.round
	s.rearranged = true
	info, err := os.Stat(f.path)
	if err != nil && unlessGone(err) != nil {
		f.deafFor = err
		return
	}
	if err != nil || !info.IsDir() {
		s.lose(f)
		return
	}
	id := identityOf(info)
	if f.present && f.id != id {
		thorough = true
	}
	f.present, f.id = true, id

	s.hear(f, thorough)
	s.read(f, thorough)
	if heard := f.ear != nil; f.deafFor == nil && heard != s.ears.wants(f) {
		// This look has just shown names missing below, or there again.
		s.hear(f, false)
		if !heard {
			s.read(f, false)
		}
	}
}

// read looks at the entries of a folder.
func (s *snapshot) read(f *folder, thorough bool) {
	var listed map[string]struct{}
	if f.now.all {
		names, err := namesIn(f.path)
		if err != nil {
			f.unread = true
			s.cannot(f, err)
			return // the snapshot keeps its entries
		}
		if f.unread {
			f.unread = false
			if f.ear != nil || !s.ears.wants(f) {
				s.cannot(f, nil)
			}
		}
		listed = make(map[string]struct{}, len(names))
		for _, name := range names {
			listed[name] = struct{}{}
			s.look(f, name, thorough)
		}
	}
	unless := func(name string) {
		if _, ok := listed[name]; !ok {
			s.look(f, name, thorough)
		}
	}
	for name := range f.entries {
		unless(name)
	}
	for name := range f.files {
		unless(name)
	}
	for name := range f.subs {
		unless(name)
	}
}

func namesIn(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// lose notes the removal of a folder with all its contents.
func (s *snapshot) lose(f *folder) {
	if !f.present {
		return
	}
	f.present, f.id = false, identity{}
	s.rearranged = true
	s.deaf(f)
	for name, old := range f.entries {
		s.out.draft.record(f.at(name), old, stamp{})
	}
	clear(f.entries)
	for name := range f.links {
		s.link(f, name, "")
	}
	for _, sub := range f.subs {
		s.lose(sub)
		if !sub.needed() {
			f.cut(sub)
		}
	}
	for _, l := range f.files {
		for who := range l.followers {
			s.queue(who.folder, who.name, false)
		}
	}
	if f.parent != nil {
		s.unheard = append(s.unheard, f.parent)
	}
}
