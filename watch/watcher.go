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
	// DefaultQuiet is how long nothing may change before a batch is settled. An editor's save-all and a formatter that
	// runs on save fit in; a person does not feel it, and a build started long before. Felt right, not measured.
	DefaultQuiet = 50 * time.Millisecond

	// DefaultMaxWait settles a batch while changes go on, so that a program that writes all the time cannot put off
	// a reload for ever. Felt right, not measured.
	DefaultMaxWait = time.Second
)

// Config is set once.
type Config struct {
	Quiet   time.Duration // DefaultQuiet if 0
	MaxWait time.Duration // from the first change of a batch; DefaultMaxWait if 0

	// Ignored tells whether an entry is left out; a folder that is left out is not entered by a tree. What the Set names
	// is not asked about. It is called on the watcher's goroutine, with absolute paths, also of what does not exist any
	// more. nil: nothing is ignored.
	Ignored func(path string, folder bool) bool

	// Poll has everything polled, each entry once in this time, and nothing heard; 0: only what the kernel does not tell of
	// is polled, once in DefaultPoll. It takes longer if there is so much of it, or the disk is so slow, that it would cost
	// more than a tenth of the time.
	Poll time.Duration
}

// Watcher watches a Set. Its methods may be called from any goroutine; Close ends it.
type Watcher struct {
	batches  chan Batch
	requests chan func() // run by the owner
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when the owner and the pump have ended
	err      error         // of closing the kernel's watcher; read after done

	// All below belongs to the owner, the goroutine of run.

	kernel kernel
	pump   *pump
	lean   bool // see mustHear

	descriptors, descriptorsMost int // that hearing takes, and may take; 0: any number

	ignored, wasIgnored func(path string, folder bool) bool // was: before the request that is being answered

	roots       map[string]*folder // the snapshot, by "/" or the volume
	ears        map[string]*ear    // by the path given to the kernel
	earsByID    map[identity]*ear
	reader      *reader
	first, last time.Time // when the reason of the look that is going on was heard of
	round       uint64    // number of the look that is going on
	todo        []suspicion
	unheard     []*folder // perhaps they must be heard now
	seen        map[suspicion]struct{}
	unpruned    bool // a node may have lost its purpose
	answering   bool // a call of Watch; what cannot be heard is its result and not news

	asked      bool // Config.Poll
	disks      map[diskKey]*disk
	limit      *LimitError // that was met last: limitName, in round limitRound
	limitName  string
	limitRound uint64
	freed      bool // a watch was given back in this round
	probe      probe

	scout      *scout
	scoutIsOut bool
	polled     sweep
	heard      sweep // the patrol's
	rearranged bool  // what must be heard, or how, is perhaps not what arrange found
	arranged   uint64
	told       map[group]*Problem
	recent     []place       // the polled files that changed last, the last one first
	pollTook   time.Duration // the last part
	openRounds uint64        // how many there were when the batch was opened
	pollEnded  time.Time
	surprises  map[place]struct{} // what the patrol has found and is being looked at; nil otherwise
	started    time.Time
	lastBeat   instant
	sent       time.Time // when the scout was sent
	silentDisk bool      // it has not come back, and that was told

	draft  draft
	window window
	offer  *Batch // what the consumer gets next
}

// New starts a watcher that watches nothing yet. If the system has no watcher left to give, everything is polled, and Watch
// says so.
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
	w.probe.wanted = true
	w.start()
	return w, nil
}

func newWatcher(config Config, k kernel, events <-chan fsnotify.Event, errors <-chan error) *Watcher {
	w := makeWatcher(config, k, events, errors)
	w.start()
	return w
}

func makeWatcher(config Config, k kernel, events <-chan fsnotify.Event, errors <-chan error) *Watcher {
	if config.Quiet == 0 {
		config.Quiet = DefaultQuiet
	}
	if config.MaxWait == 0 {
		config.MaxWait = DefaultMaxWait
	}
	w := &Watcher{
		batches:         make(chan Batch),
		requests:        make(chan func()),
		stop:            make(chan struct{}),
		done:            make(chan struct{}),
		kernel:          k,
		pump:            newPump(events, errors),
		lean:            hearingIsDear,
		descriptorsMost: descriptorsMost(),
		roots:           make(map[string]*folder),
		ears:            make(map[string]*ear),
		earsByID:        make(map[identity]*ear),
		reader:          newReader(),
		seen:            make(map[suspicion]struct{}),
		window:          window{quiet: config.Quiet, most: config.MaxWait},

		asked:   config.Poll > 0,
		disks:   make(map[diskKey]*disk),
		scout:   newScout(),
		polled:  pollSweep(cmp.Or(config.Poll, DefaultPoll)),
		heard:   sweep{round: patrolRound, step: patrolStep},
		started: time.Now(),
	}
	w.ignored = orNothing(config.Ignored)
	w.wasIgnored = w.ignored
	return w
}

func (w *Watcher) start() {
	go w.pump.run()  // ended and awaited by run
	go w.scout.run() // ended by run, and not awaited: the disk that it looks at may never answer
	go w.run()       // ended and awaited by Close
}

func orNothing(ignored func(string, bool) bool) func(string, bool) bool {
	if ignored == nil {
		return func(string, bool) bool { return false }
	}
	return ignored
}

// Batches is where batches come from. A batch comes first when something changes, unsettled; again, with all that was in
// it, when more changes; and at last settled, when the tree is quiet. What is not received is replaced by what is newer,
// and a settled batch that was not received is part of the next: nothing is lost while the consumer is busy. If
// everything is undone after an unsettled batch was received, the settled one is empty. Close closes the channel.
func (w *Watcher) Batches() <-chan Batch { return w.batches }

// Watch replaces what is watched. What was watched before and is now loses no change meanwhile; everything else is
// watched from the state in which it is found. The problems, sorted by path, are what cannot be watched; the rest is. The
// error is that of ctx, or ErrClosed.
func (w *Watcher) Watch(ctx context.Context, set Set) ([]Problem, error) {
	var problems []Problem
	err := w.ask(ctx, func() {
		w.begin(time.Now(), time.Now())
		w.answering = true
		w.forgetDisks()
		problems = w.wish(set)
		for _, root := range w.roots {
			w.reconcile(root)
		}
		w.finish()
		w.arrange()
		for _, root := range w.roots {
			problems = w.problems(root, problems)
		}
		w.told = w.groups()
		for _, p := range w.told {
			problems = append(problems, *p)
		}
		slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	})
	if err != nil {
		return nil, err
	}
	return problems, nil
}

// Sync looks at everything that is watched. What is different, whether the kernel told or not, is in the next batch
// when it returns.
func (w *Watcher) Sync(ctx context.Context) error {
	return w.ask(ctx, func() {
		w.begin(time.Now(), time.Now())
		w.markAll()
		w.finish()
	})
}

// SetIgnored replaces Config.Ignored, and looks at everything. What is visible now and was not, or the reverse, is no
// change.
func (w *Watcher) SetIgnored(ctx context.Context, ignored func(path string, folder bool) bool) error {
	return w.ask(ctx, func() {
		w.begin(time.Now(), time.Now())
		w.answering = true
		w.ignored = orNothing(ignored)
		w.markAll()
		w.finish()
	})
}

// Close ends the watcher and waits until its goroutines have ended. Batches that were not received are dropped.
func (w *Watcher) Close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.done
	return w.err
}

// ask has the owner run f, and waits. If ctx ends first, f may still be run.
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
		if w.closing() { // the look may have been cut short
			return ErrClosed
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closing tells a long look that it is not wanted any more.
func (w *Watcher) closing() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}

// run is the owner.
func (w *Watcher) run() {
	defer close(w.done)
	defer close(w.batches)
	settle := time.NewTimer(time.Hour)
	defer settle.Stop()
	poll := time.NewTimer(time.Hour)
	defer poll.Stop()
	beat := time.NewTicker(patrolStep)
	defer beat.Stop()
	w.lastBeat = w.clock()
	w.probe.begin(w.kernel)
	defer w.probe.timer.Stop()
	for {
		if w.polling() {
			poll.Reset(time.Until(w.pollDue()))
		} else {
			poll.Stop()
		}
		if w.window.open() {
			settle.Reset(time.Until(w.window.due()))
		} else {
			settle.Stop()
		}
		var batches chan<- Batch
		var offer Batch
		if w.offer != nil {
			batches, offer = w.batches, *w.offer
		}
		select {
		case s := <-w.pump.ready:
			w.suspect(s)
		case batches <- offer:
			w.received(offer)
		case <-settle.C:
			// What has come in since the last lull belongs to this batch.
			w.suspect(w.pump.flush())
			if w.window.over(time.Now()) {
				w.settle()
			}
		case <-poll.C:
			w.poll(time.Now())
		case found := <-w.scout.found:
			w.back(found, time.Now())
		case <-beat.C:
			w.beat(w.clock())
		case <-w.probe.timer.C:
			w.probe.failed = true
			w.rearranged = true
		case request := <-w.requests:
			request()
		case <-w.stop:
			close(w.scout.jobs)
			w.err = w.kernel.Close() // the pump still reads, so that the source can finish
			close(w.pump.quit)
			<-w.pump.done
			return
		}
	}
}

// suspect looks at what the pump has gathered.
func (w *Watcher) suspect(s suspects) {
	if len(s.folders) > 0 && w.probe.passed() {
		w.rearranged = true
	}
	w.begin(s.first, s.last)
	if s.all {
		w.markAll()
	}
	for path, m := range s.folders {
		if e := w.ears[path]; e != nil {
			for _, f := range e.folders {
				if m.whole {
					w.mark(f, true)
				}
				for name := range m.names {
					w.queue(f, name, false)
				}
			}
		}
		for name, replaced := range m.names {
			if !replaced {
				continue
			}
			// A folder that is heard was itself made, moved or removed: its watch may have ended, and those below it may
			// follow a folder that is somewhere else now.
			if e := w.ears[joined(path, name)]; e != nil {
				for _, f := range e.folders {
					w.mark(f, true)
				}
			}
		}
	}
	if s.overflow {
		w.draft.overflow = true
	}
	if s.broken != nil {
		w.draft.report(Problem{"", fmt.Errorf("%w: %w", errEvents, s.broken)})
	}
	w.finish()
}

func (w *Watcher) markAll() {
	for _, root := range w.roots {
		w.mark(root, true)
	}
}

// begin and finish enclose a round of looks. first and last are when its reason was heard of.
func (w *Watcher) begin(first, last time.Time) {
	w.round++
	w.first, w.last = first, last
	w.freed = false
	clear(w.seen)
}

func (w *Watcher) finish() {
	w.work()
	for prune := w.answering || w.unpruned; prune; prune = w.unpruned {
		w.unpruned = false
		for _, root := range w.roots {
			w.prune(root)
		}
		w.work()
	}
	if w.answering {
		for _, root := range w.roots {
			settleScopes(root)
		}
		w.wasIgnored = w.ignored
		w.answering = false
	}
	if w.freed && w.limitRound == w.round {
		w.freed = false
		for _, root := range w.roots {
			w.retry(root)
		}
		w.work()
	}
	w.publish()
}

// retry has the kernel watch what a limit kept from it below f, until it is met again: while looks go on, some folders are
// heard for a moment only. It tells whether to go on.
func (w *Watcher) retry(f *folder) bool {
	if isLimit(f.deafFor) && f.present {
		if w.visit(f, false); isLimit(f.deafFor) {
			return false
		}
	}
	for _, sub := range f.subs {
		if !w.retry(sub) {
			return false
		}
	}
	return true
}

// publish offers the draft if it has changed.
func (w *Watcher) publish() {
	if w.draft.void() { // nothing, or undone before anybody heard of it
		w.draft, w.offer = draft{}, nil
		w.window.shut()
		return
	}
	if !w.draft.moved {
		return
	}
	w.draft.moved = false
	w.window.touch(w.last)
	if w.draft.began.IsZero() {
		w.draft.began = w.first
	}
	w.draft.last = w.last
	w.put(false)
}

// settle offers the draft as it is at the end of the window.
func (w *Watcher) settle() {
	w.window.shut()
	w.put(true)
}

func (w *Watcher) put(settled bool) {
	b := w.draft.batch(settled)
	w.offer = &b
}

// received notes that the consumer has b, which is all of the draft.
func (w *Watcher) received(b Batch) {
	w.offer = nil
	if b.Settled {
		w.draft = draft{}
	} else {
		w.draft.told = true
		w.draft.fresh = nil
	}
}
