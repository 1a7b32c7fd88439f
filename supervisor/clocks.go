package supervisor

import (
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

const (
	// mendEvery is how often the sockets are checked. Sockets are also checked whenever a worker exits, because most
	// programs shut down their sockets at the end.
	mendEvery = time.Second

	// recheckEvery is how often a blocked supervisor asks Config.Allowed again.
	recheckEvery = time.Second
)

// clocks wake the loop without an input. Unneeded clocks are stopped.
type clocks struct {
	due       *time.Timer  // the machine's deadline
	overtaken int          // inputs handled after this deadline
	health    *time.Ticker // checks the sockets, while there are any
	scales    *time.Ticker // checks the workers' memory and requests, if these are limited
	recheck   *time.Ticker // asks Config.Allowed, while starts are refused
	rechecks  bool
}

func newClocks() clocks {
	c := clocks{
		due: time.NewTimer(time.Hour), health: time.NewTicker(time.Hour), scales: time.NewTicker(time.Hour),
		recheck: time.NewTicker(time.Hour),
	}
	c.stop()
	return c
}

func (c *clocks) stop() {
	c.due.Stop()
	for _, ticker := range []*time.Ticker{c.health, c.scales, c.recheck} {
		ticker.Stop()
	}
}

// setClocks sets the clocks by the machine's state.
func (l *loop) setClocks() {
	l.clocks.due.Stop()
	if at := l.machine.deadline(); !at.IsZero() {
		l.clocks.due.Reset(time.Until(at))
	}
	if blocked := l.machine.blocked != ""; blocked != l.clocks.rechecks {
		l.clocks.rechecks = blocked
		every(l.clocks.recheck, recheckEvery, blocked)
	}
}

// lookAfterSockets starts the clock for sockets if there are any, and stops it otherwise.
func (l *loop) lookAfterSockets() {
	every(l.clocks.health, mendEvery, len(l.sockets.open) > 0 || l.agents != nil)
}

// limit starts the clock for limits if the policy has any, and stops it otherwise.
func (l *loop) limit() {
	limits := l.config.Policy.Limits
	every(l.clocks.scales, testOnlyRSSEvery, limits.RSS > 0 || limits.Requests > 0)
}

// every starts or stops a ticker.
func every(ticker *time.Ticker, interval time.Duration, needed bool) {
	if needed {
		ticker.Reset(interval)
	} else {
		ticker.Stop()
	}
}

type (
	dueInput    struct{} // the machine's deadline
	healthInput struct{} // time to check the sockets
	weighInput  struct{} // time to check the workers' resources
)

func (dueInput) happen(l *loop, now time.Time) { l.machine.tick(now) }

func (healthInput) happen(l *loop, _ time.Time) {
	l.mend()
	process.NoteDaemons()
}

func (weighInput) happen(l *loop, now time.Time) {
	for id, w := range l.workers {
		if bytes, _, known := inspect.Usage(w.Pid()); known {
			l.machine.holds(id, bytes, now)
		}
		if l.config.Policy.Limits.Requests > 0 {
			l.agents.count(id, 0)
		}
	}
}
