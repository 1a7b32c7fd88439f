//go:build unix

package worker

import "syscall"

// closeOnExec keeps a descriptor from what the program starts.
func closeOnExec(fd int) { syscall.CloseOnExec(fd) }
