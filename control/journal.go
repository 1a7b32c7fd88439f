package control

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// Journal passes news on to whoever listens, and keeps what workers wrote last. It never waits for a listener: one that
// does not keep up misses some, and is told so. Its methods may be called from any goroutine.
type Journal struct {
	mu        sync.Mutex // guards all below
	listeners map[*listener]bool
	lines     []News // of output, the newest last
	size      int    // of their texts, in bytes
	parts     map[part][]byte
}

// Limits on what is kept, and on what one listener may be behind. Felt right, not measured.
const (
	maxKept   = 1 << 20 // bytes of output
	maxBehind = 1000    // news
	maxLine   = 64 << 10
	lineCost  = 128 // bytes that a line takes besides its text
)

// listener is somebody who reads news.
type listener struct {
	wanted  func(News) bool
	news    chan News
	dropped int // guarded by the Journal's mu
}

// part is the stream in which an unfinished line stands.
type part struct {
	service, stream string
	worker          Named
}

// NewJournal makes an empty one.
func NewJournal() *Journal {
	return &Journal{listeners: map[*listener]bool{}, parts: map[part][]byte{}}
}

// listen returns the last lines of output that are wanted, and then all news that are, until leave.
func (j *Journal) listen(last int, wanted func(News) bool) *listener {
	l := &listener{wanted: wanted, news: make(chan News, maxBehind)}
	j.mu.Lock()
	defer j.mu.Unlock()
	var before []News
	for i := len(j.lines) - 1; i >= 0 && len(before) < min(last, maxBehind); i-- {
		if wanted(j.lines[i]) {
			before = append(before, j.lines[i])
		}
	}
	for _, n := range slices.Backward(before) {
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

// Output takes what a worker wrote, and makes news of the lines in it.
func (j *Journal) Output(service string, w supervisor.Worker, to supervisor.Stream, p []byte) {
	worker, stream := *named(w), [...]string{supervisor.Stdout: "stdout", supervisor.Stderr: "stderr"}[to]
	j.mu.Lock()
	defer j.mu.Unlock()
	from := part{service, stream, worker}
	now := time.Now()
	for line := range bytes.Lines(p) {
		held := append(j.parts[from], line...)
		if line[len(line)-1] != '\n' && len(held) < maxLine {
			j.parts[from] = held
			continue
		}
		delete(j.parts, from)
		j.keep(News{Time: now, Service: service, Event: "output", Worker: &worker, Stream: stream, Text: string(bytes.TrimRight(held, "\r\n"))})
	}
}

// gone ends the lines that a worker has left unfinished.
func (j *Journal) gone(service string, worker Named) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for from, held := range j.parts {
		if from.service == service && from.worker == worker {
			delete(j.parts, from)
			j.keep(News{Time: time.Now(), Service: service, Event: "output", Worker: &worker, Stream: from.stream, Text: string(held)})
		}
	}
}

func (j *Journal) keep(line News) {
	j.lines = append(j.lines, line)
	for j.size += len(line.Text) + lineCost; j.size > maxKept; j.lines = j.lines[1:] {
		j.size -= len(j.lines[0].Text) + lineCost
	}
	j.pass(line)
}
