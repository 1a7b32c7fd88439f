package watch

import (
	"os"
	"sync/atomic"
	"time"
)

const (
	// DefaultPoll is how long it takes to look at everything that is polled, once, if the disk is fast enough. In the mean
	// a change of a file that nobody touched lately is seen after half of it. (esbuild takes 2 s.) Felt right, not measured.
	DefaultPoll = time.Second

	// stepMost and stepLeast bound the time from one part of a round to the next. The files that changed last are looked
	// at in each: whoever saves the file at hand waits no longer than that. 100 ms is esbuild's number too.
	stepMost, stepLeast = 100 * time.Millisecond, 10 * time.Millisecond

	// stepOpen is the step while a batch is open, if the disk is fast: a file that is being written is seen to grow, so
	// that the batch is not settled with half of it. A third of DefaultQuiet.
	stepOpen = 15 * time.Millisecond

	// partMost is how long one part of a round may take; what is left waits for the next. So no more than a tenth of the
	// time goes into polling, however many files there are, and however slow the disk is: the round takes longer.
	partMost = 10 * time.Millisecond

	// recentMost is how many of the files that changed last are looked at in each step. esbuild's number.
	recentMost = 16

	// patrolRound is the round of what is heard. It finds what no event tells of: a folder high above that was moved, and
	// disks whose events cannot be trusted. For 2,000 files it costs half a millisecond each patrolStep.
	patrolRound, patrolStep = time.Minute, 5 * time.Second

	// lateMost is how old a change must be, when it is found without an event, to say that its event did not come: it was
	// not just on its way.
	lateMost = 5 * time.Second

	// answerMost is how long a disk may take to answer until that is told. What others have is seen all the same.
	answerMost = 10 * time.Second

	// missedMost is how many files must have changed without an event until the events of their disk are not trusted. One
	// is not enough: what is written through mmap(2) makes no event on any disk.
	missedMost = 3
)

// place is an entry of a folder in the snapshot; name "" is the folder itself.
type place struct {
	folder *folder
	name   string
}

// sweep goes round folders, a part at a time, for ever. It has no clock and no effects.
type sweep struct {
	round, step time.Duration

	folders []*folder
	next    int
	units   int      // looks in a round: one for each folder, one for each entry
	rest    []glance // of the part before, which was not finished in its time
	rounds  uint64   // that are finished

	began time.Time     // of this round
	took  time.Duration // the longest of the last two rounds that are finished
	last  time.Duration
}

func pollSweep(round time.Duration) sweep {
	return sweep{round: round, step: min(max(round/10, stepLeast), stepMost)}
}

// drop takes folders off, and add puts others at the end. The round goes on where it was.
func (s *sweep) drop(gone func(*folder) bool) {
	kept := s.folders[:0]
	next := s.next
	for i, f := range s.folders {
		if !gone(f) {
			kept = append(kept, f)
		} else if i < s.next {
			next--
		}
	}
	clear(s.folders[len(kept):])
	s.folders, s.next = kept, next
}

func (s *sweep) add(folders []*folder) { s.folders = append(s.folders, folders...) }

// anew begins another round.
func (s *sweep) anew() { s.next, s.rest = 0, nil }

func unitsOf(f *folder) int { return 1 + len(f.entries) + len(f.files) }

// part returns what is to be looked at next: as much as makes a round last as long as it should, or (all) all that is
// left of the round.
func (s *sweep) part(all bool, now time.Time) []glance {
	if s.next == 0 && len(s.rest) == 0 {
		s.began = now
		s.units = 0
		for _, f := range s.folders {
			s.units += unitsOf(f)
		}
	}
	glances, units := s.rest, 0
	for _, g := range glances {
		units += 1 + len(g.known)
	}
	s.rest = nil
	quota := int((int64(s.units)*int64(s.step) + int64(s.round) - 1) / int64(s.round))
	for ; s.next < len(s.folders) && (all || units < quota); s.next++ {
		f := s.folders[s.next]
		glances = append(glances, glanceAt(f))
		units += unitsOf(f)
	}
	return glances
}

// done notes what is left of the last part.
func (s *sweep) done(rest []glance, now time.Time) {
	s.rest = rest
	if s.next >= len(s.folders) && len(rest) == 0 {
		s.rounds++
		s.next = 0
		s.last, s.took = now.Sub(s.began), max(s.last, now.Sub(s.began))
	}
}

// takes is how long it may take until a change is seen.
func (s *sweep) takes() time.Duration { return max(s.round, s.took) }

// glance is some of a folder as it is in the snapshot, to be compared with the disk. The scout only hands back the folder.
type glance struct {
	folder *folder
	path   string
	id     identity
	known  []entry
	list   bool  // are there other names? Otherwise only if the folder was touched since
	since  int64 // its modification time when its names were read last; what came within the same tick waits for the round
	names  bool  // other names matter
	unread bool  // its names could not be read
	doubt  bool  // what was written just before it was looked at last counts as different
	recent bool  // it is looked at, whatever the time
	polled bool  // the disk may belong to a server, whose word counts and not the kernel's memory
}

// entry is a name and what was known of it; kind none: nothing was there.
type entry struct {
	name   string
	stamp  stamp
	linked bool
}

// glanceAt is a glance at all of a folder.
func glanceAt(f *folder) glance {
	g := glance{
		folder: f, path: f.path, id: f.id, unread: f.unread,
		names: f.now.all, list: true, doubt: true, polled: f.polled,
		known: make([]entry, 0, len(f.entries)+len(f.files)),
	}
	for name, s := range f.entries {
		g.known = append(g.known, entry{name, s, f.links[name] != ""})
	}
	if f.now.all {
		return g
	}
	missing := func(name string) {
		if _, ok := f.entries[name]; !ok {
			g.known = append(g.known, entry{name, stamp{}, f.links[name] != ""})
		}
	}
	for name := range f.files {
		missing(name)
	}
	for name, sub := range f.subs {
		if !sub.present {
			missing(name)
		}
	}
	return g
}

// glancesAt are glances at the files that changed last, and at whether something came or went beside them.
func glancesAt(places []place) (glances []glance) {
	index := make(map[*folder]int)
	for _, p := range places {
		f := p.folder
		i, ok := index[f]
		if !ok {
			i = len(glances)
			index[f] = i
			glances = append(glances, glance{folder: f, path: f.path, id: f.id, unread: f.unread,
				names: f.now.all, since: f.listed, recent: true, polled: true})
		}
		g := &glances[i]
		if s, ok := f.entries[p.name]; ok {
			g.known = append(g.known, entry{p.name, s, f.links[p.name] != ""})
		}
	}
	return glances
}

// finding is what the scout has found.
type finding struct {
	of       *sweep // whose part it was
	suspects []place
	listed   map[*folder]int64 // the modification times of the folders whose names were read
	rest     []glance          // what the time did not suffice for
	took     time.Duration
}

// job is work for the scout.
type job struct {
	of      *sweep // only handed back
	glances []glance
}

// scout compares glances with the disk on a goroutine of its own: a disk that does not answer, as that of a server that has
// gone, holds up nobody else. It concludes nothing; what looks different is a suspicion like an event.
type scout struct {
	jobs  chan job
	found chan finding
	at    atomic.Pointer[string] // the folder that it looks at
}

func newScout() *scout {
	// The owner has one job out at a time, so that neither side ever waits for the other.
	return &scout{jobs: make(chan job, 1), found: make(chan finding, 1)}
}

// run ends when jobs is closed and the disk has answered.
func (s *scout) run() {
	for j := range s.jobs {
		s.found <- j.run(func(folder string) { s.at.Store(&folder) })
	}
}

func (j job) run(at func(folder string)) finding {
	start := time.Now()
	found := finding{of: j.of, listed: make(map[*folder]int64)}
	over := func() bool { return time.Since(start) > partMost }
	for i, g := range j.glances {
		if over() && !g.recent {
			found.rest = j.glances[i:]
			break
		}
		at(g.path)
		if rest, ok := found.glance(g, over); ok {
			found.rest = append([]glance{rest}, j.glances[i+1:]...)
			break
		}
	}
	found.took = time.Since(start)
	return found
}

// glance compares one glance with the disk. If the time is over before it is done, it returns what is left of it.
func (found *finding) glance(g glance, over func() bool) (rest glance, more bool) {
	suspect := func(name string) { found.suspects = append(found.suspects, place{g.folder, name}) }
	if g.polled {
		refresh(g.path)
	}
	info, err := os.Stat(g.path)
	switch {
	case err != nil && unlessGone(err) != nil:
		return glance{}, false // nobody can tell: it is as it was
	case err != nil || !info.IsDir() || identityOf(info) != g.id:
		suspect("")
		return glance{}, false
	}
	touched := info.ModTime().UnixNano()
	switch {
	case g.names && !g.list && g.since != touched:
		suspect("") // read it, to see what came or went
		found.listed[g.folder] = touched
	case g.names && g.list:
		names, err := namesIn(g.path)
		if err != nil {
			if !g.unread {
				suspect("")
			}
			break
		}
		if g.unread {
			suspect("")
		}
		found.listed[g.folder] = touched
		strange := make(map[string]struct{}, len(names))
		for _, name := range names {
			strange[name] = struct{}{}
		}
		for _, e := range g.known {
			delete(strange, e.name)
		}
		for name := range strange {
			suspect(name)
		}
	}
	for i, e := range g.known {
		if i%16 == 15 && !g.recent && over() {
			g.known, g.list, g.names = g.known[i:], false, false
			return g, true
		}
		if differs(g, e) {
			suspect(e.name)
		}
	}
	return glance{}, false
}

// differs tells whether an entry may not be what it was. It reads no content.
func differs(g glance, e entry) bool {
	path := joined(g.path, e.name)
	if g.polled {
		refresh(path)
	}
	at := time.Now()
	info, err := os.Lstat(path)
	if err != nil {
		return unlessGone(err) == nil && e.stamp.kind != none
	}
	switch {
	case e.linked || info.Mode()&os.ModeSymlink != 0:
		return true // to follow it is the owner's; there are few
	case info.IsDir():
		return e.stamp.kind != dir
	case !info.Mode().IsRegular():
		return e.stamp.kind != none
	case e.stamp.kind != file:
		return true
	}
	now, old := metadata(info, at), e.stamp
	if old.fresh && !g.doubt {
		old.fresh = false
	}
	return !old.untouched(now)
}
