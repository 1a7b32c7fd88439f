package cli

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"sync"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"

	"hotreload/supervisor"
)

// console puts hotreload's lines and the workers' output on the same two streams. A line of ours never lands in the
// middle of a line of theirs, and the progress line, which is rewritten in place, never stays in what scrolls by.
type console struct {
	prefixed bool // several workers: each line says whose it is

	mu       sync.Mutex // guards all below, and the order of writes
	streams  [2]stream
	progress string // what stands on the progress line now
	lines    int    // written by workers since counted
}

// stream is one of our two outputs.
type stream struct {
	file     *os.File
	terminal bool
	midLine  bool              // the last byte written was not the end of a line
	writer   supervisor.Worker // who wrote it
}

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

func newConsole(stdout, stderr *os.File, prefixed bool) *console {
	c := &console{prefixed: prefixed}
	c.streams[supervisor.Stdout] = stream{file: stdout, terminal: isTerminal(stdout)}
	c.streams[supervisor.Stderr] = stream{file: stderr, terminal: isTerminal(stderr)}
	return c
}

// output is what the supervisor connects the workers to.
func (c *console) output() supervisor.Output {
	out, err := c.streams[supervisor.Stdout], c.streams[supervisor.Stderr]
	return supervisor.Output{
		Write:    c.worker,
		Terminal: [2]bool{out.terminal, err.terminal},
		Joined:   sameFile(out.file, err.file),
		Size:     func() (rows, columns uint16) { return terminalSize(err.file) },
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

// setProgress shows text on a line that is rewritten in place; "" takes it away. It needs a terminal.
func (c *console) setProgress(text string) {
	if !c.streams[supervisor.Stderr].terminal {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if text == c.progress {
		return
	}
	c.eraseProgress()
	if text != "" {
		c.endLines()
	}
	c.showProgress(text)
}

// clear empties the screen.
func (c *console) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[supervisor.Stderr].terminal {
		_, _ = io.WriteString(c.streams[supervisor.Stderr].file, "\x1b[H\x1b[2J\x1b[3J")
		c.progress = ""
	}
}

// writtenSince returns how many lines the workers have written since it was last asked to begin anew.
func (c *console) writtenSince(begin bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lines
	if begin {
		c.lines = 0
	}
	return n
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

// endLines makes sure that what comes next begins at the left edge of the terminal.
func (c *console) endLines() {
	for i := range c.streams {
		if s := &c.streams[i]; s.midLine && s.terminal {
			_, _ = io.WriteString(s.file, "\r\n")
			s.midLine = false
		}
	}
}

// worker writes what a worker wrote.
func (c *console) worker(w supervisor.Worker, to supervisor.Stream, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown := c.progress
	c.eraseProgress()
	c.lines += bytes.Count(p, []byte{'\n'})
	s := &c.streams[to]
	if !c.prefixed {
		_, _ = s.file.Write(p)
		s.midLine = p[len(p)-1] != '\n'
	} else {
		c.prefix(s, w, p)
	}
	if !s.midLine {
		c.showProgress(shown)
	}
}

// prefix writes p with the worker's name before each line.
func (c *console) prefix(s *stream, w supervisor.Worker, p []byte) {
	if s.midLine && s.writer.ID != w.ID { // another worker's line is unfinished: it stays so
		_, _ = io.WriteString(s.file, "\n")
		s.midLine = false
	}
	name := slotColor(w.Slot).Sprint("["+strconv.Itoa(w.Slot)+"]") + " "
	var out bytes.Buffer
	for line := range bytes.Lines(p) {
		if !s.midLine {
			out.WriteString(name)
		}
		out.Write(line)
		s.midLine = line[len(line)-1] != '\n'
	}
	s.writer = w
	_, _ = s.file.Write(out.Bytes())
}

func slotColor(slot int) *color.Color {
	colors := [...]color.Attribute{color.FgCyan, color.FgMagenta, color.FgYellow, color.FgGreen, color.FgBlue, color.FgHiCyan, color.FgHiMagenta, color.FgHiYellow}
	return color.New(colors[slot%len(colors)])
}
