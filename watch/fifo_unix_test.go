//go:build unix

package watch

import "syscall"

func makeFifo(path string) error { return syscall.Mkfifo(path, 0o644) }
