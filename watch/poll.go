package watch

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"time"
)

// polling checks files without events from the kernel, and, as a patrol, less often all others. After arrange, each
// folder that must be heard is in one of the two sweeps. One part of one sweep is out at a time. The results are
// suspicions, and the snapshot looks at them.
type polling struct {
	tree  *snapshot
	ears  *ears
	disks *disks
	out   *outlet

	scout  *scout
	errand errand

	polled   sweep
	heard    sweep // the patrol's
	arranged uint64
	told     map[group]*Problem
	recent   []place // the last changed of the polled files, the most recent first

	took       time.Duration // duration of the last part of the polled sweep
	ended      time.Time     // when that part ended
	openRounds uint64        // number of rounds when the batch was opened

	surprises map[place]struct{} // found by the patrol, and being looked at; otherwise nil
	clock     clock
}

// errand is the part that the scout is working on.
type errand struct {
	out   bool // not yet back
	since time.Time
	told  bool // a problem was reported: the disk does not answer
}

func newPolling(config Config, tree *snapshot, ears *ears, disks *disks, out *outlet) *polling {
	return &polling{
		tree: tree, ears: ears, disks: disks, out: out,
		scout:  newScout(),
		polled: pollSweep(cmp.Or(config.Poll, DefaultPoll)),
		heard:  sweep{round: patrolRound, step: patrolStep},
		clock:  clock{started: time.Now()},
	}
}

// reason returns how a folder that must be heard is watched.
func (p *polling) reason(f *folder) Reason {
	d := p.disks.of(f)
	switch {
	case p.ears.asked:
		return Asked
	case p.ears.probe.failed:
		return Silent
	case d.foreign:
		return Foreign
	case d.guilty:
		return Missed
	case f.deafFor != nil || f.ear == nil && f.present:
		if isLimit(f.deafFor) {
			return Limited
		}
		return Refused
	}
	return Heard
}

// arrange decides for each folder that must be heard whether to poll it or to leave it to the patrol. arrange walks
// through all folders, so arrange is not called for each change, but before the next part of a round.
func (p *polling) arrange() {
	p.tree.rearranged = false
	p.arranged++
	var polled, heard []*folder // the new ones
	var walk func(f *folder)
	walk = func(f *folder) {
		if f.present && p.ears.mustHear(f) {
			f.arranged = p.arranged
			switch is := p.reason(f) != Heard; {
			case f.swept && is == f.polled:
			case is:
				polled = append(polled, f)
			default:
				heard = append(heard, f)
			}
		}
		for _, sub := range f.subs {
			walk(sub)
		}
	}
	for _, root := range p.tree.roots {
		walk(root)
	}
	gone := func(f *folder) bool {
		if f.arranged != p.arranged {
			f.swept, f.polled = false, false
		}
		return !f.swept
	}
	for _, f := range polled {
		f.swept = false
	}
	for _, f := range heard {
		f.swept = false
	}
	p.polled.drop(gone)
	p.heard.drop(gone)
	for _, f := range polled {
		f.swept, f.polled = true, true
	}
	for _, f := range heard {
		f.swept, f.polled = true, false
	}
	p.polled.add(polled)
	p.heard.add(heard)
	p.recent = slices.DeleteFunc(p.recent, func(at place) bool { return !at.folder.polled })
	if len(p.recent) == 0 && len(polled) > 0 {
		p.recent = newest(polled)
	}
}

// problems arranges after a call of Watch, and returns the folders polled without the user's wish. These folders are
// part of Watch's result, and of no batch.
func (p *polling) problems() (all []Problem) {
	p.arrange()
	p.told = p.groups()
	for _, one := range p.told {
		all = append(all, *one)
	}
	return all
}

// group identifies the folders with one Problem in common.
type group struct {
	reason Reason
	disk   diskKey
	limit  string
}

// groups returns the polled folders as Problems, unless the user asked for polling. A folder refused by the kernel has
// its own Problem.
func (p *polling) groups() map[group]*Problem {
	groups := make(map[group]*Problem)
	for _, f := range p.polled.folders {
		way := p.way(f)
		key := group{reason: way.Reason}
		switch way.Reason {
		case Foreign, Missed:
			key.disk = diskKeyOf(f.path, f.id)
		case Limited:
			var limit *LimitError
			errors.As(way.Err, &limit)
			key.limit = limit.Name
			way.Disk = Disk{}
		case Silent:
			way.Disk = Disk{}
		default:
			continue
		}
		one := groups[key]
		if one == nil {
			one = &Problem{f.path, &PolledError{Way: way}}
			groups[key] = one
		}
		one.Path = min(one.Path, f.path)
		one.Err.(*PolledError).Folders++
	}
	return groups
}

// rearrange arranges, and reports folders polled from now on.
func (p *polling) rearrange(now time.Time) {
	p.arrange()
	groups := p.groups()
	p.tree.begin(now, now)
	for key, problem := range groups {
		if _, known := p.told[key]; !known {
			p.out.draft.report(*problem)
		}
	}
	p.told = groups
	p.tree.finish()
}

// newest returns the files with the latest modification times: the likeliest to change next.
func newest(folders []*folder) []place {
	type dated struct {
		place
		mtime int64
	}
	var files []dated
	for _, f := range folders {
		for name, s := range f.entries {
			if s.kind == file {
				files = append(files, dated{place{f, name}, s.mtime})
			}
		}
	}
	slices.SortFunc(files, func(a, b dated) int { return int(min(max(b.mtime-a.mtime, -1), 1)) })
	places := make([]place, 0, recentMost)
	for _, d := range files[:min(len(files), recentMost)] {
		places = append(places, d.place)
	}
	return places
}

// touched notes a change in a polled folder: the entry will be checked often.
func (p *polling) touched(f *folder, name string) {
	at := place{f, name}
	if i := slices.Index(p.recent, at); i >= 0 {
		p.recent = slices.Delete(p.recent, i, i+1)
	} else if len(p.recent) >= recentMost {
		p.recent = p.recent[:recentMost-1]
	}
	p.recent = slices.Insert(p.recent, 0, at)
}

// wanted reports whether something must be polled now, or as soon as the scout is back.
func (p *polling) wanted() bool {
	return (len(p.polled.folders) > 0 || p.tree.rearranged) && !p.errand.out
}

// due returns when the next part of the round is due. While a batch is open, parts follow each other quickly, and cheap
// parts more quickly.
func (p *polling) due() time.Time {
	if p.out.window.open() {
		return p.ended.Add(min(max(stepOpen, 4*p.took), p.polled.step))
	}
	return p.ended.Add(p.polled.step)
}

// poll gives the scout the last changed files, and the next part of the round. While a batch is open, the part is the
// whole round, in as many parts as needed, because more files may have changed.
func (p *polling) poll(now time.Time) {
	if p.tree.rearranged {
		p.rearrange(now)
	}
	if len(p.polled.folders) == 0 {
		p.ended = now
		return
	}
	part := p.polled.part(p.out.window.open(), now)
	p.send(job{&p.polled, append(glancesAt(p.recent), part...)})
}

func (p *polling) send(j job) {
	p.errand.out, p.errand.since = true, time.Now()
	p.scout.jobs <- j // the scout is waiting: there is one job at a time
}

// back handles the scout's finding.
func (p *polling) back(found finding, now time.Time) {
	p.errand.out, p.errand.told = false, false
	for f, touched := range found.listed {
		f.listed = touched
	}
	if found.of == &p.heard {
		p.patrolled(found, now)
		return
	}
	p.ended, p.took = now, found.took
	p.polled.done(found.rest, now)
	wasOpen := p.out.window.open()
	p.looks(found.suspects)
	if p.out.window.open() && !wasOpen {
		p.polled.anew()
		p.openRounds = p.polled.rounds
	}
	if p.out.window.open() && p.polled.rounds == p.openRounds {
		p.out.window.touch(now) // the rest of the round belongs to the same batch: its files were saved together
	}
}

func (p *polling) looks(suspects []place) {
	if len(suspects) == 0 {
		return
	}
	p.tree.beginNow()
	for _, at := range suspects {
		p.tree.queue(at.folder, at.name, false)
	}
	p.tree.finish()
}

// beat is called every patrolStep.
func (p *polling) beat(now instant) {
	if slept(p.clock.beat, now) {
		// The machine slept, or this process was stopped: other machines may have written files, and folders may have
		// moved.
		p.tree.lookAtAll()
	}
	p.clock.beat = now
	if at := p.scout.at.Load(); p.errand.out && at != nil && time.Since(p.errand.since) > answerMost && !p.errand.told {
		p.errand.told = true // reported once, until the disk answers
		p.tree.beginNow()
		p.out.draft.report(Problem{*at, errNoAnswer})
		p.tree.finish()
	}
	if len(p.heard.folders) > 0 && p.heard.round > 0 && !p.errand.out {
		p.send(job{&p.heard, p.heard.part(false, now.wall)})
	}
}

// patrolled handles changes found by the patrol before a report of the kernel.
func (p *polling) patrolled(found finding, now time.Time) {
	p.heard.done(found.rest, now)
	if len(found.suspects) == 0 {
		return
	}
	p.tree.suspect(p.ears.pump.flush()) // the event may have come meanwhile
	p.surprises = make(map[place]struct{}, len(found.suspects))
	for _, at := range found.suspects {
		p.surprises[at] = struct{}{}
	}
	p.looks(found.suspects)
	p.surprises = nil
}

// changed is called for each found difference.
func (p *polling) changed(f *folder, name string, now stamp) {
	if f.polled && now.kind == file {
		p.touched(f, name)
	}
	if p.surprises != nil {
		p.surprised(f, name, now)
	}
}

// surprised is called if the patrol was the first to notice a change. After several such changes, the events of this
// disk are not trusted any more.
func (p *polling) surprised(f *folder, name string, now stamp) {
	if _, ok := p.surprises[place{f, name}]; !ok || f.ear == nil || f.polled {
		return
	}
	changed := max(now.mtime, now.ctime)
	if now.kind != file { // now a folder, or gone: only the folder above knows the time
		info, err := os.Stat(f.path)
		if err != nil {
			return
		}
		changed = info.ModTime().UnixNano()
	} else if !now.hashed {
		return // maybe only touched, and events of attributes alone are ignored
	}
	if time.Now().UnixNano()-changed < int64(lateMost) {
		return
	}
	d := p.disks.of(f)
	d.missed[f.at(name)] = struct{}{}
	if len(d.missed) >= missedMost && !d.guilty {
		d.guilty = true
		p.tree.rearranged = true
	}
}

// clock notices a time when this process did not run.
type clock struct {
	started time.Time
	beat    instant // the last beat
}

// instant is a time on two clocks: the wall clock, and a clock that stands still while the machine sleeps (Linux,
// macOS).
type instant struct {
	wall      time.Time
	monotonic time.Duration
}

func (c *clock) begin() { c.beat = c.read() }

// read reads both clocks.
func (c *clock) read() instant {
	now := time.Now()
	return instant{now.Round(0), now.Sub(c.started)}
}

// slept compares two beats and reports whether the machine slept, or this process was stopped, in between. Then the
// clocks disagree, or the beat came late. A changed wall clock looks the same, and costs one look at everything.
func slept(before, now instant) bool {
	const tolerance = 2 * time.Second // smaller corrections of the wall clock are normal
	const late = 10 * time.Second     // a busy machine is less late
	beats := now.monotonic - before.monotonic
	apart := now.wall.Sub(before.wall) - beats
	return apart > tolerance || apart < -tolerance || beats > patrolStep+late
}
