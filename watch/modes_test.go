package watch

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// mode is a way of watching files.
type mode struct {
	name  string
	lean  bool // as little as possible is heard
	poll  bool
	lossy bool // events are dropped all the time, as the kernel does when its queue is full
}

var modes = []mode{
	{name: "events"},
	{name: "as few events as possible", lean: true},
	{name: "polling", poll: true},
	{name: "overflows", lossy: true},
}

// open starts a watcher that is closed with the test.
func (m mode) open(t testing.TB, config Config) *Watcher {
	t.Helper()
	if m.poll {
		config.Poll = 40 * time.Millisecond
	}
	if m.lossy {
		return openLossy(t, config)
	}
	w := open(t, config)
	if err := w.ask(t.Context(), func() { w.ears.lean = m.lean }); err != nil {
		t.Fatal(err)
	}
	return w
}

// lossMost is how long events are dropped.
const lossMost = 5 * time.Millisecond

// openLossy starts a watcher of which about every other event is dropped. When a loss is over, the kernel says so.
func openLossy(t testing.TB, config Config) *Watcher {
	t.Helper()
	source, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	events, errs := make(chan fsnotify.Event), make(chan error)
	go func() { // ends with the source, closed below
		defer close(events)
		var over <-chan time.Time
		for {
			select {
			case event, ok := <-source.Events:
				switch {
				case !ok:
					return
				case over != nil: // lost
				case rand.IntN(10) == 0:
					over = time.After(time.Duration(rand.Int64N(int64(lossMost))))
				default:
					events <- event
				}
			case <-over:
				over = nil
				errs <- fsnotify.ErrEventOverflow
			case err, ok := <-source.Errors:
				if ok {
					errs <- err
				}
			}
		}
	}()
	w := newWatcher(config, source, events, errs)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}
