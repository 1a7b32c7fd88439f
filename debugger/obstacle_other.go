//go:build !linux

package debugger

// Obstacle: the debugger does not work on this system at all (Supported).
func Obstacle(bool) (text, hint string) { return "", "" }
