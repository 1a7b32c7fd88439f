//go:build unix && !linux

package process

// playFirst: there are no containers here.
func playFirst() {}

func outliveParent() error { return nil }
