package watch

import (
	"errors"
	"fmt"
	"time"
)

const (
	// DefaultPoll is how long a sweep over all polled folders takes: the longest that a change in one of them stays
	// unnoticed, if the disk is fast.
	DefaultPoll = time.Second

	// sweepTicks is in how many parts a sweep is done.
	sweepTicks = 10

	// sweepBudget is how long one part may take, on a disk that is slow: then the sweep takes longer, and nothing else
	// does. Felt right, not measured.
	sweepBudget = 20 * time.Millisecond

	// recentMost is how many folders are looked at in each part because something changed in them lately: who saves a
	// file saves it again. The idea is esbuild's.
	recentMost = 8
)

// SilentError says that the kernel does not tell of all changes in a folder, because of the file system that it is on.
// It is polled.
type SilentError struct {
	System string // "nfs"; "" if polling was asked for
}

func (e *SilentError) Error() string {
	if e.System == "" {
		return "polled, as was asked for"
	}
	return fmt.Sprintf("%s does not tell of changes that are made elsewhere", e.System)
}

// poller is what is looked at again and again, because the kernel tells nothing of it, or not all. It belongs to the
// owner.
type poller struct {
	every   time.Duration // a sweep
	all     bool          // by the user's wish: nothing is heard
	folders []*folder     // in the order of the sweep; some may have lost their reason
	member  map[*folder]struct{}
	next    int       // where the sweep is
	recent  []*folder // the last one first
	ticker  *time.Ticker
}

func newPoller(every time.Duration) poller {
	p := poller{every: every, all: every > 0, member: map[*folder]struct{}{}}
	if every == 0 {
		p.every = DefaultPoll
	}
	return p
}

// ticks is when the next part of the sweep is due; nil if nothing is polled.
func (p *poller) ticks() <-chan time.Time {
	switch {
	case len(p.folders) == 0 && p.ticker != nil:
		p.ticker.Stop()
		p.ticker = nil
	case len(p.folders) > 0 && p.ticker == nil:
		p.ticker = time.NewTicker(max(p.every/sweepTicks, time.Millisecond)) // stopped above, or by stop
	}
	if p.ticker == nil {
		return nil
	}
	return p.ticker.C
}

func (p *poller) stop() {
	if p.ticker != nil {
		p.ticker.Stop()
	}
}

// poll has a folder looked at again and again, for a reason.
func (w *Watcher) poll(f *folder, why error) {
	f.polled = why
	if _, known := w.poller.member[f]; !known {
		w.poller.member[f] = struct{}{}
		w.poller.folders = append(w.poller.folders, f)
	}
}

// mustPoll is why a folder has to be polled although the kernel would watch it; nil: it need not.
func (w *Watcher) mustPoll(f *folder) error {
	if w.poller.all {
		return &SilentError{}
	}
	if system := w.silent(f.path); system != "" {
		return &SilentError{system}
	}
	return nil
}

// attended reports whether a change in the folder is noticed.
func (f *folder) attended() bool { return f.ear != nil || f.polled != nil }

// sweep does one part of a sweep: a share of all folders, and those in which something changed lately.
func (w *Watcher) sweep(now time.Time) {
	p := &w.poller
	// What has changed is looked at again in the next part: not before then is it known to be quiet.
	w.begin(now, now.Add(p.every/sweepTicks))
	for _, f := range p.recent {
		w.glance(f)
	}
	share := (len(p.folders) + sweepTicks - 1) / sweepTicks
	for range share {
		if p.next >= len(p.folders) {
			p.next = 0
		}
		if p.next >= len(p.folders) {
			break
		}
		f := p.folders[p.next]
		if !f.present || f.polled == nil {
			delete(p.member, f)
			p.folders = append(p.folders[:p.next], p.folders[p.next+1:]...)
			continue
		}
		p.next++
		w.glance(f)
		if time.Since(now) >= sweepBudget {
			break
		}
	}
	w.finish()
}

// glance looks at one polled folder, and remembers it if there was something to see.
func (w *Watcher) glance(f *folder) {
	if !f.present || f.polled == nil || f.looked == w.round {
		return
	}
	moved := w.draft.moved
	w.draft.moved = false
	w.mark(f, false)
	w.work()
	changed := w.draft.moved
	w.draft.moved = w.draft.moved || moved
	if !changed {
		return
	}
	recent := []*folder{f}
	for _, other := range w.poller.recent {
		if other != f && len(recent) < recentMost {
			recent = append(recent, other)
		}
	}
	w.poller.recent = recent
}

// overTheLimit reports whether an error means that the kernel has no watches left: then polling is what remains.
func overTheLimit(err error) bool {
	var limit *LimitError
	return errors.As(err, &limit)
}

// exhausted is a kernel that has no watches at all.
type exhausted struct{ err error }

func (k exhausted) Add(string) error    { return k.err }
func (k exhausted) Remove(string) error { return nil }
func (k exhausted) Close() error        { return nil }

// How says how changes of a path are noticed.
type How struct {
	Heard  bool  // the kernel tells
	Polled error // why it is polled; nil: it is not
}
