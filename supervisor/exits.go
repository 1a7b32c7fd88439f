package supervisor

import (
	"slices"
	"strings"
	"syscall"
	"time"
)

// Ending is one way in which workers of a service ended, with the number of such exits.
type Ending struct {
	Code      int            // -1 if a signal ended the worker
	Signal    syscall.Signal // 0 if no signal ended the worker
	Core      bool
	OOM       OOM
	Unstarted bool // the worker could not be started

	Count int
	Asked int       // number of exits requested by the supervisor
	Last  time.Time // the time of the last exit
	What  string    // Exit.String of the last one
	Words string    // stderr of the last one, at most lastLines lines
}

// Exits is the table of how the workers of a service ended, the latest first. Exits is a value: Note returns a new one.
type Exits []Ending

// lastLines is how many lines of a dead worker's stderr are kept: enough for a panic with the stack of its goroutine.
const lastLines = 20

// Note adds an exit.
func (x Exits) Note(e Exited, at time.Time) Exits {
	exit := e.Exit
	now := Ending{
		Code: exit.Code, Signal: exit.Signal, Core: exit.Core, OOM: exit.OOM, Unstarted: exit.StartError != nil,
	}
	same := func(old Ending) bool {
		return old.Code == now.Code && old.Signal == now.Signal && old.Core == now.Core && old.OOM == now.OOM &&
			old.Unstarted == now.Unstarted
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

// lastOf returns the last lines of a text.
func lastOf(tail string) string {
	lines := strings.Split(strings.TrimRight(tail, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}
