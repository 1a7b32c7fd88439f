//go:build unix && !linux

package process

import "golang.org/x/sys/unix"

// giveWay sets the lowest priority for the group; children inherit the priority.
func giveWay(pid int) { _ = unix.Setpriority(unix.PRIO_PGRP, pid, 19) }
