package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Stream says where a worker wrote.
type Stream uint8

const (
	Stdout Stream = iota
	Stderr
)

// Output says what the workers' output is connected to. It never blocks a worker longer than the destination would:
// to a terminal that was stopped (Ctrl-S) the oldest lines are dropped; to one that is slow, and to files and pipes,
// nothing is.
type Output struct {
	// Write takes what a worker wrote. It is called by one goroutine for each worker and stream, may block, and must
	// not keep p.
	Write func(w Worker, s Stream, p []byte)

	Terminal [2]bool // Stdout, Stderr: the destination is a terminal, so that workers get one too, with its colours
	Joined   bool    // both end in the same file: they share one channel, which keeps their order

	Size func() (rows, columns uint16) // of the terminal
}

const (
	tailSize  = 4 << 10                // what is kept of the last words for the exit line
	queueSize = 1 << 20                // what may wait for a terminal that does not keep up
	chunkSize = 32 << 10               // what a terminal is given at once
	patience  = 500 * time.Millisecond // how long it may take for that until it counts as stopped

	drainLimit  = 500 * time.Millisecond // how long an exit waits for the last of the output
	channelSize = 1 << 20                // how much that can be: the most that a pipe holds (pipe(7))
)

// capture is one channel from a worker: a pipe or a pseudo-terminal. Its goroutines end when the last holder of the
// other end is gone, or finish gives up on them.
type capture struct {
	ours, child *os.File
	terminal    bool
	stream      Stream
	done        chan struct{} // everything was read and written
	rest        int           // what may still be read after finish has lost patience; of the reading goroutine

	mu   sync.Mutex // guards tail
	tail []byte
}

// attach connects cmd's stdout and stderr.
func (o Output) attach(cmd *exec.Cmd) (_ []*capture, err error) {
	open := func(s Stream) (*capture, error) {
		c := &capture{stream: s, terminal: o.Terminal[s], done: make(chan struct{})}
		if c.terminal {
			if c.ours, c.child, err = openTerminal(); err == nil {
				c.resize(o)
				return c, nil
			}
			c.terminal = false // no pseudo-terminals here: a pipe carries the words, if not the colours
		}
		c.ours, c.child, err = os.Pipe()
		return c, err
	}
	out, err := open(Stdout)
	if err != nil {
		return nil, err
	}
	cmd.Stdout = out.child
	if o.Joined {
		out.stream = Stderr // its last words are what an exit line quotes
		cmd.Stderr = out.child
		return []*capture{out}, nil
	}
	errs, err := open(Stderr)
	if err != nil {
		out.ours.Close()
		out.child.Close()
		return nil, err
	}
	cmd.Stderr = errs.child
	return []*capture{out, errs}, nil
}

func (c *capture) start(s *Supervisor, w Worker) {
	if c.terminal {
		go c.copyDropping(s, w) // ends at the end of the channel
	} else {
		go c.copyAll(s.config.Output, w) // ends at the end of the channel
	}
}

// copyAll passes everything on, at the pace of the destination.
func (c *capture) copyAll(o Output, w Worker) {
	defer close(c.done)
	defer c.ours.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.read(buffer)
		if n > 0 {
			c.remember(buffer[:n])
			o.Write(w, c.stream, buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// copyDropping passes everything on at the pace of the terminal, while it has one. When the terminal was stopped, what
// does not fit between is dropped, oldest first, and the gap is marked.
func (c *capture) copyDropping(s *Supervisor, w Worker) {
	defer close(c.done)
	queue := newQueue(queueSize, patience)
	written := make(chan struct{})
	go func() { // ends when the queue was closed and is empty
		defer close(written)
		for {
			p, lost, ok := queue.take()
			if !ok {
				return
			}
			if lost > 0 {
				s.config.Output.Write(w, c.stream, fmt.Appendf(nil, "\n[hotreload: %d bytes of output dropped, the terminal did not keep up]\n", lost))
				s.send(droppedInput{Dropped{w, lost}})
			}
			s.config.Output.Write(w, c.stream, p)
		}
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.read(buffer)
		if n > 0 {
			c.remember(buffer[:n])
			queue.put(buffer[:n])
		}
		if err != nil { // EIO is a terminal's end of file
			break
		}
	}
	c.ours.Close()
	queue.close()
	<-written
}

// read reads what comes next. When finish has lost patience the worker and all that it left are gone, so what they
// wrote is in the channel: it is read to its end, at whatever pace the destination takes it, but nothing is waited for
// any more. A stranger who still writes meets a closed pipe.
func (c *capture) read(buffer []byte) (int, error) {
	if c.rest == 0 {
		n, err := c.ours.Read(buffer)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		c.rest = channelSize
	}
	n, err := readNow(c.ours, buffer[:min(len(buffer), c.rest)])
	if c.rest -= n; c.rest == 0 {
		err = io.EOF
	}
	return n, err
}

func (c *capture) remember(p []byte) {
	if c.stream != Stderr {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p) >= tailSize {
		c.tail = append(c.tail[:0], p[len(p)-tailSize:]...)
		return
	}
	if over := len(c.tail) + len(p) - tailSize; over > 0 {
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
	c.tail = append(c.tail, p...)
}

func (c *capture) tailText() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.tail)
}

// finish waits until everything was read and written, but not beyond limit: a stranger may hold the other end, the
// terminal may be stopped.
func (c *capture) finish(limit time.Time) {
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		_ = c.ours.SetReadDeadline(time.Now()) // see read
	}
}

func (c *capture) resize(o Output) bool {
	if !c.terminal || o.Size == nil {
		return false
	}
	rows, columns := o.Size()
	return rows > 0 && setTerminalSize(c.ours, rows, columns) == nil
}

// queue is a bounded buffer between one reader and one writer. While the writer gets on, the reader waits for it when
// the queue is full, as the worker would wait for its terminal. When the writer has not come for the time of patience,
// the terminal was stopped, and the reader goes on alone.
type queue struct {
	limit    int
	patience time.Duration
	room     chan struct{} // the writer has come

	mu      sync.Mutex // guards all below
	filled  sync.Cond
	data    []byte
	lost    int64
	stopped bool // the writer has been away for too long
	closed  bool
}

func newQueue(limit int, patience time.Duration) *queue {
	q := &queue{limit: limit, patience: patience, room: make(chan struct{}, 1)}
	q.filled.L = &q.mu
	return q
}

func (q *queue) put(p []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.data)+len(p) > q.limit && !q.stopped {
		q.mu.Unlock()
		stopped := !q.waitForRoom()
		q.mu.Lock()
		q.stopped = stopped
	}
	q.data = append(q.data, p...)
	if over := len(q.data) - q.limit; over > 0 {
		over += q.limit / 4 // make room for more than this once: dropping is a copy
		over = min(over, len(q.data))
		q.lost += int64(over)
		q.data = append(q.data[:0], q.data[over:]...)
	}
	q.filled.Signal()
}

// waitForRoom waits until the writer has come, and reports whether it has.
func (q *queue) waitForRoom() bool {
	timer := time.NewTimer(q.patience)
	defer timer.Stop()
	select {
	case <-q.room:
		return true
	case <-timer.C:
		return false
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}

// take waits for data and returns what comes next, and how much was lost before it.
func (q *queue) take() (p []byte, lost int64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = false
	for len(q.data) == 0 && !q.closed {
		q.filled.Wait()
	}
	n := min(len(q.data), chunkSize)
	p, lost = q.data[:n:n], q.lost
	q.data, q.lost = q.data[n:], 0
	select {
	case q.room <- struct{}{}:
	default: // it has not been noticed yet that we came before
	}
	return p, lost, n > 0
}

// stdin hands what is written to it to the newest worker.
type stdin struct {
	mu      sync.Mutex // guards all below
	changed sync.Cond
	current *os.File
	closed  bool
}

func newStdin() *stdin {
	s := &stdin{}
	s.changed.L = &s.mu
	return s
}

// switchTo makes w the pipe that input goes to. The pipe before it stays open until its worker is gone: its end would
// tell the worker to finish.
func (s *stdin) switchTo(w *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		w.Close()
		return
	}
	s.current = w
	s.changed.Broadcast()
}

// Write passes p to the newest worker. If that worker goes away, the next one gets what is left.
func (s *stdin) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		s.mu.Lock()
		for s.current == nil && !s.closed {
			s.changed.Wait()
		}
		to := s.current
		if s.closed {
			s.mu.Unlock()
			return written, io.ErrClosedPipe
		}
		s.mu.Unlock()
		n, err := to.Write(p[written:])
		written += n
		if err != nil {
			s.mu.Lock()
			if s.current == to {
				s.current = nil
			}
			s.mu.Unlock()
		}
	}
	return written, nil
}

// Close ends the input.
func (s *stdin) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	if s.current != nil {
		return s.current.Close()
	}
	return nil
}
