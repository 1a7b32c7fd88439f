package supervisor

import "time"

// Back-off of a service whose workers die before they are stable: 100 ms, doubled with each failure in a row, at most
// 5 s, spread by 20 % to either side. 100 ms is frankenphp's and systemd's first step; the cap is what a person who
// has just fixed a database by hand will wait without reaching for a key.
const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
)

// nextDelay is how long to wait after the failures-th failure in a row, counted from 1. spread in [0,1) picks the
// place within the 20 %.
func nextDelay(failures int, spread float64) time.Duration {
	delay := firstDelay
	for range failures - 1 {
		if delay *= 2; delay >= maxDelay {
			delay = maxDelay
			break
		}
	}
	return time.Duration(float64(delay) * (0.8 + 0.4*spread))
}
