package host

// exclusive cannot tell here: that nobody listens is what bind has found.
func exclusive(int) bool { return true }
