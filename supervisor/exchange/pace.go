package exchange

import "time"

// pace spreads messages over time: a burst of Pace messages may pass at once, then one after the other.
type pace struct{ free time.Time } // when the next message would be due at an even pace

const evenly = time.Second / Pace

// next returns how long a message that arrived at now has to wait.
func (p *pace) next(now time.Time) time.Duration {
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(evenly)
	return max(0, p.free.Sub(now)-time.Second)
}
