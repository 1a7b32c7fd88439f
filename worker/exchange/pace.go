package exchange

import "time"

// pace spreads messages over time: Pace of them may come at once, and then one after the other.
type pace struct{ free time.Time } // when the message after the last one is due, had they come evenly

const evenly = time.Second / Pace

// next is how long a message that came at now has to wait.
func (p *pace) next(now time.Time) time.Duration {
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(evenly)
	return max(0, p.free.Sub(now)-time.Second)
}
