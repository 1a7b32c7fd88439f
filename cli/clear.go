package cli

import (
	"io"
	"strings"
	"time"

	"hotreload/supervisor"
)

// freshness decides when --clear clears the screen: when a build begins, and when a replacement begins without one. A
// save for several services is one reload for the reader, so the lines of one service must not be cleared away by the
// next one.
type freshness struct {
	active map[string]time.Time // service -> when it last began or ended a reload
	built  map[string]bool      // services with a begun build and no report of its end yet
}

// together is the longest time between the reactions of services to one save, felt right and not measured.
const together = time.Second

// begins notes that a service builds, or replaces its workers, and reports whether the screen is to be cleared.
func (f *freshness) begins(service string, builds bool, now time.Time) bool {
	clear := builds || !f.built[service]
	for other, at := range f.active {
		clear = clear && (other == service || now.Sub(at) > together)
	}
	f.note(service, builds, now)
	return clear
}

// note remembers a service's activity.
func (f *freshness) note(service string, builds bool, now time.Time) {
	if f.active == nil {
		f.active, f.built = map[string]time.Time{}, map[string]bool{}
	}
	f.active[service] = now
	f.built[service] = builds
}

// reloads notes the beginning of a service's build or replacement.
func (c *console) reloads(service string, builds bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh.begins(service, builds, time.Now()) && c.manner.Load().Clear {
		c.scrollAway()
	}
}

// reloaded notes a service's report of the end of its reload.
func (c *console) reloaded(service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh.note(service, false, time.Now())
}

// scrollAway empties the screen, and keeps the lines above. The lines above the cursor scroll out of the screen: as
// many line ends as the screen has rows below its first one move the cursor to the last row, and then scroll exactly
// the lines above it.
func (c *console) scrollAway() {
	rows, _ := terminalSize(c.streams[supervisor.Stderr].file)
	if !c.terminal() || c.raw || rows == 0 {
		return
	}
	c.eraseProgress()
	c.endLines()
	c.lines = 0
	_, _ = io.WriteString(c.streams[supervisor.Stderr].file, strings.Repeat("\n", int(rows)-1)+"\x1b[H\x1b[J")
}
