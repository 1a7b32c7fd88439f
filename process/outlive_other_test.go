//go:build unix && !linux

package process

// playFirst does nothing: there are no containers here.
func playFirst() {}

func outliveParent() error { return nil }
