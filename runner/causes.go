package runner

import (
	"os"
	"slices"
	"time"

	"hotreload/watch"
)

// causes are the changes without an outcome yet: a build, a replacement, or the news that nothing has to be done. The
// loop owns them.
//
// Invariant: effects are the settled changes since the last outcome, and began is the time of the first. early has
// changes of the open batch only. The loop calls conclude with each outcome.
type causes struct {
	effects []Effect
	began   time.Time
	spent   bool // nothing is done about the effects, unless new settings arrive

	early map[string]toldEarly // by path: the effects told before the batch was settled

	read      []string   // files read by workers, if workers are replaced for nothing else
	patience  patience   // how long replacements for files in read have to wait
	postponed *postponed // the waiting replacement; nil if none waits
}

// toldEarly is a change that was told before its batch was settled, and the file as it was then.
type toldEarly struct {
	Effect
	size    int64
	written time.Time
}

// later reports whether the file was written again since: a page may show the text from before.
func (e toldEarly) later() bool {
	info, err := os.Stat(e.Path)
	return err == nil && (info.Size() != e.size || !info.ModTime().Equal(e.written))
}

// take takes a batch, and returns the changes to tell now.
func (c *causes) take(b judged) (news []Effect) {
	if c.spent {
		c.conclude()
	}
	if c.began.IsZero() && len(b.changes) > 0 {
		c.began = b.Began
	}
	if b.Settled {
		return c.add(b.changes)
	}
	return c.atOnce(b.changes)
}

// conclude forgets the changes, because their outcome is known.
func (c *causes) conclude() { c.effects, c.began, c.spent = nil, time.Time{}, false }

// add takes the changes of a settled batch, and returns those that were not told early, or too early.
func (c *causes) add(changes []classified) (news []Effect) {
	for _, change := range changes {
		c.effects = append(c.effects, change.Effect)
		before, told := c.early[change.Path]
		same := told && before.Class == change.Class && before.Op == change.Op
		if !same || before.later() {
			news = append(news, change.Effect)
		}
	}
	return news
}

// atOnce returns the live changes of an unsettled batch that can be told now: each file once, and once more when the
// batch is settled if it was written in pieces. It leaves out what comes and goes while an editor saves, and empty
// files, which are about to be written.
func (c *causes) atOnce(changes []classified) (news []Effect) {
	for _, change := range changes {
		_, told := c.early[change.Path]
		if told || change.Op != watch.Written || change.Dir || change.Class != Live || change.Runs {
			continue
		}
		info, err := os.Stat(change.Path)
		if err != nil || info.Size() == 0 {
			continue
		}
		c.early[change.Path] = toldEarly{change.Effect, info.Size(), info.ModTime()}
		news = append(news, change.Effect)
	}
	return news
}

// settle ends a batch. done: nothing more will be done about the changes.
func (c *causes) settle(done bool) {
	clear(c.early)
	c.spent = done
	pending := func(e Effect) bool { return e.Class == Startup } // may be a file of settings, about to be read
	if done && !slices.ContainsFunc(c.effects, pending) {
		c.conclude()
	}
}

// replaced notes that workers are replaced.
func (c *causes) replaced(now time.Time) {
	c.conclude()
	c.patience.replaced(c.read, now)
	c.read, c.postponed = nil, nil
}
