package supervisor

import (
	"fmt"
	"regexp"
	"time"
)

// OnExit tells what to do when a worker exited with an error.
type OnExit uint8

const (
	OnExitAuto    OnExit = iota // restart a program after it has served; others only a few times, see repeats
	OnExitRestart               // restart until the program keeps running
	OnExitWait                  // do not restart before a change or a request
)

var onExits = [...]string{"auto", "restart", "wait"}

func (o OnExit) String() string { return onExits[o] }

// OnExits lists the names.
func OnExits() []string { return onExits[:] }

// ParseOnExit reads a name.
func ParseOnExit(name string) (OnExit, error) {
	for i, known := range onExits {
		if name == known {
			return OnExit(i), nil
		}
	}
	return 0, fmt.Errorf("unknown choice %q: choose auto, restart or wait", name)
}

const (
	forEver     = -1
	maxRepeats  = 3                // for a program that has never served
	longLived   = time.Minute      // longer than a test, or a tool that answers by its exit code
	longForgot  = 10 * time.Minute // after so long, earlier exits do not count
	patientStep = 3                // skipped steps of the back-off, because another program may have to start first
)

// othersWords match errors caused by other programs, perhaps only until those have started.
var othersWords = regexp.MustCompile(
	`(?i)\b(connection refused|connection reset|no such host|no route to host|network is unreachable|` +
		`(i/o |dial |connection )?time(d)?[ -]?out|deadline exceeded|unavailable|starting up|not ready|server misbehaving)\b`,
)

// repeats is how many times in a row a program is restarted without a change after exits with an error. served: the
// program was seen to serve in this run; lived is how long the program was ready. Tests and tools are programs, too: an
// exit with an error reports a result, and the next run would report the same result.
func (o OnExit) repeats(served bool, lived time.Duration, exit Exit) int {
	switch {
	case o == OnExitRestart:
		return forEver
	case o == OnExitWait:
		return 0
	case served || exit.AddressInUse != "": // the address will be free at some time, and the user is told
		return forEver
	case exit.StartError != nil: // only another program can help
		return 0
	case exit.Code > 0 && lived < longLived && !othersWords.MatchString(lastOf(exit.Tail)):
		return 0
	}
	return maxRepeats
}

// rests decides whether a program is not restarted, and counts the restarts.
func (m *machine) rests(w *member, exit Exit, now time.Time) bool {
	lived := time.Duration(0)
	if !w.ready.IsZero() {
		lived = now.Sub(w.ready)
	}
	if lived >= longForgot {
		m.repeated = 0
	}
	most := m.policy.OnExit.repeats(m.useful, lived, exit)
	if m.waiting = most != forEver && m.repeated >= most; !m.waiting {
		m.repeated++
	}
	return m.waiting
}

// delay is the time until the next start.
func (m *machine) delay() time.Duration {
	failures := m.failures
	if !m.useful && m.policy.OnExit == OnExitAuto {
		failures += patientStep
	}
	return nextDelay(failures, m.jitter())
}

// wake ends the waiting and the back-off after a change or a request.
func (m *machine) wake() { m.waiting, m.repeated, m.retryAt = false, 0, time.Time{} }
