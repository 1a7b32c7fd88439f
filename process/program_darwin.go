package process

import "golang.org/x/sys/unix"

// startedAgain lists the other processes in the group of pid that run a program of the same name.
func startedAgain(pid int) []int {
	group, err := unix.SysctlKinfoProcSlice("kern.proc.pgrp", pid)
	if err != nil {
		return nil
	}
	var name [17]byte
	for _, one := range group {
		if int(one.Proc.P_pid) == pid {
			name = one.Proc.P_comm
		}
	}
	var again []int
	for _, one := range group {
		if int(one.Proc.P_pid) != pid && one.Proc.P_comm == name {
			again = append(again, int(one.Proc.P_pid))
		}
	}
	return again
}
