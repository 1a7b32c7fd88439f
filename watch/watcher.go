package watch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// DefaultQuiet is how long nothing may change before a batch is settled. Enough for an editor to save all files and
	// for a formatter to run on save. No person notices the wait, and the build starts long before. Felt right, not
	// measured.
	DefaultQuiet = 50 * time.Millisecond

	// DefaultMaxWait settles a batch although changes go on: otherwise a program that writes all the time could delay a
	// reload for ever. Felt right, not measured.
	DefaultMaxWait = time.Second
)

// Config is set once.
type Config struct {
	Quiet   time.Duration // DefaultQuiet if 0; six times as long while a changed file is empty: it may be half saved
	MaxWait time.Duration // from the first change of a batch; DefaultMaxWait if 0

	// Ignored reports whether an entry is ignored; a tree does not enter an ignored folder. Ignored is not called for
	// names in the Set. The watcher's goroutine calls Ignored with absolute paths, also of removed files. nil: nothing
	// is ignored.
	Ignored func(path string, folder bool) bool

	// Poll makes the watcher poll everything and use no events: each entry once in this time. 0: only folders without
	// events are polled, once in DefaultPoll. A round takes longer where polling would otherwise use more than a tenth
	// of the time.
	Poll time.Duration
}

// Watcher watches a Set. Its methods may be called from any goroutine; Close ends the watcher.
type Watcher struct {
	batches  chan Batch
	requests chan func() // run by the owner
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when the owner and the pump have ended
	err      error         // from closing the kernel's watcher; read after done

	// All below belongs to the owner, the goroutine of run. The arrows between the parts run one way:
	//
	//	polling -> snapshot -> { ears -> disks, outlet }
	tree    *snapshot // the knowledge of the disk, and the comparison
	ears    *ears     // the kernel's watches
	polling *polling  // folders without events, and the patrol
	out     *outlet   // batches for the consumer

	awaiting []chan struct{} // closed when the consumer has received everything
}

// New starts a watcher that watches nothing yet. If the system has no watcher left, everything is polled, and Watch
// reports the polling.
func New(config Config) (*Watcher, error) {
	if config.Poll > 0 {
		return newWatcher(config, noKernel{}, nil, nil), nil
	}
	source, err := fsnotify.NewWatcher()
	if err != nil {
		limit := limited(err, true)
		if !isLimit(limit) {
			return nil, fmt.Errorf("watch files: %w", err)
		}
		return newWatcher(config, noKernel{limit}, nil, nil), nil
	}
	w := makeWatcher(config, source, source.Events, source.Errors)
	w.ears.probe.wanted = true
	w.start()
	return w, nil
}

func newWatcher(config Config, k kernel, events <-chan fsnotify.Event, errors <-chan error) *Watcher {
	w := makeWatcher(config, k, events, errors)
	w.start()
	return w
}

func makeWatcher(config Config, k kernel, events <-chan fsnotify.Event, errors <-chan error) *Watcher {
	w := &Watcher{
		batches:  make(chan Batch),
		requests: make(chan func()),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		out: &outlet{
			quiet:  cmp.Or(config.Quiet, DefaultQuiet),
			window: window{most: cmp.Or(config.MaxWait, DefaultMaxWait)},
		},
	}
	disks := newDisks()
	w.ears = newEars(config, k, events, errors, disks)
	w.tree = newSnapshot(config, w.ears, w.out, w.stop)
	w.polling = newPolling(config, w.tree, w.ears, disks, w.out)
	w.tree.changed = w.polling.changed
	return w
}

func (w *Watcher) start() {
	go w.ears.pump.run()     // ended and awaited by run
	go w.polling.scout.run() // ended by run, but run does not wait: the disk that the scout looks at may never answer
	go w.run()               // ended and awaited by Close
}

// Batches returns the channel of batches. A batch comes first, unsettled, when something changes; again, with all
// changes until then, when more changes; and finally settled, when the tree is quiet. A newer batch replaces an
// unreceived one, and an unreceived settled batch becomes part of the next: nothing is lost while the consumer is busy.
// If everything is undone after an unsettled batch was received, the settled one is empty. Close closes the channel.
func (w *Watcher) Batches() <-chan Batch { return w.batches }

// Watch replaces the watched Set. Paths in both Sets lose no change meanwhile; new paths are watched from their current
// state. The problems, sorted by path, are the unwatchable paths; all others are watched. The error is ctx's, or
// ErrClosed.
func (w *Watcher) Watch(ctx context.Context, set Set) ([]Problem, error) {
	var problems []Problem
	err := w.ask(ctx, func() {
		w.polling.disks.forget()
		problems = append(w.tree.watch(set), w.polling.problems()...)
		slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	})
	if err != nil {
		return nil, err
	}
	return problems, nil
}

// Sync looks at everything watched. When Sync returns, the next batch contains every difference, with or without an
// event.
func (w *Watcher) Sync(ctx context.Context) error { return w.ask(ctx, w.tree.lookAtAll) }

// Received waits until the consumer has received all known differences; after Sync, all differences.
func (w *Watcher) Received(ctx context.Context) error {
	received := make(chan struct{})
	if err := w.ask(ctx, func() { w.awaiting = append(w.awaiting, received) }); err != nil {
		return err
	}
	select {
	case <-received:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done:
		return ErrClosed
	}
}

// SetIgnored replaces Config.Ignored, and looks at everything. An entry that becomes visible or invisible by the new
// rules is no change.
func (w *Watcher) SetIgnored(ctx context.Context, ignored func(path string, folder bool) bool) error {
	return w.ask(ctx, func() { w.tree.setIgnored(ignored) })
}

// Close ends the watcher and waits until its goroutines have ended. Unreceived batches are dropped.
func (w *Watcher) Close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.done
	return w.err
}

// ask makes the owner run f, and waits. If ctx ends first, f may still run later.
func (w *Watcher) ask(ctx context.Context, f func()) error {
	answered := make(chan struct{})
	select {
	case w.requests <- func() { f(); close(answered) }:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done:
		return ErrClosed
	}
	select {
	case <-answered:
		if w.tree.closing() { // the look may be incomplete
			return ErrClosed
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the owner's goroutine.
func (w *Watcher) run() {
	defer close(w.done)
	defer close(w.batches)
	settle := time.NewTimer(time.Hour)
	defer settle.Stop()
	poll := time.NewTimer(time.Hour)
	defer poll.Stop()
	beat := time.NewTicker(patrolStep)
	defer beat.Stop()
	w.polling.clock.begin()
	w.ears.probe.begin(w.ears.kernel)
	defer w.ears.probe.timer.Stop()
	for {
		set(poll, w.polling.wanted(), w.polling.due)
		set(settle, w.out.window.open(), w.out.window.due)
		var batches chan<- Batch
		var offer Batch
		if w.out.offer == nil {
			for _, received := range w.awaiting {
				close(received)
			}
			w.awaiting = nil
		} else {
			batches, offer = w.batches, *w.out.offer
		}
		select {
		case heard := <-w.ears.pump.ready:
			w.tree.suspect(heard)
		case batches <- offer:
			w.out.received(offer)
		case <-settle.C:
			// Events since the last lull belong to this batch.
			w.tree.suspect(w.ears.pump.flush())
			if w.out.window.over(time.Now()) {
				w.out.settle()
			}
		case <-poll.C:
			w.polling.poll(time.Now())
		case found := <-w.polling.scout.found:
			w.polling.back(found, time.Now())
		case <-beat.C:
			w.polling.beat(w.polling.clock.read())
		case <-w.ears.probe.timer.C:
			w.ears.probe.failed = true
			w.tree.rearranged = true
		case request := <-w.requests:
			request()
		case <-w.stop:
			close(w.polling.scout.jobs)
			w.err = w.ears.close()
			return
		}
	}
}

// set sets the timer if it is wanted, and stops it otherwise.
func set(timer *time.Timer, wanted bool, due func() time.Time) {
	if wanted {
		timer.Reset(time.Until(due()))
	} else {
		timer.Stop()
	}
}
