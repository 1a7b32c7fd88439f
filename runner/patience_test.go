package runner

import (
	"testing"
	"time"
)

// Workers that change a file unseen at their start are replaced more and more slowly, and after a person's repeated
// saves, the last save is in effect.
func TestPatience(t *testing.T) {
	type step struct {
		after time.Duration // of the change, since the last replacement; a replacement follows when the wait is over
		paths []string
		wait  time.Duration
	}
	f, g, other := []string{"/d/f"}, []string{"/d/g"}, []string{"/e/f"}
	const soon = 10 * time.Millisecond
	for name, steps := range map[string][]step{
		"it changes at each start": {
			{0, f, 0}, {soon, f, 0}, {soon, f, time.Second}, {soon, f, 2 * time.Second}, {soon, f, 4 * time.Second},
			{soon, f, 8 * time.Second}, {soon, f, 16 * time.Second}, {soon, f, 30 * time.Second}, {soon, f, 30 * time.Second},
		},
		"under another name each time": {{0, f, 0}, {soon, g, 0}, {soon, f, time.Second}, {soon, g,
			2 * time.Second}},
		"two at each start": {{0, f, 0}, {soon, []string{"/d/f", "/d/g"}, 0}, {soon,
			[]string{"/d/g", "/d/h"}, time.Second}},
		"somebody saves twice, quickly": {{0, f, 0}, {soon, f, 0}, {time.Second, f, 0}, {soon, f, 0}},
		"somebody saves again and again": {{0, f, 0}, {300 * time.Millisecond, f, 0}, {300 * time.Millisecond, f,
			time.Second}, {3 * time.Second, f, 0}},
		"somebody edits it now and then": {{0, f, 0}, {time.Second, f, 0}, {2 * time.Second, f, 0}, {time.Second,
			f, 0}},
		"files of different folders in turns": {{0, f, 0}, {soon, other, 0}, {soon, f, 0}, {soon, other, 0}},
		"after a replacement for another reason": {{0, f, 0}, {soon, f, 0}, {soon, nil, 0}, {soon, f, 0}, {soon, f, 0},
			{soon, f, time.Second}},
		"it has changed before the workers served": {{0, f, 0}, {-soon, f, 0}, {-soon, f, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			var p patience
			now := time.Unix(1e9, 0)
			for i, s := range steps {
				changed := now.Add(s.after)
				var wait time.Duration
				if s.paths != nil {
					wait = p.wait(s.paths, changed)
				}
				if wait != s.wait {
					t.Errorf("step %d: it waits for %s, want %s", i+1, wait, s.wait)
				}
				now = changed.Add(wait)
				p.replaced(s.paths, now)
				now = now.Add(50 * time.Millisecond)
				p.served(now)
			}
		})
	}
}
