//go:build unix && !linux

package process

import "golang.org/x/sys/unix"

// giveWay takes the lowest priority for the group; it is inherited.
func giveWay(pid int) { _ = unix.Setpriority(unix.PRIO_PGRP, pid, 19) }
