//go:build !linux

package watch

// refresh does nothing: this system has no such call. The system's cache of a server's files is a few seconds old at
// most.
func refresh(string) {}
