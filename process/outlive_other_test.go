//go:build unix && !linux

package process

func outliveParent() error { return nil }
