package cli

import (
	"bytes"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"hotreload/control"
	"hotreload/supervisor"
)

// console puts hotreload's lines and the workers' output on the same two streams. A line of ours never lands in the
// middle of a line of theirs, and the progress line, which is rewritten in place, never stays in what scrolls by.
type console struct {
	joined  bool // both streams end in the same file
	colored bool // prefixes have colours also where they do not end on a terminal

	mu       sync.Mutex // guards all below, and the order of writes
	streams  [2]stream
	progress string            // what stands on the progress line now
	wanted   map[string]string // service -> what it would have there
	lines    int               // written by workers since counted
	parts    map[source]*part
	blind    bool // the terminal shows what is typed: nobody knows where its cursor is
}

// stream is one of our two outputs.
type stream struct {
	file     *os.File
	terminal bool
	midLine  bool   // the last byte written was not the end of a line
	writer   writer // that wrote it
}

// writer is one worker.
type writer struct {
	service string
	id      int
}

// source is one stream of one worker.
type source struct {
	writer
	stream supervisor.Stream
}

// sink is where the output of one service's workers goes.
type sink struct {
	*console
	service string // "" if it is the only one
	number  int    // of the service, for its colour
	journal *control.Journal
	slots   bool // it has, or has had, several workers; guarded by the console's mu
}

// prefixed reports whether each line says whose it is.
func (s *sink) prefixed() bool { return s.service != "" || s.slots }

// name is what stands in front of a worker's lines.
func (s *sink) name(slot int) (name string, color int) {
	switch {
	case s.service == "":
		return "[" + strconv.Itoa(slot) + "]", slot
	case s.slots:
		return "[" + s.service + " " + strconv.Itoa(slot) + "]", s.number + slot
	}
	return "[" + s.service + "]", s.number
}

// part is the beginning of a line, held back until the rest comes, so that lines of several workers are not torn.
type part struct {
	sink   *sink
	worker supervisor.Worker
	text   []byte
	timer  *time.Timer
}

// A line that is not finished is shown all the same after holdFor, which is longer than a program on a busy machine
// needs to write the rest and felt short enough for what is no line, or when it has holdMost bytes.
const (
	holdFor  = 500 * time.Millisecond
	holdMost = 64 << 10
)

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

func newConsole(stdout, stderr *os.File, colored bool) *console {
	c := &console{colored: colored, joined: sameFile(stdout, stderr), parts: map[source]*part{}, wanted: map[string]string{}}
	c.streams[supervisor.Stdout] = stream{file: stdout, terminal: isTerminal(stdout)}
	c.streams[supervisor.Stderr] = stream{file: stderr, terminal: isTerminal(stderr)}
	return c
}

// output is what a supervisor connects its workers to.
func (s *sink) output() supervisor.Output {
	c := s.console
	out, err := c.streams[supervisor.Stdout], c.streams[supervisor.Stderr]
	return supervisor.Output{
		Write:    s.worker,
		Terminal: [2]bool{out.terminal, err.terminal},
		Joined:   c.joined,
		Size: func() (rows, columns uint16) {
			if rows, columns = terminalSize(err.file); rows == 0 {
				return terminalSize(out.file)
			}
			return rows, columns
		},
	}
}

func sameFile(a, b *os.File) bool {
	ai, err := a.Stat()
	if err != nil {
		return false
	}
	bi, err := b.Stat()
	return err == nil && os.SameFile(ai, bi)
}

// terminal reports whether our own lines go to one.
func (c *console) terminal() bool { return c.streams[supervisor.Stderr].terminal }

// columns is how many fit into a line; 0 = no limit.
func (c *console) columns() int {
	if !c.terminal() {
		return 0
	}
	_, columns := terminalSize(c.streams[supervisor.Stderr].file)
	return int(columns)
}

// say writes a line of our own.
func (c *console) say(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := c.progress
	c.eraseProgress()
	c.endLines()
	_, _ = io.WriteString(c.streams[supervisor.Stderr].file, text+"\n")
	c.showProgress(shown)
}

// setProgress shows what a service is busy with on a line that is rewritten in place; "" takes it away. It needs a
// terminal, and waits while a worker is in the middle of a line there.
func (c *console) setProgress(service, text string) {
	if !c.terminal() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted[service] = text; text == "" {
		delete(c.wanted, service)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.wanted)) {
		if text := c.wanted[name]; name == "" {
			parts = append(parts, text)
		} else {
			parts = append(parts, name+": "+text)
		}
	}
	if text = strings.Join(parts, separator); text != "" {
		text = dim(prefix + text)
	}
	if text == c.progress {
		return
	}
	c.eraseProgress()
	for _, s := range c.streams {
		if s.midLine && s.terminal {
			return
		}
	}
	c.showProgress(text)
}

// clearProgress takes the progress line away until somebody sets it.
func (c *console) clearProgress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.wanted)
	c.eraseProgress()
}

// echoed tells that a key was pressed that the terminal may have shown ("^C").
func (c *console) echoed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := &c.streams[supervisor.Stderr]; c.blind && s.terminal {
		s.midLine = true
	}
}

// echoing says that the terminal shows what is typed.
func (c *console) echoing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blind = true
}

// clear empties the screen.
func (c *console) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal() {
		return
	}
	_, _ = io.WriteString(c.streams[supervisor.Stderr].file, "\x1b[H\x1b[2J\x1b[3J")
	c.progress, c.lines = "", 0
	for i := range c.streams {
		c.streams[i].midLine = c.streams[i].midLine && !c.streams[i].terminal
	}
}

// written returns how many lines the workers have written since forget.
func (c *console) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines
}

// forget begins to count anew.
func (c *console) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = 0
}

// close writes what is held back and leaves the cursor at the left edge, for whoever comes next.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eraseProgress()
	for from := range c.parts {
		c.release(from)
	}
	c.endLines()
}

func (c *console) eraseProgress() {
	if c.progress != "" {
		_, _ = io.WriteString(c.streams[supervisor.Stderr].file, "\r\x1b[K")
		c.progress = ""
	}
}

func (c *console) showProgress(text string) {
	if text != "" {
		_, _ = io.WriteString(c.streams[supervisor.Stderr].file, text)
		c.progress = text
	}
}

// endLines makes sure that what comes next begins at the left edge, of the terminal or of the file in which everything
// comes together. What goes elsewhere stays what the program wrote, to the byte.
func (c *console) endLines() {
	for i := range c.streams {
		if s := &c.streams[i]; s.midLine && (s.terminal || c.joined) {
			_, _ = io.WriteString(s.file, "\n")
			s.midLine = false
		}
	}
}

// worker writes what a worker wrote.
func (k *sink) worker(w supervisor.Worker, to supervisor.Stream, p []byte) {
	k.journal.Output(k.service, w, to, p)
	c := k.console
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := c.progress
	c.eraseProgress()
	c.lines += bytes.Count(p, []byte{'\n'})
	k.slots = k.slots || w.Slot > 0 // it has been scaled
	s := &c.streams[to]
	if k.prefixed() {
		k.gather(w, to, p)
	} else {
		_, _ = s.file.Write(p)
		s.midLine = p[len(p)-1] != '\n'
	}
	if !s.midLine {
		c.showProgress(shown)
	}
}

// gather writes the lines that p completes, and holds back what follows the last of them.
func (k *sink) gather(w supervisor.Worker, to supervisor.Stream, p []byte) {
	c, from := k.console, source{writer{k.service, w.ID}, to}
	whole := bytes.LastIndexByte(p, '\n') + 1
	if whole > 0 {
		c.release(from)
		k.prefix(&c.streams[to], w, p[:whole])
	}
	if whole == len(p) {
		return
	}
	held := c.parts[from]
	if held == nil {
		held = &part{sink: k, worker: w}
		held.timer = time.AfterFunc(holdFor, func() { c.late(from, held) })
		c.parts[from] = held
	}
	held.text = append(held.text, p[whole:]...)
	if len(held.text) > holdMost {
		c.release(from)
	}
}

// late writes a part that has waited long enough.
func (c *console) late(from source, held *part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts[from] == held {
		c.eraseProgress()
		c.release(from)
	}
}

// release writes what is held back of a line.
func (c *console) release(from source) {
	if held := c.parts[from]; held != nil {
		held.timer.Stop()
		delete(c.parts, from)
		held.sink.prefix(&c.streams[from.stream], held.worker, held.text)
	}
}

// prefix writes p with the worker's name before each line.
func (k *sink) prefix(s *stream, w supervisor.Worker, p []byte) {
	var out bytes.Buffer
	by := writer{k.service, w.ID}
	if s.midLine && s.writer != by { // another worker's line is unfinished: it stays so
		out.WriteByte('\n')
		s.midLine = false
	}
	name, color := k.name(w.Slot)
	if s.terminal || k.colored {
		name = paint(slotColors[color%len(slotColors)])(name)
	}
	for line := range bytes.Lines(p) {
		if !s.midLine {
			out.WriteString(name + " ")
		}
		out.Write(line)
		s.midLine = line[len(line)-1] != '\n'
	}
	s.writer = by
	_, _ = s.file.Write(out.Bytes())
}
