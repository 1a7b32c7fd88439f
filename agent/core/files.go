//go:build linux || darwin

package core

import (
	"os"
	"sync"
	"syscall"
	"time"

	"hotreload/agent/protocol"
)

// Logger is internal/testlog.Interface.
type Logger interface {
	Getenv(key string)
	Stat(file string)
	Open(file string)
	Chdir(dir string)
}

// files is the Logger. It reports which files the program opens, and the state in which the program leaves the files
// that it writes (written.go). A goroutine of files sends the reports, so the program does not wait for the
// supervisor. Written files are an exception, reported before they are closed, because the program may be about to
// exit.
//
// # Reported once
//
// For each path, files reports the first opening, and the first opening after the first accept. A second opening is
// reported if it proves that the program opens the file again and again, rather than once for ever: the opening
// belongs to a later request, and no other file was opened for the first time at the same moment. (A cache of pages
// with a common frame opens the frame with each new page, and keeps all pages.) From then on, an opening is only
// counted. Counting costs two lookups: no memory, and no system call.
type files struct {
	link *link
	wake chan struct{} // has room for one

	sending sync.Mutex // held while frames are taken and sent, to keep their order

	writing int32 // atomic: a file may be open for writing, so closed descriptors must be checked

	mu         sync.Mutex          // guards all below
	folder     string              // current, absolute; "" if unknown
	paths      map[string]*opening // by absolute path
	names      map[string]*opening // by the program's name for the file, in the current folder
	places     map[stack]*place
	serves     bool       // a first accept has happened
	newest     moment     // when a file was last opened for the first time
	candidates []*opening // opened a second time, which may prove something
	counted    []*opening // opened since the last report of counts
	full       bool       // more than maxFiles are known
	timer      *time.Timer
	queue      []byte // frames to send

	unknown      int           // openings for writing whose descriptors are unknown
	looked       int64         // time of the last search for these descriptors
	since, until int64         // times of the first and the last of these openings
	writers      map[int]int64 // descriptors open for writing -> since when at the earliest
}

// opening is the agent's knowledge of one path.
type opening struct {
	path    string
	told    byte   // how the file was opened, as far as reported
	late    bool   // since the first accept
	count   uint32 // number of openings for reading, since the first accept if late
	heard   uint32 // the reported part of count
	counted bool   // in files.counted
	proved  bool   // reported as opened repeatedly
	waits   bool   // in files.candidates
	first   moment // the first opening for reading
	again   moment // the next one
	by      *place // the place of the reported opening
}

// moment is a time, with the number of requests begun by then, and how many of these were in flight.
type moment struct {
	at                 int64 // nanoseconds since 1970
	requests, inFlight uint64
}

const (
	// maxFiles is how many files are reported before the program is ready, and again afterwards.
	maxFiles = 10000

	// beside is how soon after a repeated opening a first opening counts as part of the same work; and how long a
	// file must be open to count as staying open. Felt right, not measured.
	beside = 100 * time.Millisecond

	// apart is the pause between two pieces of work, if no requests separate them. Felt right, not measured.
	apart = time.Second
)

func newFiles(l *link) *files {
	folder, _ := os.Getwd()
	return &files{
		link: l, wake: make(chan struct{}, 1), folder: folder,
		paths: map[string]*opening{}, names: map[string]*opening{}, places: map[stack]*place{}, writers: map[int]int64{},
	}
}

// Getenv and Stat are not needed.
func (f *files) Getenv(string) {}
func (f *files) Stat(string)   {}

// Chdir gets the new current folder, absolute.
func (f *files) Chdir(dir string) {
	f.mu.Lock()
	f.folder = dir
	f.names = map[string]*opening{}
	f.mu.Unlock()
}

// Open is called before a file is opened.
func (f *files) Open(name string) {
	if name == "" {
		return
	}
	var s stack
	s.here()
	f.mu.Lock()
	p := f.places[s]
	if p == nil {
		p = f.locate(s)
	}
	urgent := p.how != 0 && f.note(name, p)
	f.mu.Unlock()
	if urgent {
		f.flush(false, false)
	}
}

// note records an opening. The queue must be sent at once (urgent) if the program may be about to exit because of the
// file, such as another process's lock or pid file.
func (f *files) note(name string, p *place) (urgent bool) {
	if p.how != protocol.ToRead {
		f.mayBeWritten()
	}
	o := f.names[name]
	if o == nil {
		if o = f.meet(name); o == nil {
			return false
		}
	}
	if o.late != f.serves {
		o.late, o.told, o.count, o.heard, o.proved = f.serves, 0, 0, 0, false
	}
	if p.how != protocol.ToWrite {
		f.count(o)
	}
	switch {
	case o.told&p.how == 0:
		o.told |= p.how
		o.by = p
		m := now()
		if p.how == protocol.ToRead {
			o.first, f.newest = m, m
			f.unprove(m)
		}
		f.tell(p.how, o, m.at)
		if p.how != protocol.ToRead && !f.serves {
			return true
		}
		f.ring()
	case p.how == protocol.ToRead && !o.proved && !o.waits:
		f.reopened(o)
	}
	return false
}

// meet finds or creates the entry of a path that has a new name; nil if the path is not reported.
func (f *files) meet(name string) *opening {
	path := name
	if name[0] != '/' {
		if f.folder == "" {
			return nil
		}
		path = f.folder + "/" + name
	}
	o := f.paths[path]
	switch {
	case o != nil:
	case len(path) > protocol.MaxPath || kernels(path):
		return nil
	case len(f.paths) >= maxFiles:
		if !f.full {
			f.full = true
			f.queue = protocol.AppendOpened(f.queue, protocol.FileOpening{How: protocol.TooMany, At: now().at, Path: path})
			f.ring()
		}
		return nil
	default:
		o = &opening{path: path}
		f.paths[path] = o
	}
	if len(f.names) >= 2*maxFiles { // the program has many names for few files
		f.names = map[string]*opening{}
	}
	f.names[name] = o
	return o
}

// kernels reports whether a path is not a real file: the kernel makes the content when a program reads it.
func kernels(path string) bool {
	for _, prefix := range [...]string{"/proc/", "/sys/", "/dev/"} {
		if hasPrefix(path, prefix) {
			return !hasPrefix(path, "/dev/shm/")
		}
	}
	return false
}

func hasPrefix(s, prefix string) bool { return len(s) >= len(prefix) && s[:len(prefix)] == prefix }

// now returns the moment.
func now() moment {
	m := moment{at: time.Now().UnixNano()}
	if Requests != nil {
		inFlight, served := Requests()
		m.inFlight, m.requests = inFlight, inFlight+served
	}
	return m
}

// with reports whether m and the later n may belong to the same request, or, without requests, to the same piece of
// work.
func (m moment) with(n moment) bool {
	if m.requests == 0 || n.inFlight == 0 { // nothing counts requests, or none is in flight
		return m.at-n.at < int64(beside) && n.at-m.at < int64(beside)
	}
	return n.requests-n.inFlight < m.requests // the oldest request in flight at n had begun by m
}

// later reports whether m belongs to a later request than n.
func (m moment) later(n moment) bool {
	return m.inFlight > 0 && m.requests > n.requests || m.at-n.at >= int64(apart)
}

// reopened records a second opening, if it may prove something: it is later than the first opening, and not beside
// the first opening of another file.
func (f *files) reopened(o *opening) {
	m := now()
	if !m.later(o.first) || f.newest.with(m) && f.newest.at != o.first.at || len(f.candidates) >= maxFiles {
		return
	}
	o.again, o.waits = m, true
	f.candidates = append(f.candidates, o)
	f.ringLater()
}

// unprove drops the candidates that were opened beside the first opening of another file.
func (f *files) unprove(m moment) {
	kept := f.candidates[:0]
	for _, o := range f.candidates {
		if o.again.with(m) {
			o.waits = false
		} else {
			kept = append(kept, o)
		}
	}
	f.candidates = kept
}

// prove reports the candidates that were not opened beside the first opening of another file.
func (f *files) prove(at int64) {
	kept := f.candidates[:0]
	for _, o := range f.candidates {
		if at-o.again.at < int64(beside) {
			kept = append(kept, o)
			continue
		}
		o.waits = false
		if o.late == f.serves { // otherwise the opening was before the first accept
			o.proved = true
			f.tell(protocol.Again, o, o.again.at)
		}
	}
	f.candidates = kept
	if len(kept) > 0 {
		f.ringLater()
	}
}

func (f *files) count(o *opening) {
	o.count++
	if !o.counted {
		o.counted = true
		f.counted = append(f.counted, o)
	}
}

// tell queues a report.
func (f *files) tell(how byte, o *opening, at int64) {
	o.heard = o.count
	var stat syscall.Stat_t
	missing := how&(protocol.ToRead|protocol.ToReadOrWrite) != 0 && syscall.Stat(o.path, &stat) == syscall.ENOENT
	f.queue = protocol.AppendOpened(f.queue, protocol.FileOpening{
		How: how, Missing: missing, Purpose: o.by.purpose, At: at, Count: o.count, Path: o.path, Caller: o.by.caller,
	})
}

// ring starts sending the queue.
func (f *files) ring() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// ringLater starts a look at the candidates and descriptors after a while.
func (f *files) ringLater() {
	if f.timer == nil {
		f.timer = time.AfterFunc(beside, f.ring)
	} else {
		f.timer.Reset(beside)
	}
}

// flush sends the queue: openings before this call are reported before any later report. The first call with ready
// clears the record of reports, so files that the serving program opens again are reported again. With asked, the
// supervisor waits for everything known, including counts.
func (f *files) flush(ready, asked bool) {
	f.sending.Lock()
	defer f.sending.Unlock()
	f.mu.Lock()
	at := time.Now().UnixNano()
	f.prove(at)
	f.lookForWriters(at, asked)
	if asked {
		for _, o := range f.counted {
			o.counted = false
			if o.by != nil && o.heard != o.count {
				f.tell(protocol.Counted, o, at)
			}
		}
		f.counted = f.counted[:0]
	}
	f.serves = f.serves || ready
	frames := f.queue
	f.queue = nil
	f.mu.Unlock()
	if len(frames) > 0 {
		_ = f.link.write(frames, -1) // if the supervisor is gone, hearSupervisor notices
	}
}

// reportFiles sends the queue, as long as the program runs.
func (f *files) reportFiles() {
	for range f.wake {
		f.flush(false, false)
	}
}
