package host

// mayBeStopped always returns true: the state is unknown here.
func mayBeStopped(int) bool { return true }
