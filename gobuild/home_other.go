//go:build !linux

package gobuild

// startedAs returns the path to start: the link's target, because os.Executable does not follow the link.
func startedAs(path, _ string) string { return path }
