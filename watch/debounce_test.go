package watch

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name    string
		touches []time.Duration
		due     time.Duration
	}{
		{"one", []time.Duration{0}, 50 * ms},
		{"each puts it off", []time.Duration{0, 10 * ms, 30 * ms}, 80 * ms},
		{"what was heard late does not call it back", []time.Duration{0, 30 * ms, 10 * ms}, 80 * ms},
		{"not for ever", []time.Duration{0, 45 * ms, 90 * ms, 135 * ms, 180 * ms}, 200 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := window{quiet: 50 * ms, most: 200 * ms}
			start := time.Unix(1000, 0)
			if w.open() || w.over(start) {
				t.Fatal("open before anything happened")
			}
			for _, at := range c.touches {
				w.touch(start.Add(at))
			}
			if have := w.due().Sub(start); have != c.due {
				t.Errorf("due after %v, want %v", have, c.due)
			}
			if w.over(start.Add(c.due-1)) || !w.over(start.Add(c.due)) {
				t.Error("over at another time than due")
			}
			if w.shut(); w.open() {
				t.Error("open after shut")
			}
		})
	}
}
