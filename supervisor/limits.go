package supervisor

import (
	"fmt"
	"time"
)

// Limits end a worker's life before its time: it is replaced by another of its generation, which is ready before it
// leaves, and one after the other. They are for programs that grow, and to find out whether a program bears it. Zero is no
// limit.
type Limits struct {
	RSS      int64         // bytes of memory that it and its children hold (Linux)
	Age      time.Duration // since it was ready; up to a tenth less, so that workers that came together do not go together
	Requests int64         // that it has answered, as far as its agent counts them
}

// rssEvery is how often memory is looked at: each look reads a few files of /proc for each worker. A worker that grows
// faster than that is the kernel's to stop.
const rssEvery = 5 * time.Second

var testOnlyRSSEvery = rssEvery

// Size is a number of bytes as people write it.
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

// expires is when a worker has reached its age; zero if it does not.
func (m *machine) expires(w *member) time.Time {
	if m.policy.Limits.Age == 0 || w.retires || !w.serving() || w.Generation != m.target {
		return time.Time{}
	}
	age := m.policy.Limits.Age
	return w.ready.Add(age - time.Duration(float64(age)/10*w.spread))
}

// grow lets a worker go that has reached its age.
func (m *machine) grow(w *member, now time.Time) {
	if at := m.expires(w); !at.IsZero() && !now.Before(at) {
		m.dismiss(w.ID, fmt.Sprintf("it is %v old", now.Sub(w.ready).Round(time.Second)), now)
	}
}

// holds notes how much memory a worker has.
func (m *machine) holds(id int, bytes int64, now time.Time) {
	if limit := m.policy.Limits.RSS; limit > 0 && bytes > limit {
		m.dismiss(id, fmt.Sprintf("it holds %v of memory, more than %v", Size(bytes), Size(limit)), now)
	}
}

// served notes how many requests a worker has answered in its life.
func (m *machine) served(id int, requests int64, now time.Time) {
	if limit := m.policy.Limits.Requests; limit > 0 && requests >= limit {
		m.dismiss(id, fmt.Sprintf("it has answered %d requests", requests), now)
	}
}
