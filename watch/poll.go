package watch

import (
	"errors"
	"os"
	"slices"
	"time"
)

// reason says how a folder that must be heard is watched.
func (w *Watcher) reason(f *folder) Reason {
	d := w.disk(f)
	switch {
	case w.asked:
		return Asked
	case w.probe.failed:
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

// arrange decides for every folder that must be heard whether it is polled or the patrol suffices. It walks through all of
// them, so it is not called at each change, but before the next part of a round.
func (w *Watcher) arrange() {
	w.rearranged = false
	w.arranged++
	var polled, heard []*folder // that were not
	var walk func(f *folder)
	walk = func(f *folder) {
		if f.present && w.mustHear(f) {
			f.arranged = w.arranged
			switch is := w.reason(f) != Heard; {
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
	for _, root := range w.roots {
		walk(root)
	}
	gone := func(f *folder) bool {
		if f.arranged != w.arranged {
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
	w.polled.drop(gone)
	w.heard.drop(gone)
	for _, f := range polled {
		f.swept, f.polled = true, true
	}
	for _, f := range heard {
		f.swept, f.polled = true, false
	}
	w.polled.add(polled)
	w.heard.add(heard)
	w.recent = slices.DeleteFunc(w.recent, func(p place) bool { return !p.folder.polled })
	if len(w.recent) == 0 && len(polled) > 0 {
		w.recent = newest(polled)
	}
}

// group is what has one Problem together.
type group struct {
	reason Reason
	disk   diskKey
	limit  string
}

// groups are the folders that are polled though nobody asked for it, as Problems. A folder that the kernel refuses has
// one of its own.
func (w *Watcher) groups() map[group]*Problem {
	groups := make(map[group]*Problem)
	for _, f := range w.polled.folders {
		way := w.way(f)
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
		p := groups[key]
		if p == nil {
			p = &Problem{f.path, &PolledError{Way: way}}
			groups[key] = p
		}
		p.Path = min(p.Path, f.path)
		p.Err.(*PolledError).Folders++
	}
	return groups
}

// rearrange arranges, and tells what is polled now and was not.
func (w *Watcher) rearrange(now time.Time) {
	w.arrange()
	groups := w.groups()
	w.begin(now, now)
	for key, p := range groups {
		if _, known := w.told[key]; !known {
			w.draft.report(*p)
		}
	}
	w.told = groups
	w.finish()
}

// newest are the files that were modified last: they are likely to be the next.
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

// touched notes that an entry of a polled folder has changed: it will be looked at often.
func (w *Watcher) touched(f *folder, name string) {
	p := place{f, name}
	if i := slices.Index(w.recent, p); i >= 0 {
		w.recent = slices.Delete(w.recent, i, i+1)
	} else if len(w.recent) >= recentMost {
		w.recent = w.recent[:recentMost-1]
	}
	w.recent = slices.Insert(w.recent, 0, p)
}

// polling tells whether something is to be polled now, or as soon as the scout is back.
func (w *Watcher) polling() bool {
	return (len(w.polled.folders) > 0 || w.rearranged) && !w.scoutIsOut
}

// pollDue is when the next part of the round is due. While a batch is open it is soon, and the more so the cheaper it is.
func (w *Watcher) pollDue() time.Time {
	if w.window.open() {
		return w.pollEnded.Add(min(max(stepOpen, 4*w.pollTook), w.polled.step))
	}
	return w.pollEnded.Add(w.polled.step)
}

// poll sends the scout to the files that changed last, and to the next part of the round. While a batch is open that is all
// of the round, in as many parts as it takes: where something has changed, more may have, or will.
func (w *Watcher) poll(now time.Time) {
	if w.rearranged {
		w.rearrange(now)
	}
	if len(w.polled.folders) == 0 {
		w.pollEnded = now
		return
	}
	part := w.polled.part(w.window.open(), now)
	w.send(job{&w.polled, append(glancesAt(w.recent), part...)})
}

func (w *Watcher) send(j job) {
	w.scoutIsOut, w.sent = true, time.Now()
	w.scout.jobs <- j // it waits for it: there is one job at a time
}

// back takes what the scout has found.
func (w *Watcher) back(found finding, now time.Time) {
	w.scoutIsOut, w.silentDisk = false, false
	for f, touched := range found.listed {
		f.listed = touched
	}
	if found.of == &w.heard {
		w.patrolled(found, now)
		return
	}
	w.pollEnded, w.pollTook = now, found.took
	w.polled.done(found.rest, now)
	wasOpen := w.window.open()
	w.looks(found.suspects)
	if w.window.open() && !wasOpen {
		w.polled.anew()
		w.openRounds = w.polled.rounds
	}
	if w.window.open() && w.polled.rounds == w.openRounds {
		w.window.touch(now) // what the rest of the round finds belongs to it: it was saved together
	}
}

func (w *Watcher) looks(suspects []place) {
	if len(suspects) == 0 {
		return
	}
	now := time.Now()
	w.begin(now, now)
	for _, p := range suspects {
		w.queue(p.folder, p.name, false)
	}
	w.finish()
}

// beat is called every patrolStep.
func (w *Watcher) beat(now instant) {
	if slept(w.lastBeat, now) {
		// The machine, or this process, was away: a disk may have been written to by somebody else, and folders moved.
		w.begin(time.Now(), time.Now())
		w.markAll()
		w.finish()
	}
	w.lastBeat = now
	if at := w.scout.at.Load(); w.scoutIsOut && at != nil && time.Since(w.sent) > answerMost && !w.silentDisk {
		w.silentDisk = true // said once, until it answers
		w.begin(time.Now(), time.Now())
		w.draft.report(Problem{*at, errNoAnswer})
		w.finish()
	}
	if len(w.heard.folders) > 0 && w.heard.round > 0 && !w.scoutIsOut {
		w.send(job{&w.heard, w.heard.part(false, now.wall)})
	}
}

// patrolled takes what was found where the kernel should have told of it.
func (w *Watcher) patrolled(found finding, now time.Time) {
	w.heard.done(found.rest, now)
	if len(found.suspects) == 0 {
		return
	}
	w.suspect(w.pump.flush()) // perhaps it has
	w.surprises = make(map[place]struct{}, len(found.suspects))
	for _, p := range found.suspects {
		w.surprises[p] = struct{}{}
	}
	w.looks(found.suspects)
	w.surprises = nil
}

// surprised is called when an entry has changed and the patrol was the first to see it. Enough of that, and the events of
// the disk are not trusted any more.
func (w *Watcher) surprised(f *folder, name string, now stamp) {
	if _, ok := w.surprises[place{f, name}]; !ok || f.ear == nil || f.polled {
		return
	}
	changed := max(now.mtime, now.ctime)
	if now.kind != file { // it came as a folder, or went: the folder tells when
		info, err := os.Stat(f.path)
		if err != nil {
			return
		}
		changed = info.ModTime().UnixNano()
	} else if !now.hashed {
		return // it may have been touched, of which events are not heeded
	}
	if time.Now().UnixNano()-changed < int64(lateMost) {
		return
	}
	d := w.disk(f)
	d.missed[f.at(name)] = struct{}{}
	if len(d.missed) >= missedMost && !d.guilty {
		d.guilty = true
		w.rearranged = true
	}
}

// instant is a time on both clocks: the one on the wall, and the one that stands still while the machine sleeps (on Linux
// and macOS).
type instant struct {
	wall      time.Time
	monotonic time.Duration
}

// clock reads both clocks.
func (w *Watcher) clock() instant {
	now := time.Now()
	return instant{now.Round(0), now.Sub(w.started)}
}

// slept tells from two beats whether the machine was suspended, or this process stopped, in between. Either the clocks
// disagree, or the beat came late. A wall clock that was set looks the same, and costs one look at everything.
func slept(before, now instant) bool {
	const tolerance = 2 * time.Second // the clock on the wall is corrected by less
	const late = 10 * time.Second     // a busy machine is sooner
	beats := now.monotonic - before.monotonic
	apart := now.wall.Sub(before.wall) - beats
	return apart > tolerance || apart < -tolerance || beats > patrolStep+late
}
