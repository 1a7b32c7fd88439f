package process

import "golang.org/x/sys/unix"

// giveWay uses SCHED_IDLE, which children inherit and which yields a processor at once (niceness alone keeps a
// share), and the equivalent for disks.
func giveWay(pid int) {
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, 19)
	_ = unix.SchedSetAttr(pid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: 19}, 0)
	const process, idle = 1, 3 << 13 // IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, process, uintptr(pid), idle)
}
