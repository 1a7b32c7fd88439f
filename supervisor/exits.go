package supervisor

import (
	"slices"
	"strings"
	"syscall"
	"time"
)

// Ending is one way in which workers of a service have ended, and how often.
type Ending struct {
	Code      int            // -1 when a signal ended it
	Signal    syscall.Signal // 0 unless one did
	Core      bool
	OOM       OOM
	Unstarted bool // it could not be started at all

	Count int
	Asked int       // of these, how often we had asked for it
	Last  time.Time // the last time
	What  string    // Exit.String of that time
	Words string    // the last lines that it wrote to stderr then, at most lastLines
}

// Exits is the table of how the workers of a service have ended, the latest first. It is a value: Note returns another.
type Exits []Ending

// lastLines is how much of a dead worker's words is worth keeping: a panic with the stack of its goroutine.
const lastLines = 20

// Note enters how a worker has ended.
func (x Exits) Note(e Exited, at time.Time) Exits {
	exit := e.Exit
	now := Ending{
		Code: exit.Code, Signal: exit.Signal, Core: exit.Core, OOM: exit.OOM, Unstarted: exit.StartError != nil,
	}
	same := func(old Ending) bool {
		return old.Code == now.Code && old.Signal == now.Signal && old.Core == now.Core && old.OOM == now.OOM && old.Unstarted == now.Unstarted
	}
	rest := slices.Clone(x)
	if i := slices.IndexFunc(rest, same); i >= 0 {
		now = rest[i]
		rest = slices.Delete(rest, i, i+1)
	}
	now.Count++
	if e.Expected {
		now.Asked++
	}
	now.Last, now.What, now.Words = at, exit.String(), lastOf(exit.Tail)
	return slices.Insert(rest, 0, now)
}

// lastOf is the last lines of what may begin in the middle of one.
func lastOf(tail string) string {
	lines := strings.Split(strings.TrimRight(tail, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}
