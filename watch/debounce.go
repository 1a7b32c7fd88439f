package watch

import "time"

// window says when something that keeps happening may be acted upon: after a quiet period, or a maximum wait after it
// began. It has no clock: the caller brings the times, and sets a timer for due.
type window struct {
	quiet, most time.Duration
	first, last time.Time
}

// touch notes that something happened at t, and opens the window if it was closed.
func (w *window) touch(t time.Time) {
	if w.first.IsZero() {
		w.first = t
	}
	if t.After(w.last) {
		w.last = t
	}
}

func (w *window) open() bool { return !w.first.IsZero() }
func (w *window) shut()      { w.first, w.last = time.Time{}, time.Time{} }

// due is when an open window is over, if nothing more happens.
func (w *window) due() time.Time {
	quiet, most := w.last.Add(w.quiet), w.first.Add(w.most)
	if quiet.Before(most) {
		return quiet
	}
	return most
}

// over tells whether the window is open and due.
func (w *window) over(now time.Time) bool { return w.open() && !now.Before(w.due()) }
