package supervisor

import (
	"fmt"
	"time"
)

// Limits end a worker's life early: another worker of its generation is started and becomes ready, then the old one
// drains, one after the other. Limits are for programs that grow, and for tests of a program under frequent
// replacement. Zero is no limit.
type Limits struct {
	RSS      int64         // memory of the worker and its children in bytes (Linux)
	Age      time.Duration // since ready; up to a tenth less, so that workers of one age do not go together
	Requests int64         // answered requests, as counted by the agent
}

// rssEvery is how often memory is checked: each check reads a few files in /proc for each worker. Faster growth is left
// to the kernel's OOM killer.
const rssEvery = 5 * time.Second

var testOnlyRSSEvery = rssEvery

// Size is a number of bytes, printed with a unit.
type Size int64

func (s Size) String() string {
	switch {
	case s >= 10<<30:
		return fmt.Sprintf("%d GB", s>>30)
	case s >= 10<<20:
		return fmt.Sprintf("%d MB", s>>20)
	case s >= 10<<10:
		return fmt.Sprintf("%d kB", s>>10)
	}
	return fmt.Sprintf("%d bytes", int64(s))
}

// expires is when a worker reaches its maximal age; zero without a limit.
func (m *machine) expires(w *member) time.Time {
	if m.policy.Limits.Age == 0 || w.retires || !w.serving() || w.Generation != m.target {
		return time.Time{}
	}
	age := m.policy.Limits.Age
	return w.ready.Add(age - time.Duration(float64(age)/10*w.spread))
}

// grow dismisses a worker at its maximal age.
func (m *machine) grow(w *member, now time.Time) {
	if at := m.expires(w); !at.IsZero() && !now.Before(at) {
		m.dismiss(w.ID, fmt.Sprintf("it is %v old", now.Sub(w.ready).Round(time.Second)), now)
	}
}

// holds handles a worker's amount of memory.
func (m *machine) holds(id int, bytes int64, now time.Time) {
	if limit := m.policy.Limits.RSS; limit > 0 && bytes > limit {
		m.dismiss(id, fmt.Sprintf("it holds %v of memory, more than %v", Size(bytes), Size(limit)), now)
	}
}

// countRequests handles the number of requests answered by a worker in its life.
func (m *machine) countRequests(id int, requests int64, now time.Time) {
	if limit := m.policy.Limits.Requests; limit > 0 && requests >= limit {
		m.dismiss(id, fmt.Sprintf("it has answered %d requests", requests), now)
	}
}
