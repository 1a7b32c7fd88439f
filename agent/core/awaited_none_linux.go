//go:build 386 || s390x

package core

// awaited is unknown here: package syscall lacks the call.
func awaited(int) bool { return false }
