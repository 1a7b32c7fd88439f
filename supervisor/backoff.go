package supervisor

import "time"

// Back-off of a service with workers that die before they are stable: 100 ms, doubled with each failure in a row, up to
// 5 s, and spread by 20 % to either side. 100 ms is the first step of frankenphp and systemd. 5 s is how long a person
// will wait without pressing a key, just after the repair of a database.
const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
)

// nextDelay is the delay after the given number of failures in a row. spread in [0,1) chooses the value within the 20
// %.
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
