//go:build !linux

package supervisor

// Writes cannot be found out cheaply here.
func Writes(int, string) bool { return false }
