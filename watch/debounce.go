package watch

import "time"

// window tells when repeated events may be acted on: after a quiet period, or a maximum wait after the first event. A
// window has no clock: the caller passes the times, and sets a timer for due.
type window struct {
	quiet, most time.Duration
	first, last time.Time
}

// touch notes an event at t, and opens a closed window.
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

// due returns when an open window ends, if no more events come.
func (w *window) due() time.Time {
	quiet, most := w.last.Add(w.quiet), w.first.Add(w.most)
	if quiet.Before(most) {
		return quiet
	}
	return most
}

// over reports whether the window is open and due.
func (w *window) over(now time.Time) bool { return w.open() && !now.Before(w.due()) }
