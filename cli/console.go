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
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"

	"hotreload/control"
	"hotreload/settings"
	"hotreload/supervisor"
)

// console writes hotreload's lines and the workers' output to the same two streams. A line of hotreload never
// interrupts a line of a worker. The progress line, rewritten in place, never remains in the scrolled output.
type console struct {
	joined  bool                            // both streams lead to the same file
	colored bool                            // prefixes have colours even outside a terminal
	manner  atomic.Pointer[settings.Manner] // for all services; a changed file can change it at any time
	writes  atomic.Int64                    // that have ended
	stuck   atomic.Bool                     // an output takes nothing, and the rest is not printed

	mu      sync.Mutex // guards everything below, and the order of writes
	streams [2]stream
	fresh   freshness // when the screen is cleared before a reload
	progressLine
	unfinished
	lines  int             // lines written by workers since forget
	raw    bool            // lines must end in CR LF: the terminal is in raw mode
	said   chan<- struct{} // called when a program must draw again; nil: there is none
	screen screen          // the terminal's state as changed by a worker,
	drawer writer          // and the worker
	blind  bool            // the terminal echoes typed keys, so its cursor's place is unknown
}

// speak sets the manner from the settings.
func (c *console) speak(v *settings.Values) {
	manner := v.Manner()
	c.manner.Store(&manner)
}

func (c *console) quiet() bool   { return c.manner.Load().Quiet }
func (c *console) verbose() bool { return c.manner.Load().Verbose }

// progressLine is the line rewritten in place.
type progressLine struct {
	progress string            // the present text
	wanted   map[string]string // service -> its text for the line
}

// unfinished are the lines of workers without their end yet.
type unfinished struct {
	parts map[source]*part
	begun control.Lines[source]
}

// stream is one of hotreload's two outputs.
type stream struct {
	file     *os.File
	terminal bool
	midLine  bool   // the last written byte did not end a line
	writer   writer // the source of that byte
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

// sink receives the output of one service's workers.
type sink struct {
	*console
	service string // "" for the only service
	number  int    // number of the service, for its colour
	drawn   bool   // the worker in its first slot has the terminal
	slots   bool   // the service has or had several workers; guarded by the console's mu
}

// prefixed reports whether each line begins with its worker.
func (s *sink) prefixed() bool { return s.service != "" || s.slots }

// name is the text before a worker's lines.
func (s *sink) name(slot int) (name string, color int) {
	switch {
	case s.service == "":
		return "[" + strconv.Itoa(slot) + "]", slot
	case s.slots:
		return "[" + s.service + " " + strconv.Itoa(slot) + "]", s.number + slot
	}
	return "[" + s.service + "]", s.number
}

// part is an unfinished line, held until its end so that lines of several workers do not mix.
type part struct {
	sink   *sink
	worker supervisor.Worker
	timer  *time.Timer
}

// An unfinished line is shown after holdFor, or when it has holdMost bytes. holdFor is longer than a program on a busy
// machine needs for the rest, and felt short enough for prompts.
const (
	holdFor  = 500 * time.Millisecond
	holdMost = 64 << 10
)

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

func newConsole(stdout, stderr *os.File, colored bool) *console {
	c := &console{colored: colored, joined: sameFile(stdout, stderr), unfinished: unfinished{parts: map[source]*part{}},
		progressLine: progressLine{wanted: map[string]string{}}}
	c.speak(settings.NewValues())
	c.streams[supervisor.Stdout] = stream{file: stdout, terminal: isTerminal(stdout)}
	c.streams[supervisor.Stderr] = stream{file: stderr, terminal: isTerminal(stderr)}
	return c
}

// output returns the supervisor's outputs for its workers.
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

// terminal reports whether hotreload's own lines go to a terminal.
func (c *console) terminal() bool { return c.streams[supervisor.Stderr].terminal }

// anyTerminal reports whether one of hotreload's outputs is a terminal.
func (c *console) anyTerminal() bool {
	return c.streams[supervisor.Stdout].terminal || c.terminal()
}

// columns returns the width of the terminal; 0 means no limit.
func (c *console) columns() int {
	if !c.terminal() {
		return 0
	}
	_, columns := terminalSize(c.streams[supervisor.Stderr].file)
	return int(columns)
}

// say writes a line of hotreload.
func (c *console) say(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := c.progress
	c.eraseProgress()
	c.endLines()
	c.streams[supervisor.Stderr].write(c, []byte(text+"\n"))
	c.showProgress(shown)
	c.drawAgain()
}

// drawAgain asks the program that draws to draw again.
func (c *console) drawAgain() {
	select {
	case c.said <- struct{}{}:
	default: // a request is pending, or no program draws
	}
}

// write writes to one of hotreload's outputs.
func (s *stream) write(c *console, p []byte) {
	if c.raw && s.terminal {
		p = bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))
	}
	_, _ = s.file.Write(p)
	c.writes.Add(1)
}

// giveUpAfter is how long an output may take nothing when there is nothing left to do but to print.
const giveUpAfter = time.Second

// finish waits, when all services have ended, until all is printed. A terminal stopped by the user (Ctrl-S) and a pipe
// without a reader take nothing: then the rest is given up, so that hotreload ends all the same, and finish returns
// false.
func (c *console) finish(printed <-chan struct{}) bool {
	check := time.NewTicker(giveUpAfter)
	defer check.Stop()
	for before := c.writes.Load(); ; {
		select {
		case <-printed:
			return true
		case <-check.C:
			now := c.writes.Load()
			if now == before {
				c.stuck.Store(true)
				return false
			}
			before = now
		}
	}
}

// passesAll notes that the terminal is in raw mode from now on. said is called when a program must draw again.
func (c *console) passesAll(said chan<- struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw, c.said = true, said
}

// restore resets the screen if this worker has exited without doing so.
func (c *console) restore(service string, worker int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drawer == (writer{service, worker}) {
		c.restoreLocked()
	}
}

func (c *console) restoreLocked() {
	c.draw(c.screen.undo())
	c.screen = screen{}
}

// leaveScreen resets the screen while the shell has the terminal; comeBack ends this.
func (c *console) leaveScreen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw(c.screen.undo())
}

func (c *console) comeBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw(c.screen.redo())
}

// draw writes escape sequences to the terminal. Afterwards the cursor's place is unknown.
func (c *console) draw(sequences []byte) {
	for i := range c.streams {
		if s := &c.streams[i]; s.terminal && len(sequences) > 0 {
			_, _ = s.file.Write(sequences)
			s.midLine = true
			return
		}
	}
}

// setProgress shows a service's activity on a line rewritten in place; "" removes the text. The line needs a terminal,
// and waits while a worker is in the middle of a line there.
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

// clearProgress removes the progress line until the next setProgress.
func (c *console) clearProgress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.wanted)
	c.eraseProgress()
}

// echoed records a key press that the terminal may have echoed ("^C").
func (c *console) echoed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := &c.streams[supervisor.Stderr]; c.blind && s.terminal {
		s.midLine = true
	}
}

// echoing records that the terminal echoes typed keys.
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

// forget restarts the count.
func (c *console) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = 0
}

// close writes all unfinished lines, and moves the cursor to the left edge for the next program.
func (c *console) close() {
	if c.stuck.Load() {
		return // a write holds the lock
	}
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

// endLines makes the next text begin at the left edge, of the terminal or of the file that receives everything. Other
// output stays byte for byte as the program wrote it.
func (c *console) endLines() {
	for i := range c.streams {
		if s := &c.streams[i]; s.midLine && (s.terminal || c.joined) {
			s.write(c, []byte("\n"))
			s.midLine = false
		}
	}
}

// worker writes a worker's output.
func (k *sink) worker(w supervisor.Worker, to supervisor.Stream, p []byte) {
	c := k.console
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := c.progress
	c.eraseProgress()
	c.lines += bytes.Count(p, []byte{'\n'})
	k.slots = k.slots || w.Slot > 0 // the service has been scaled
	s := &c.streams[to]
	switch {
	case k.drawn && w.Slot == 0 && s.terminal: // byte for byte: the program may draw
		if by := (writer{k.service, w.ID}); by != c.drawer {
			c.restoreLocked()
			c.drawer = by
		}
		c.screen.sees(p)
		_, _ = s.file.Write(p)
		s.midLine = p[len(p)-1] != '\n'
	case k.prefixed():
		k.gather(w, to, p)
	default:
		s.write(c, p)
		s.midLine = p[len(p)-1] != '\n'
	}
	if !s.midLine {
		c.showProgress(shown)
	}
}

// gather writes the lines that p completes, and keeps the unfinished rest.
func (k *sink) gather(w supervisor.Worker, to supervisor.Stream, p []byte) {
	c, from := k.console, source{writer{k.service, w.ID}, to}
	if whole := c.begun.Add(from, p); len(whole) > 0 {
		c.forgetPart(from)
		k.prefix(&c.streams[to], w, whole)
	}
	switch held := c.begun.Held(from); {
	case held > holdMost:
		c.release(from)
	case held > 0 && c.parts[from] == nil:
		begun := &part{sink: k, worker: w}
		begun.timer = time.AfterFunc(holdFor, func() { c.late(from, begun) })
		c.parts[from] = begun
	}
}

// late writes an unfinished line after its wait.
func (c *console) late(from source, held *part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts[from] == held {
		c.eraseProgress()
		c.release(from)
	}
}

// release writes the kept part of a line.
func (c *console) release(from source) {
	if begun := c.forgetPart(from); begun != nil {
		begun.sink.prefix(&c.streams[from.stream], begun.worker, c.begun.Take(from))
	}
}

// forgetPart stops waiting for the rest of a line.
func (c *console) forgetPart(from source) *part {
	begun := c.parts[from]
	if begun != nil {
		begun.timer.Stop()
		delete(c.parts, from)
	}
	return begun
}

// prefix writes p with the worker's name before each line.
func (k *sink) prefix(s *stream, w supervisor.Worker, p []byte) {
	var out bytes.Buffer
	by := writer{k.service, w.ID}
	if s.midLine && s.writer != by { // another worker's line stays unfinished
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
	s.write(k.console, out.Bytes())
}
