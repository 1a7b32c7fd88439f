package runner

import (
	"slices"
	"time"

	"hotreload/watch"
)

// copying is the wait while somebody copies a folder of the program (git checkout, rm -rf and cp -r). During the wait,
// a pause does not yet make the tree quiet.
type copying struct {
	since time.Time        // start of the wait; zero: nobody copies
	over  <-chan time.Time // fires after a quiet tree for long enough; nil while the tree changes
}

// While a new folder lacks files of the program that served, the tree counts as quiet after lull, and after mostCopying
// in any case. Felt right, not measured: after files were removed for good, the user waits mostCopying at most, once;
// copies pause for less than lull.
const (
	lull        = time.Second
	mostCopying = 15 * time.Second
)

func (c *copying) waits() bool { return !c.since.IsZero() }

// awaitsCopy reports whether somebody seems to copy, and begins the wait for the end.
func (l *loop) awaitsCopy(b seen) bool {
	comesOrGoes := func(c watch.Change) bool { return c.Op != watch.Written }
	if !b.Settled || l.inbox.proven == nil || !slices.ContainsFunc(b.Changes, comesOrGoes) || !l.torn() {
		return false
	}
	l.inbox.joinAll()
	l.inbox.copying = copying{since: time.Now(), over: time.After(lull)}
	return true
}

// stillCopying ends the wait, or goes on with it, after a batch has become part of the first one.
func (l *loop) stillCopying() {
	wait := &l.inbox.copying
	switch {
	case !l.inbox.batches[0].Settled:
		wait.over = nil
	case !l.torn() || time.Since(wait.since) > mostCopying:
		l.copied()
	default:
		wait.over = time.After(lull)
	}
}

// torn reports whether a folder, removed and created again, lacks files of the program that served last.
func (l *loop) torn() bool { return l.inbox.proven.Torn(l.known.opened.atStart()) }

// copied ends the wait. hotreload does not wait again for the files still missing.
func (l *loop) copied() {
	l.inbox.copying = copying{}
	if l.torn() {
		l.inbox.proven = nil
	}
	l.takeBatches(false)
}
