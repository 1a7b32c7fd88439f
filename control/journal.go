package control

import (
	"bytes"
	"strconv"
	"sync"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// Journal passes news to listeners, and stores the workers' latest output. It never waits for a listener: a slow
// listener misses news, and is informed of the gap. Its methods may be called from any goroutine.
//
// Workers may write a gigabyte without any listener. So their output is stored as it comes, and split into lines only
// for listeners.
type Journal struct {
	mu        sync.Mutex // guards all below
	listeners map[*listener]bool
	pieces    []piece // pieces of output, the newest last
	size      int     // their size in bytes
	lines     lines   // unfinished lines; stored only while there are listeners

	pages    []News          // the latest console output of pages in browsers
	problems map[string]News // service -> the last news of its problems, which a listener gets first
}

// piece is the result of one write of a worker.
type piece struct {
	from source
	time time.Time
	text []byte
	last bool // the worker has exited
}

// source is an output stream of a worker.
type source struct {
	service, stream string
	worker          Named
}

type lines = Lines[source]

// Limits on the stored output, and on the backlog of one listener. Felt right, not measured.
const (
	maxKept   = 1 << 20 // bytes of output
	maxBehind = 1000    // news
	maxLine   = 64 << 10
	maxPages  = 200 // news of pages
	pieceCost = 128 // bytes that a piece uses in addition to its text
)

// listener is a reader of news.
type listener struct {
	wanted  func(News) bool
	news    chan News
	dropped int // guarded by the Journal's mu
}

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	return &Journal{listeners: map[*listener]bool{}, problems: map[string]News{}}
}

// listen returns the problems as they are and the last wanted lines of output, and then all wanted news, until leave.
func (j *Journal) listen(last int, wanted func(News) bool) *listener {
	l := &listener{wanted: wanted, news: make(chan News, maxBehind)}
	j.mu.Lock()
	defer j.mu.Unlock()
	var before []News
	var unfinished lines
	for _, p := range j.pieces {
		cut(&unfinished, p, func(n News) {
			if wanted(n) {
				before = append(before, n)
			}
		})
	}
	if len(j.listeners) == 0 {
		j.lines = unfinished
	}
	for _, n := range j.problems {
		if wanted(n) {
			l.news <- n
		}
	}
	for _, n := range before[len(before)-min(len(before), last, maxBehind-len(j.problems)):] {
		l.news <- n
	}
	j.listeners[l] = true
	return l
}

func (j *Journal) leave(l *listener) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.listeners, l)
}

// Tell takes an event of a service.
func (j *Journal) Tell(service string, event runner.Event) {
	n, ok := newsOf(event)
	if !ok {
		return
	}
	n.Time, n.Service = time.Now(), service
	if n.Event == "worker_left" || n.Event == "worker_died" {
		j.gone(service, *n.Worker)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if n.Event == "problems" {
		j.problems[service] = n
	}
	j.pass(n)
}

// Add takes news that are no event of the runner.
func (j *Journal) Add(n News) {
	n.Time = time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if n.Event == "browser" {
		j.pages = append(j.pages[max(0, len(j.pages)-maxPages+1):], n)
	}
	j.pass(n)
}

// said returns the latest console output of the services' pages, at most last news.
func (j *Journal) said(last int, of map[string]bool) []News {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := []News{}
	for _, n := range j.pages {
		if of[n.Service] {
			all = append(all, n)
		}
	}
	return all[max(0, len(all)-last):]
}

func (j *Journal) pass(n News) {
	for l := range j.listeners {
		if !l.wanted(n) {
			continue
		}
		if l.dropped > 0 {
			select {
			case l.news <- News{Time: n.Time, Event: "dropped", Text: strconv.Itoa(l.dropped)}:
				l.dropped = 0
			default:
			}
		}
		select {
		case l.news <- n:
		default:
			l.dropped++
		}
	}
}

// Pass takes events of a service and passes them on to a reader that may be slow, or stand still as a terminal does
// after Ctrl-S: other listeners do not wait for it. The returned channel is closed when all events were read.
func (j *Journal) Pass(service string, events <-chan runner.Event) <-chan runner.Event {
	passed := make(chan runner.Event)
	go func() { // ends when events is closed and all were passed on
		defer close(passed)
		var waiting []runner.Event
		for events != nil || len(waiting) > 0 {
			var out chan<- runner.Event
			var next runner.Event
			if len(waiting) > 0 {
				out, next = passed, waiting[0]
			}
			select {
			case event, ok := <-events:
				if !ok {
					events = nil
					continue
				}
				j.Tell(service, event)
				waiting = append(waiting, event)
			case out <- next:
				waiting = waiting[1:]
			}
		}
	}()
	return passed
}

// Copied returns an output that also writes to the journal.
func (j *Journal) Copied(service string, o supervisor.Output) supervisor.Output {
	o.Copy = func(w supervisor.Worker, to supervisor.Stream, p []byte) { j.Output(service, w, to, p) }
	return o
}

// Output takes a worker's output.
func (j *Journal) Output(service string, w supervisor.Worker, to supervisor.Stream, p []byte) {
	from := source{service, [...]string{supervisor.Stdout: "stdout", supervisor.Stderr: "stderr"}[to], *named(w)}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep(piece{from: from, time: time.Now(), text: bytes.Clone(p[max(0, len(p)-maxKept/2):])})
}

// gone ends a worker's unfinished lines.
func (j *Journal) gone(service string, worker Named) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, stream := range []string{"stdout", "stderr"} {
		j.keep(piece{from: source{service, stream, worker}, time: time.Now(), last: true})
	}
}

func (j *Journal) keep(p piece) {
	j.pieces = append(j.pieces, p)
	for j.size += len(p.text) + pieceCost; j.size > maxKept; j.pieces = j.pieces[1:] {
		j.size -= len(j.pieces[0].text) + pieceCost
		j.pieces[0].text = nil
	}
	if len(j.listeners) > 0 {
		cut(&j.lines, p, j.pass)
	}
}

// cut calls tell with the lines that a piece completes, and stores the rest.
func cut(unfinished *lines, p piece, tell func(News)) {
	line := func(text []byte) {
		tell(News{
			Time: p.time, Service: p.from.service, Event: "output", Worker: &p.from.worker, Stream: p.from.stream,
			Text: string(bytes.TrimRight(text, "\r\n")),
		})
	}
	for text := range bytes.Lines(unfinished.Add(p.from, p.text)) {
		line(text)
	}
	if held := unfinished.Held(p.from); held >= maxLine || p.last && held > 0 {
		line(unfinished.Take(p.from))
	}
}
