package supervisor

// OOM is whether the kernel killed a worker for lack of memory. It does not tell the parent, who sees a SIGKILL like any
// other; but it counts.
type OOM uint8

const (
	NotOOM   OOM = iota
	MaybeOOM     // it has killed somebody on this machine since the worker was started
	IsOOM        // it has killed somebody in the worker's control group
)

func (o OOM) String() string {
	return [...]string{"", "probably for lack of memory", "for lack of memory"}[o]
}

// killCount is how many processes the kernel has killed for lack of memory: in a control group and on the machine.
type killCount struct{ group, machine int }

// oomSince compares two counts.
func (before killCount) oomSince(now killCount) OOM {
	switch {
	case now.group > before.group:
		return IsOOM
	case now.machine > before.machine:
		return MaybeOOM
	}
	return NotOOM
}
