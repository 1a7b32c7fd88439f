package watch

import (
	"os"
	"sync/atomic"
	"time"
)

const (
	// DefaultPoll is how long one round through all polled files takes, if the disk is fast enough. On average, a
	// change of a file without recent changes is noticed after half a round. (esbuild takes 2 s.) Felt right, not
	// measured.
	DefaultPoll = time.Second

	// stepMost and stepLeast limit the time between two parts of a round. Each part includes the last changed files, so
	// a save of such a file waits no longer than a step. 100 ms is esbuild's number, too.
	stepMost, stepLeast = 100 * time.Millisecond, 10 * time.Millisecond

	// stepOpen is the step while a batch is open, if the disk is fast. The step shows a growing file in time, so that
	// the batch is not settled with half a file. A third of DefaultQuiet.
	stepOpen = 15 * time.Millisecond

	// partMost is how long one part of a round may take; the rest waits for the next part. So polling takes no more
	// than a tenth of the time, however many files there are and however slow the disk is: the round takes longer
	// instead.
	partMost = 10 * time.Millisecond

	// recentMost is how many of the last changed files are checked in each step. esbuild's number.
	recentMost = 16

	// patrolRound is the duration of a round through the folders with events. The patrol finds changes without an
	// event: a moved folder high above, and disks with unreliable events. For 2,000 files the patrol costs half a
	// millisecond per patrolStep.
	patrolRound, patrolStep = time.Minute, 5 * time.Second

	// lateMost is how old a change without an event must be before its event counts as missing: a younger event may
	// still come.
	lateMost = 5 * time.Second

	// answerMost is how long a disk may take to answer before the delay is reported. Changes on other disks are noticed
	// meanwhile.
	answerMost = 10 * time.Second

	// missedMost is how many files must have changed without an event before the events of their disk are not trusted
	// any more. One is not enough: writing through mmap(2) causes no event on any disk.
	missedMost = 3
)

// place is an entry of a folder in the snapshot; the name "" is the folder itself.
type place struct {
	folder *folder
	name   string
}

// sweep goes through folders again and again, a part at a time. A sweep has no clock and no effects.
type sweep struct {
	round, step time.Duration

	folders []*folder
	next    int
	units   int      // looks in a round: one for each folder, one for each entry
	rest    []glance // of the previous part, after its time
	rounds  uint64   // number of finished rounds

	began time.Time     // start of this round
	took  time.Duration // the longer of the last two finished rounds
	last  time.Duration
}

func pollSweep(round time.Duration) sweep {
	return sweep{round: round, step: min(max(round/10, stepLeast), stepMost)}
}

// drop removes folders, and add appends others at the end. The round continues at its place.
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

// part returns the next glances: enough to keep the round's pace or, with all, the rest of the round.
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

// done notes the rest of the last part.
func (s *sweep) done(rest []glance, now time.Time) {
	s.rest = rest
	if s.next >= len(s.folders) && len(rest) == 0 {
		s.rounds++
		s.next = 0
		s.last, s.took = now.Sub(s.began), max(s.last, now.Sub(s.began))
	}
}

// takes returns the longest time until a change is noticed.
func (s *sweep) takes() time.Duration { return max(s.round, s.took) }

// glance is a part of a folder from the snapshot, to compare with the disk. The scout does not use folder itself, only
// returns it.
type glance struct {
	folder *folder
	path   string
	id     identity
	known  []entry
	list   bool  // look for other names; otherwise only if the folder was modified
	since  int64 // the folder's modification time when its names were read last (a tick's later changes wait)
	names  bool  // other names matter
	unread bool  // its names could not be read
	doubt  bool  // an entry written just before its last look counts as different
	recent bool  // check the entry even when the time is over
	polled bool  // the disk may belong to a server, so ask the server and not the kernel's cache
}

// entry is a name with its stamp; kind none: not there.
type entry struct {
	name   string
	stamp  stamp
	linked bool
}

// glanceAt returns a glance at a whole folder.
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

// glancesAt returns glances at the last changed files, and at the names beside them.
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

// finding is the result of the scout's work.
type finding struct {
	of       *sweep // the sweep of this part
	suspects []place
	listed   map[*folder]int64 // the modification times of the folders with names read
	rest     []glance          // glances for which no time was left
	took     time.Duration
}

// job is work for the scout.
type job struct {
	of      *sweep // only returned
	glances []glance
}

// scout compares glances with the disk on its own goroutine, so a disk that does not answer (a lost server) delays
// nothing else. The scout draws no conclusions: a difference is a suspicion, like an event.
type scout struct {
	jobs  chan job
	found chan finding
	at    atomic.Pointer[string] // the folder that the scout is looking at
}

func newScout() *scout {
	// The owner has one job out at a time, so neither side ever waits for the other.
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

// glance compares one glance with the disk. If the time is over too early, glance returns the rest.
func (found *finding) glance(g glance, over func() bool) (rest glance, more bool) {
	suspect := func(name string) { found.suspects = append(found.suspects, place{g.folder, name}) }
	if g.polled {
		refresh(g.path)
	}
	info, err := os.Stat(g.path)
	switch {
	case err != nil && unlessGone(err) != nil:
		return glance{}, false // unknown: the entry stays as it was
	case err != nil || !info.IsDir() || identityOf(info) != g.id:
		suspect("")
		return glance{}, false
	}
	touched := info.ModTime().UnixNano()
	switch {
	case g.names && !g.list && g.since != touched:
		suspect("") // read the folder to find new and removed names
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

// differs reports whether an entry may have changed, without a read of the content.
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
		return true // the owner follows links; there are few
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
