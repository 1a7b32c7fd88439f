package watch

import (
	"fmt"
	"time"
)

// snapshot compares the tree with the disk, in rounds: begin, looks, finish. Between rounds the tree is the consumer's
// knowledge plus the draft; nothing is queued, and every node has a purpose.
type snapshot struct {
	tree
	ears   *ears
	out    *outlet
	reader *reader
	stop   <-chan struct{} // closed: a long look must stop

	// changed is called for each recorded difference.
	changed func(f *folder, name string, now stamp)

	// rearranged: polling.arrange must run again, because other folders must be heard, or in another way.
	rearranged bool

	// The current round:
	round       uint64    // its number
	first, last time.Time // when its reason was noticed
	answering   bool      // a call of Watch or SetIgnored: unwatchable folders are part of its result
	todo        []suspicion
	seen        map[suspicion]struct{}
	unheard     []*folder // perhaps to be watched now
	unpruned    bool      // a node may have lost its purpose
}

func newSnapshot(config Config, ears *ears, out *outlet, stop <-chan struct{}) *snapshot {
	return &snapshot{
		tree: newTree(config.Ignored), ears: ears, out: out, reader: newReader(), stop: stop,
		seen: make(map[suspicion]struct{}),
	}
}

// watch replaces the watched Set, and returns the unwatchable paths.
func (s *snapshot) watch(set Set) []Problem {
	s.beginNow()
	s.answering = true
	list := s.wish(set)
	for _, root := range s.roots {
		s.reconcile(root)
	}
	s.finish()
	for _, root := range s.roots {
		list = problems(root, list)
	}
	return list
}

// setIgnored replaces the rules, and looks at everything.
func (s *snapshot) setIgnored(ignored func(path string, folder bool) bool) {
	s.beginNow()
	s.answering = true
	s.ignored = orNothing(ignored)
	s.markAll()
	s.finish()
}

func (s *snapshot) lookAtAll() {
	s.beginNow()
	s.markAll()
	s.finish()
}

// suspect looks at the paths collected by the pump.
func (s *snapshot) suspect(heard suspects) {
	if len(heard.folders) > 0 && s.ears.probe.passed() {
		s.rearranged = true
	}
	s.begin(heard.first, heard.last)
	if heard.all {
		s.markAll()
	}
	for path, m := range heard.folders {
		if e := s.ears.byPath[path]; e != nil {
			for _, f := range e.folders {
				if m.whole {
					s.mark(f, true)
				}
				for name := range m.names {
					s.queue(f, name, false)
				}
			}
		}
		for name, replaced := range m.names {
			if !replaced {
				continue
			}
			// A watched folder was created, moved or removed: its watch may have ended, and the watches below may
			// belong to a folder now elsewhere.
			if e := s.ears.byPath[joined(path, name)]; e != nil {
				for _, f := range e.folders {
					s.mark(f, true)
				}
			}
		}
	}
	if heard.overflow {
		s.out.draft.overflow = true
	}
	if heard.broken != nil {
		s.out.draft.report(Problem{"", fmt.Errorf("%w: %w", errEvents, heard.broken)})
	}
	s.finish()
}

func (s *snapshot) markAll() {
	for _, root := range s.roots {
		s.mark(root, true)
	}
}

// begin and finish enclose a round of looks. first and last are when the reason of the round was noticed.
func (s *snapshot) begin(first, last time.Time) {
	s.round++
	s.first, s.last = first, last
	s.ears.begin()
	clear(s.seen)
}

// beginNow begins a round without another reason than the time.
func (s *snapshot) beginNow() { s.begin(time.Now(), time.Now()) }

func (s *snapshot) finish() {
	s.work()
	for prune := s.answering || s.unpruned; prune; prune = s.unpruned {
		s.unpruned = false
		for _, root := range s.roots {
			s.prune(root)
		}
		s.work()
	}
	if s.answering {
		s.tree.settle()
		s.answering = false
	}
	if s.ears.roomAgain() {
		s.ears.freed = false
		for _, root := range s.roots {
			s.retry(root)
		}
		s.work()
	}
	s.out.publish(s.first, s.last)
}

// retry makes the kernel watch folders below f refused by a limit, until the limit is reached again: during a round,
// some folders are watched only for a moment. The result is false when the limit is reached.
func (s *snapshot) retry(f *folder) bool {
	if isLimit(f.deafFor) && f.present {
		if s.visit(f, false); isLimit(f.deafFor) {
			return false
		}
	}
	for _, sub := range f.subs {
		if !s.retry(sub) {
			return false
		}
	}
	return true
}

// prune removes the nodes below f without a purpose, and reports whether f has a purpose.
func (s *snapshot) prune(f *folder) bool {
	for _, sub := range f.subs {
		if !s.prune(sub) {
			s.deaf(sub)
			for name := range sub.links {
				s.link(sub, name, "")
			}
			f.cut(sub)
		}
	}
	return f.now.all || f.needed()
}

// reconcile looks at the folders below f for which the request has changed, and at those without a watch. Other folders
// need no look: their events still come.
func (s *snapshot) reconcile(f *folder) {
	s.derive(f)
	if f.looked != s.round && (f.changed() || f.deafFor != nil || f.present && s.ears.wants(f) != (f.ear != nil)) {
		s.mark(f, false)
		s.work()
	}
	for name, l := range f.files {
		if !l.named && len(l.followers) == 0 {
			delete(f.files, name)
		}
	}
	for _, sub := range f.subs {
		s.reconcile(sub)
	}
}

// hear makes the kernel watch a folder. With again, the folder may have been away, and its watch may be gone.
func (s *snapshot) hear(f *folder, again bool) {
	lost, tried, err := s.ears.hear(f, again)
	s.lost(lost)
	if tried {
		s.cannot(f, err)
	}
}

// deaf ends the watch of one node.
func (s *snapshot) deaf(f *folder) {
	if f.ear != nil {
		s.rearranged = true
		s.lost(s.ears.deaf(f))
	}
}

// lost looks at nodes after the loss of their watch.
func (s *snapshot) lost(folders []*folder) {
	for _, f := range folders {
		s.mark(f, true)
	}
}

// cannot notes why a folder is not watched; nil: the folder is watched. A folder gone just now is no problem: the
// folder above reports the removal.
func (s *snapshot) cannot(f *folder, err error) {
	if err != nil && unlessGone(err) == nil {
		err = nil
	}
	known := f.deafFor != nil
	f.deafFor = nil
	if err == nil {
		return
	}
	f.deafFor = s.ears.limited(err)
	if !known && !s.answering && f.wanted() && !isLimit(f.deafFor) {
		s.out.draft.report(Problem{f.path, f.deafFor})
	}
}

// closing reports whether a long look must stop.
func (s *snapshot) closing() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}
