package runner

import (
	"path/filepath"
	"slices"
	"time"
)

// patience slows down endless replacements: at their start, workers change a file, are replaced for the change, and
// hotreload cannot see who made the change. No save is dropped. The replacement waits until the files were quiet for a
// while, longer each time. patience has no clock.
type patience struct {
	paths []string  // files of the last replacement, if only for files read by workers
	at    time.Time // when the workers were replaced, or served
	quick int       // how often in a row a file of the same folder has changed just after at
}

const (
	// suspicious is the time after a replacement within which new workers write files at their start. A person who saves
	// again and again may be as quick. Felt right, not measured.
	suspicious = 500 * time.Millisecond

	// The required quiet, from the third replacement in a row, doubles each time. After three saves within a second, the
	// last one takes effect a second later.
	firstPatience = time.Second
	mostPatience  = 30 * time.Second
)

// replaced notes a replacement for these files; no files means another reason.
func (p *patience) replaced(paths []string, now time.Time) {
	p.paths, p.at = paths, now
	if len(paths) == 0 {
		p.quick = 0
	}
}

// served notes the time when the new workers are ready.
func (p *patience) served(now time.Time) { p.at = now }

// wait returns how long the files have to be quiet before workers are replaced. The files changed at the given time.
func (p *patience) wait(paths []string, changed time.Time) time.Duration {
	if !p.again(paths) || changed.Sub(p.at) >= suspicious {
		p.quick = 0
		return 0
	}
	if p.quick++; p.quick < 2 {
		return 0
	}
	return min(firstPatience<<min(p.quick-2, 10), mostPatience)
}

// again reports whether one of the files is in the folder of a file of the last replacement: names may be random.
func (p *patience) again(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		return slices.ContainsFunc(p.paths, func(last string) bool { return filepath.Dir(last) == filepath.Dir(path) })
	})
}

// postponed is a replacement waiting until its files are quiet.
type postponed struct {
	paths   []string
	effects []Effect
	began   time.Time
	quiet   time.Duration
	timer   *time.Timer
}

// due returns a channel for the end of the wait; nil if nothing waits.
func (p *postponed) due() <-chan time.Time {
	if p == nil {
		return nil
	}
	return p.timer.C
}

// postpones reports whether a replacement for these files has to wait, and if so, postpones the replacement.
func (l *loop) postpones(paths []string, changed time.Time) bool {
	c := &l.causes
	if p := c.postponed; p != nil {
		p.timer.Reset(p.quiet)
		p.add(paths, c.effects)
		return true
	}
	quiet := c.patience.wait(paths, changed)
	if quiet == 0 {
		return false
	}
	c.postponed = &postponed{began: c.began, quiet: quiet, timer: time.NewTimer(quiet)}
	c.postponed.add(paths, c.effects)
	l.emit(Postponed{Path: paths[0], For: quiet})
	return true
}

// add adds files changed during the wait.
func (p *postponed) add(paths []string, effects []Effect) {
	p.paths = union(p.paths, paths)
	p.effects = union(p.effects, effects)
}

// union appends the values of more that are missing in all.
func union[T comparable](all, more []T) []T {
	for _, value := range more {
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// hurryPatience ends a wait because somebody waits for the outcome: nobody waits for changes that workers make by
// themselves.
func (l *loop) hurryPatience() {
	l.causes.patience.quick = 0
	if l.causes.postponed != nil {
		l.endPatience()
	}
}

// endPatience replaces the workers for the waiting changes.
func (l *loop) endPatience() {
	l.causes.resume()
	l.input(changed{class: Restart, settled: l.state.settled})
}

// resume turns the waiting changes into causes again.
func (c *causes) resume() {
	p := c.postponed
	c.postponed = nil
	if c.spent {
		c.conclude()
	}
	c.effects = union(c.effects, p.effects)
	c.began, c.read = p.began, p.paths
}
