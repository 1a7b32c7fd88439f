package inspect

// OOM tells whether the kernel killed a worker for lack of memory. The parent only sees an ordinary SIGKILL, but the
// kernel counts the kills for lack of memory.
type OOM uint8

const (
	NotOOM   OOM = iota
	MaybeOOM     // a process on this machine was killed so since the worker started
	IsOOM        // a process in the worker's control group was killed so
)

func (o OOM) String() string {
	return [...]string{"", "probably for lack of memory", "for lack of memory"}[o]
}

// Kills is the number of processes killed by the kernel for lack of memory: in a control group and on the machine.
type Kills struct{ group, machine int }

// Since compares two counts.
func (before Kills) Since(now Kills) OOM {
	switch {
	case now.group > before.group:
		return IsOOM
	case now.machine > before.machine:
		return MaybeOOM
	}
	return NotOOM
}
