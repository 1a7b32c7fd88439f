package supervisor

import (
	"regexp"
	"strings"
	"time"

	"hotreload/supervisor/inspect"
)

// Standing has the facts from the system and the agent about an unready worker next to its old workers: at its death,
// or while the old workers wait. beside.go collects the data; two rules here draw conclusions.
//
// whyDied: did the worker die because of the old ones? A retry alone stops the old workers, so a plain crash must not
// count. A file opened by the worker and locked by an old one is enough. The worker's output alone is not: the output
// must fit a file or address held by the old workers.
//
// whyWaits: does the worker wait for the old ones? A slow start is no such wait. The worker waits if it sleeps in a
// lock of an old one; or if the worker is idle with a file open that an old one has locked (a loop of retries sleeps in
// between); or if the agent has seen no activity for long, and the worker waits for nothing else: no timer, no network,
// no child. A worker with a debugger waits for a person.
type Standing struct {
	Known  bool          // the system tells the open files of processes, and for what they wait
	Asleep string        // the file, locked by an old worker, in whose lock the worker sleeps
	Locked string        // a file opened by the worker and locked exclusively by an old one
	Held   string        // a file locked exclusively by an old worker, used by the worker or not
	Shared string        // a file opened for writing by an old worker, then by the worker: see trail.shared
	Names  bool          // the last output contains the pid of an old worker
	Idle   time.Duration // time since the last opened file, new connection or use of the CPU, as far as known
	Silent time.Duration // time since the last activity or the last wait for something visible
	Awaits bool          // waits for a timer, the network or a child now; or works
	Traced bool          // a debugger is attached
}

// Words for something that can exist only once. The plain ones are clear; the faint ones are also used for unrelated
// errors. "deadlock" is not among them.
var (
	plainWords = regexp.MustCompile(
		`(?i)\b(already (running|started|open(ed)?|exists?|locked)|another (instance|process|copy)|` +
			`file exists|single[ -]instance|locks?|locked|lock ?file|pid ?file)\b`,
	)
	faintWords = regexp.MustCompile(`(?i)\b(unavailable|in use|busy|time(d)?[ -]?out|would block|eagain|try again)\b`)
	faultWords = regexp.MustCompile(`(?m)^(panic: runtime error|fatal error: |\[signal SIG)`)
)

// speech is how clearly a worker's output says that something can exist only once.
type speech uint8

const (
	silent speech = iota
	faintly
	plainly
)

// spoken returns a worker's last output without stacks and file names: those may contain any word.
func spoken(tail string) string {
	words, _, _ := strings.Cut(lastOf(tail), "\ngoroutine ")
	return pathWord.ReplaceAllString(words, "")
}

var pathWord = regexp.MustCompile(`\S*/\S*`)

func speechOf(tail string) speech {
	words := spoken(tail)
	switch {
	case plainWords.MatchString(words):
		return plainly
	case faintWords.MatchString(words):
		return faintly
	}
	return silent
}

// whyDied returns why old workers may have caused the worker's death; zero without an indication. hung: the supervisor
// killed the worker because the worker was not ready in time.
func (s Standing) whyDied(exit Exit, hung bool) Reason {
	if exit.heldByOurs() {
		return Reason{ByAddress, exit.AddressInUse}
	}
	if exit.StartError != nil || exit.AddressInUse != "" || exit.OOM != inspect.NotOOM {
		return Reason{}
	}
	if hung { // if the system tells enough, whyWaits has decided before
		if !s.Known {
			return Reason{Kind: BySilence}
		}
		return Reason{}
	}
	said := speechOf(exit.Tail)
	if exit.Success() && said == silent { // the work may be done
		return Reason{}
	}
	fault := exit.Signal != 0 || faultWords.MatchString(exit.Tail)
	switch {
	case s.Locked != "" && (said > silent || !fault):
		return Reason{ByLock, s.Locked}
	case s.Held != "" && said > silent:
		return Reason{ByLock, s.Held}
	case s.Shared != "" && said == plainly:
		return Reason{ByFile, s.Shared}
	case said == plainly && (s.Names || !s.Known):
		return Reason{ByWords, plainLine(exit.Tail)}
	}
	return Reason{}
}

// logTime matches the time in front of a line of package log.
var logTime = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(\.\d+)? `)

// plainLine returns the last line with plain words.
func plainLine(tail string) string {
	said := ""
	for line := range strings.Lines(lastOf(tail)) {
		if plainWords.MatchString(spoken(line)) {
			said = strings.TrimSpace(logTime.ReplaceAllString(line, ""))
		}
	}
	return said
}

// whyWaits returns why a worker may be waiting for an old one to exit; zero without an indication.
func (s Standing) whyWaits(handover time.Duration) Reason {
	switch {
	case !s.Known || s.Traced:
	case s.Asleep != "":
		return Reason{ByLock, s.Asleep}
	case s.Locked != "" && s.Idle > 0:
		return Reason{ByLock, s.Locked}
	case s.Silent >= handover && !s.Awaits:
		return Reason{Kind: BySilence}
	}
	return Reason{}
}

// outdated reports whether the reason no longer exists, given the files that serving workers have locked.
func (r Reason) outdated(locked []string, known bool) bool {
	return r.Kind == ByLock && known && len(locked) == 0
}
