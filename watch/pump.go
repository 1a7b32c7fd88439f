package watch

import (
	"errors"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// lullQuiet is how long no event may come before the suspects are looked at. An editor saves with two to six system
	// calls within about a millisecond. Between two of them a file is empty, and a build would start in vain. Felt
	// right, not measured: long enough for editors, and too short to notice.
	lullQuiet = 5 * time.Millisecond

	// lullMost ends the wait while events keep coming: a growing log in a watched folder must not delay a save. Felt
	// right, not measured.
	lullMost = 20 * time.Millisecond

	// namesMost is how many names of one folder are remembered before the whole folder is looked at. namesMost limits
	// the memory while the owner is busy, because only watched folders send events.
	namesMost = 1024
)

// marks are the suspicious names of one folder.
type marks struct {
	whole bool            // too many names: look at the folder and everything below
	names map[string]bool // true: possibly replaced, and a folder of this name may have lost its watch
}

// suspects are paths that may have changed. The pump hands them to the owner.
type suspects struct {
	folders     map[string]*marks // by the path under which the kernel watches the folder
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

// pump reads events, so the kernel's queue never waits for a look at the disk.
type pump struct {
	events <-chan fsnotify.Event
	errors <-chan error

	ready chan suspects      // everything until a lull
	now   chan chan suspects // a request for everything so far, without a lull
	quit  chan struct{}      // closed by the owner when the source is closed
	done  chan struct{}      // closed by the pump at its end
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

// flush returns the pump's suspects not yet handed over.
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
			// Only attributes have changed: chmod, touch, indexers and virus scanners.
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
				// A watched folder was moved and then removed. fsnotify tries to end the watch after the move, but the
				// kernel has ended it because of the removal. Nothing is lost, and the event follows.
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
