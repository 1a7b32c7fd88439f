package inspect

import "golang.org/x/sys/unix"

// From sys/proc.h.
const (
	flagTraced   = 0x800 // P_TRACED
	stateStopped = 4     // SSTOP
)

func tracingOf(pid int) (most Tracing) {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return Untraced
	}
	family := map[int32]bool{int32(pid): true}
	for grown := true; grown; { // a child may come before its parent
		grown = false
		for _, p := range all {
			if family[p.Eproc.Ppid] && !family[p.Proc.P_pid] {
				family[p.Proc.P_pid], grown = true, true
			}
		}
	}
	for _, p := range all {
		switch {
		case !family[p.Proc.P_pid] || p.Proc.P_flag&flagTraced == 0:
		case p.Proc.P_stat == stateStopped:
			most = Stopped
		default:
			most = max(most, Traced)
		}
	}
	return most
}
