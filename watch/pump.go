package watch

import (
	"errors"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// lullQuiet is how long no event may come before the suspects are looked at. An editor saves in two to six system
	// calls within a millisecond or so; looked at between two of them, a file is empty and a build would start in vain.
	// Felt right, not measured: long enough for these, and nobody feels it.
	lullQuiet = 5 * time.Millisecond

	// lullMost ends the wait while events keep coming: a log that grows in some watched folder must not hold up a
	// save. Felt right, not measured.
	lullMost = 20 * time.Millisecond

	// namesMost is how many names of one folder are remembered before the folder is looked at as a whole. It bounds the
	// memory while the owner is busy: the folders are those that are heard, and no more.
	namesMost = 1024
)

// marks are the suspicious names of one folder.
type marks struct {
	whole bool            // too many names: the folder, and what is below it
	names map[string]bool // true: it may have been replaced, and if it is a folder, it may not be heard any more
}

// suspects is what may have changed. It passes from the pump to the owner.
type suspects struct {
	folders     map[string]*marks // by the path under which the kernel hears the folder
	all         bool              // everything
	overflow    bool              // because the kernel lost events
	broken      error             // because the source of events failed
	first, last time.Time         // when the events came
}

func (s *suspects) mark(path string, replaced bool) {
	if s.all {
		return
	}
	if s.folders == nil {
		s.folders = make(map[string]*marks)
	}
	folder, name := filepath.Dir(path), filepath.Base(path)
	m := s.folders[folder]
	if m == nil {
		m = &marks{names: make(map[string]bool)}
		s.folders[folder] = m
	}
	if m.whole {
		return
	}
	if known, ok := m.names[name]; !ok || replaced && !known {
		m.names[name] = replaced
	}
	if len(m.names) > namesMost {
		m.whole, m.names = true, nil
	}
}

func (s *suspects) markAll() { s.all, s.folders = true, nil }

// pump reads events, so that the reader of the kernel's queue never waits for a look at the disk.
type pump struct {
	events <-chan fsnotify.Event
	errors <-chan error

	ready chan suspects      // what was gathered until a lull
	now   chan chan suspects // a request for what there is, without waiting for the lull
	quit  chan struct{}      // closed by the owner when the source is closed
	done  chan struct{}      // closed by the pump when it has ended
}

func newPump(events <-chan fsnotify.Event, errors <-chan error) *pump {
	return &pump{
		events: events,
		errors: errors,
		ready:  make(chan suspects),
		now:    make(chan chan suspects),
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
	}
}

// flush returns what the pump has gathered and not handed over.
func (p *pump) flush() suspects {
	reply := make(chan suspects, 1)
	p.now <- reply
	return <-reply
}

func (p *pump) run() {
	defer close(p.done)
	var s suspects
	lull := window{quiet: lullQuiet, most: lullMost}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	armed := false // the timer runs for this lull
	var ready chan<- suspects

	note := func() {
		at := time.Now()
		if !lull.open() {
			s.first = at
		}
		s.last = at
		lull.touch(at)
		if !armed && ready == nil {
			timer.Reset(lull.due().Sub(at))
			armed = true
		}
	}
	events, errs := p.events, p.errors
	for {
		select {
		case event, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			// Attributes alone: chmod, touch, and what indexers and virus scanners do all day.
			if event.Op == fsnotify.Chmod {
				continue
			}
			s.mark(event.Name, event.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename))
			note()
		case err, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			switch {
			case errors.Is(err, fsnotify.ErrEventOverflow):
				s.overflow = true
			case errors.Is(err, syscall.EINVAL):
				// A watched folder was moved and then removed: fsnotify ends the watch on hearing of the first, when the
				// kernel has ended it already because of the second. Nothing was lost, and the event follows.
				continue
			default:
				s.broken = err
			}
			s.markAll()
			note()
		case <-timer.C:
			armed = false
			if now := time.Now(); lull.over(now) {
				ready = p.ready
			} else if lull.open() {
				timer.Reset(lull.due().Sub(now))
				armed = true
			}
		case ready <- s:
			s, ready = suspects{}, nil
			lull.shut()
		case reply := <-p.now:
			reply <- s
			s, ready = suspects{}, nil
			lull.shut()
		case <-p.quit:
			return
		}
	}
}
