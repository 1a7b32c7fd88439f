package control

import (
	"bytes"
	"strconv"
	"sync"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// Journal passes news on to whoever listens, and keeps what workers wrote last. It never waits for a listener: one that
// does not keep up misses some, and is told so. Its methods may be called from any goroutine.
//
// Workers may write a gigabyte that nobody asks for. So what they write is kept as it comes, and made into lines only when
// somebody listens.
type Journal struct {
	mu        sync.Mutex // guards all below
	listeners map[*listener]bool
	pieces    []piece // of output, the newest last
	size      int     // of them, in bytes
	parts     parts   // of lines that are not finished; kept while somebody listens
}

// piece is what a worker wrote at once.
type piece struct {
	from source
	time time.Time
	text []byte
	last bool // the worker is gone
}

// source is a stream of a worker.
type source struct {
	service, stream string
	worker          Named
}

// parts are beginnings of lines.
type parts map[source][]byte

// Limits on what is kept, and on what one listener may be behind. Felt right, not measured.
const (
	maxKept   = 1 << 20 // bytes of output
	maxBehind = 1000    // news
	maxLine   = 64 << 10
	pieceCost = 128 // bytes that a piece takes besides its text
)

// listener is somebody who reads news.
type listener struct {
	wanted  func(News) bool
	news    chan News
	dropped int // guarded by the Journal's mu
}

// NewJournal makes an empty one.
func NewJournal() *Journal { return &Journal{listeners: map[*listener]bool{}, parts: parts{}} }

// listen returns the last lines of output that are wanted, and then all news that are, until leave.
func (j *Journal) listen(last int, wanted func(News) bool) *listener {
	l := &listener{wanted: wanted, news: make(chan News, maxBehind)}
	j.mu.Lock()
	defer j.mu.Unlock()
	var before []News
	unfinished := parts{}
	for _, p := range j.pieces {
		unfinished.lines(p, func(n News) {
			if wanted(n) {
				before = append(before, n)
			}
		})
	}
	if len(j.listeners) == 0 {
		j.parts = unfinished
	}
	for _, n := range before[len(before)-min(len(before), last, maxBehind):] {
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

// Tell takes what a service has to say.
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
	j.pass(n)
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

// Output takes what a worker wrote.
func (j *Journal) Output(service string, w supervisor.Worker, to supervisor.Stream, p []byte) {
	from := source{service, [...]string{supervisor.Stdout: "stdout", supervisor.Stderr: "stderr"}[to], *named(w)}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep(piece{from: from, time: time.Now(), text: bytes.Clone(p[max(0, len(p)-maxKept/2):])})
}

// gone ends the lines that a worker has left unfinished.
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
		j.parts.lines(p, j.pass)
	}
}

// lines calls tell with the lines that a piece completes, and remembers the rest.
func (u parts) lines(p piece, tell func(News)) {
	line := func(text []byte) {
		tell(News{Time: p.time, Service: p.from.service, Event: "output", Worker: &p.from.worker, Stream: p.from.stream, Text: string(bytes.TrimRight(text, "\r\n"))})
	}
	for text := range bytes.Lines(p.text) {
		held := append(u[p.from], text...)
		if text[len(text)-1] != '\n' && len(held) < maxLine {
			u[p.from] = held
			continue
		}
		delete(u, p.from)
		line(held)
	}
	if held, unfinished := u[p.from]; p.last && unfinished {
		delete(u, p.from)
		line(held)
	}
}
