package gobuild

// reuse does nothing on Windows. A name of a running binary cannot be removed there, so go could not write to it; go
// links as usual.
func reuse(path, out string) {}
