package watch

import (
	"os"
	"slices"
	"strings"
	"time"
)

// suspicion is a place to look at: an entry of a folder, or (name "") the folder itself.
type suspicion struct {
	folder   *folder
	name     string
	thorough bool // of a folder: everything below, and have the kernel watch it again
}

func (w *Watcher) queue(f *folder, name string, thorough bool) {
	w.todo = append(w.todo, suspicion{f, name, thorough})
}

func (w *Watcher) mark(f *folder, thorough bool) { w.queue(f, "", thorough) }

// work looks at what is queued, and at what is queued while it looks; at nothing twice in a round, for symbolic links
// can lead in a circle. At the end it sees to the folders that must be heard because of what was found below them.
func (w *Watcher) work() {
	for len(w.todo) > 0 || len(w.unheard) > 0 {
		if len(w.todo) == 0 {
			f := w.unheard[0]
			w.unheard = w.unheard[1:]
			if f.present && f.ear == nil && w.wantsEar(f) {
				w.visit(f, false)
			}
			continue
		}
		s := w.todo[0]
		w.todo = w.todo[1:]
		if _, ok := w.seen[s]; ok {
			continue
		}
		w.seen[s] = struct{}{}
		if s.name != "" {
			w.look(s.folder, s.name, s.thorough)
			continue
		}
		f := s.folder
		if f.parent != nil {
			w.look(f.parent, f.name, s.thorough)
		}
		if (f.parent == nil || f.present && f.parent.subs[f.name] == f) && f.looked != w.round {
			w.visit(f, s.thorough)
		}
	}
	w.todo, w.unheard = nil, nil
}

// look compares one entry with the snapshot.
func (w *Watcher) look(f *folder, name string, thorough bool) {
	path, old, sub, l := f.at(name), f.entries[name], f.subs[name], f.files[name]
	if old.kind != none && !w.visible(f, name, old.kind == dir) {
		// The Set or the ignore rules have changed. What the batch says of it still happened, unless nobody wants to hear.
		delete(f.entries, name)
		if w.ignored(path, old.kind == dir) {
			w.draft.forget(path)
		}
		old = stamp{}
	}
	if l != nil && !l.named && len(l.followers) == 0 {
		l = nil
	}
	if !f.now.all && sub == nil && l == nil {
		w.link(f, name, "")
		return
	}

	at := time.Now()
	seen, err := sightOf(path)
	if err != nil { // nobody can tell: it is as it was
		if sub != nil && !sub.present {
			sub.deafFor = err
		}
		return
	}
	if old.kind == none && seen.kind != none && w.misspelt(f, name) {
		seen = sight{}
	}
	target := ""
	if seen.linked && (sub != nil || l != nil || w.visible(f, name, seen.kind == dir)) {
		target = targetOf(path)
	}
	w.link(f, name, target)

	var now stamp
	if seen.kind != none && w.visible(f, name, seen.kind == dir) {
		now = stamp{kind: dir}
		if seen.kind == file {
			now = w.reader.stamp(path, seen.info, at, old)
		}
	}
	appeared := old.kind == none && now.kind != none
	if !old.same(now) && !(appeared && !w.wasVisible(f, name, now.kind == dir)) {
		w.draft.record(path, old, now)
		if f.polled && now.kind == file {
			w.touched(f, name)
		}
		if w.surprises != nil {
			w.surprised(f, name, now)
		}
	}
	if now.kind != none {
		f.entries[name] = now
	} else {
		delete(f.entries, name)
	}

	w.descend(f, name, seen, thorough)
	if l != nil {
		for who := range l.followers {
			w.queue(who.folder, who.name, false)
		}
	}
}

// misspelt tells whether something new is only another spelling of the name of what is there, on a disk to which README
// and readme are the same. If a known name has become the other spelling, that is what has gone.
func (w *Watcher) misspelt(f *folder, name string) bool {
	for other := range f.entries {
		if other == name || !strings.EqualFold(other, name) {
			continue
		}
		names, err := namesIn(f.path)
		if err != nil || !slices.Contains(names, name) {
			return err == nil
		}
		if !slices.Contains(names, other) {
			w.gone(f, other)
		}
	}
	return false
}

// gone takes an entry, and what is below it, out of the snapshot.
func (w *Watcher) gone(f *folder, name string) {
	w.draft.record(f.at(name), f.entries[name], stamp{})
	delete(f.entries, name)
	w.link(f, name, "")
	w.descend(f, name, sight{}, false)
}

// descend goes into the folder that was found at an entry, if it is another one than before or there is a reason to
// doubt. seen may also say that there is no folder any more.
func (w *Watcher) descend(f *folder, name string, seen sight, thorough bool) {
	sub := f.subs[name]
	if sub != nil && (seen.kind != dir || seen.linked && !sub.linked && !sub.named.deep && sub.now.deep) {
		w.lose(sub)
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
		if !f.now.deep || seen.linked || w.ignored(path, true) {
			return
		}
		sub = newFolder(f, name, path)
		f.subs[name] = sub
	}
	if seen.linked != sub.linked {
		sub.linked = seen.linked
		w.unheard = append(w.unheard, f)
	}
	w.derive(sub)
	if sub.looked != w.round && (thorough || !sub.present || sub.changed() || sub.id != identityOf(seen.info)) {
		w.visit(sub, thorough)
	}
}

// visit compares a folder with the snapshot: its entries as far as they are wanted, and the folders below that are new.
// It is heard before it is read; in between, nothing can slip through.
func (w *Watcher) visit(f *folder, thorough bool) {
	if w.closing() {
		return
	}
	f.looked = w.round
	w.rearranged = true
	info, err := os.Stat(f.path)
	if err != nil && unlessGone(err) != nil {
		f.deafFor = err
		return
	}
	if err != nil || !info.IsDir() {
		w.lose(f)
		return
	}
	id := identityOf(info)
	if f.present && f.id != id {
		thorough = true
	}
	f.present, f.id = true, id

	w.hear(f, thorough)
	w.read(f, thorough)
	if heard := f.ear != nil; f.deafFor == nil && heard != w.wantsEar(f) {
		// What is missing below, or is not any more, was seen just now.
		w.hear(f, false)
		if !heard {
			w.read(f, false)
		}
	}
}

// read looks at the entries of a folder.
func (w *Watcher) read(f *folder, thorough bool) {
	var listed map[string]struct{}
	if f.now.all {
		names, err := namesIn(f.path)
		if err != nil {
			f.unread = true
			w.cannot(f, err)
			return // what is known of it stays
		}
		if f.unread {
			f.unread = false
			if f.ear != nil || !w.wantsEar(f) {
				w.cannot(f, nil)
			}
		}
		listed = make(map[string]struct{}, len(names))
		for _, name := range names {
			listed[name] = struct{}{}
			w.look(f, name, thorough)
		}
	}
	unless := func(name string) {
		if _, ok := listed[name]; !ok {
			w.look(f, name, thorough)
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

// lose notes that a folder is not there any more, nor is anything in it.
func (w *Watcher) lose(f *folder) {
	if !f.present {
		return
	}
	f.present, f.id = false, identity{}
	w.rearranged = true
	w.deaf(f)
	for name, old := range f.entries {
		w.draft.record(f.at(name), old, stamp{})
	}
	clear(f.entries)
	for name := range f.links {
		w.link(f, name, "")
	}
	for _, sub := range f.subs {
		w.lose(sub)
		if !sub.needed() {
			f.cut(sub)
		}
	}
	for _, l := range f.files {
		for who := range l.followers {
			w.queue(who.folder, who.name, false)
		}
	}
	if f.parent != nil {
		w.unheard = append(w.unheard, f.parent)
	}
}
