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

// Stream is the stream to which a worker wrote.
type Stream uint8

const (
	Stdout Stream = iota
	Stderr
)

// Output is the destination of the workers' output. Output never blocks a worker longer than the destination itself
// would. If the terminal was stopped (Ctrl-S), the oldest lines are dropped. For a slow terminal, and for files and
// pipes, nothing is dropped.
type Output struct {
	// Write gets the workers' output. One goroutine for each worker and stream calls Write; Write may block, and must
	// not keep p.
	Write func(w Worker, s Stream, p []byte)

	// Copy gets the same output, including the part dropped for a stopped terminal. Copy must return at once, and must
	// not keep p. nil = no copy.
	Copy func(w Worker, s Stream, p []byte)

	Terminal [2]bool // Stdout, Stderr: the destination is a terminal, so workers get a terminal, too, and print in colour
	Joined   bool    // both streams go to the same file: workers get one channel, to keep the order

	Size func() (rows, columns uint16) // of the user's terminal
}

const (
	tailSize  = 4 << 10                // size of Exit.Tail
	lastSize  = 32 << 10               // how much of stderr is kept: a panic's stack begins far above the end
	queueSize = 1 << 20                // buffer for a slow terminal
	chunkSize = 32 << 10               // size of one write to the terminal
	patience  = 500 * time.Millisecond // after so long in one write, the terminal counts as stopped

	drainLimit  = 500 * time.Millisecond // how long an exit waits for the last output
	channelSize = 1 << 20                // the most in the channel: a full pipe (pipe(7))
)

// capture is one channel from a worker: a pipe or a pseudo-terminal. The goroutines of a capture end when no process
// has the other end open any more, or when finish gives up.
type capture struct {
	ours, child *os.File
	terminal    bool
	stream      Stream
	done        chan struct{} // everything was read and written
	rest        int           // bytes left to read after finish gave up; owned by the reading goroutine

	mu   sync.Mutex // guards last
	last []byte     // the last output: at least lastSize bytes if there are so many, and less than three times as many
}

func (o Output) copy(w Worker, s Stream, p []byte) {
	if o.Copy != nil {
		o.Copy(w, s, p)
	}
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
			c.terminal = false // no pseudo-terminals here: use a pipe, without colours
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
		out.stream = Stderr // a message about the exit quotes the last output
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

// copyAll copies the output at the pace of the destination.
func (c *capture) copyAll(o Output, w Worker) {
	defer close(c.done)
	defer c.ours.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.read(buffer)
		if n > 0 {
			c.remember(buffer[:n])
			o.copy(w, c.stream, buffer[:n])
			o.Write(w, c.stream, buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// copyDropping copies the output at the pace of the terminal. If the terminal was stopped, the oldest output beyond the
// buffer is dropped, and the gap is marked.
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
				s.config.Output.Write(
					w, c.stream, fmt.Appendf(nil, "\n[hotreload: %d bytes of output dropped, the terminal did not keep up]\n", lost),
				)
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
			s.config.Output.copy(w, c.stream, buffer[:n])
			queue.put(buffer[:n])
		}
		if err != nil { // at the end of a terminal, the error is EIO
			break
		}
	}
	c.ours.Close()
	queue.close()
	<-written
}

// read reads the next output. When finish gives up, all processes of the worker are gone, so the rest of their output
// is in the channel. read then returns the rest, to a destination of any speed, but does not wait for more. A foreign
// process with more to write gets an error for a closed pipe.
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
	if len(p) > lastSize {
		p = p[len(p)-lastSize:]
	}
	if len(c.last) >= 2*lastSize { // rarely, so a write costs no more than its bytes
		c.last = append(c.last[:0], c.last[len(c.last)-lastSize:]...)
	}
	c.last = append(c.last, p...)
}

// lastText returns the last size bytes.
func (c *capture) lastText(size int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.last[max(0, len(c.last)-size):])
}

// finish waits until everything was read and written, at most until limit: a foreign process may hold the other end
// open, or the terminal may be stopped.
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

// queue is a bounded buffer between one reader and one writer. If the queue is full, the reader waits for the writer,
// as the worker would wait for its terminal. If the writer does not take anything for the time of patience, the
// terminal counts as stopped, and the reader drops output instead of waiting.
type queue struct {
	limit    int
	patience time.Duration
	room     chan struct{} // the writer took something

	mu      sync.Mutex // guards all below
	filled  sync.Cond
	data    []byte
	lost    int64
	stopped bool // the writer was away for too long
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
		over += q.limit / 4 // drop more than necessary, because each time copies the buffer
		over = min(over, len(q.data))
		q.lost += int64(over)
		q.data = append(q.data[:0], q.data[over:]...)
	}
	q.filled.Signal()
}

// waitForRoom waits until the writer takes something, and reports whether that happened.
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

// take waits for data, and returns the next part and the number of bytes dropped before that part.
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
	default: // put has not yet noticed an earlier take
	}
	return p, lost, n > 0
}

// stdin passes input to the newest worker.
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

// switchTo sends all further input to w. The previous pipe stays open until its worker is gone, because the end of the
// pipe would tell the worker to exit.
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

// Write passes p to the newest worker. If that worker exits, the next one gets the rest.
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

// leave ends the input to the terminal of an exited worker.
func (s *stdin) leave(w *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == w {
		s.current = nil
	}
}

// typeLimit is how long a key may wait for a program with 4000 unread keys. Felt right, not measured.
const typeLimit = 100 * time.Millisecond

// Type passes keys to the newest worker at once, or drops them, because the worker may be gone or read nothing.
func (s *stdin) Type(keys []byte) {
	s.mu.Lock()
	to := s.current
	s.mu.Unlock()
	if to != nil {
		_ = to.SetWriteDeadline(time.Now().Add(typeLimit))
		_, _ = to.Write(keys)
	}
}

// Typed tells the effect of keys in a worker's terminal.
type Typed struct {
	Taken   bool // there is a worker with a terminal of its own
	Signals bool // Ctrl-C and similar keys send signals, unless the program takes the keys for itself
	Lines   bool // the program reads lines, edited by the user in the terminal: no full-screen program
}

// Typed returns the present state.
func (s *stdin) Typed() Typed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || s.closed {
		return Typed{}
	}
	return typedTo(s.current)
}

// Close ends the input of all workers.
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
