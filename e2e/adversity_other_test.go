//go:build unix && !linux

package e2e

import "testing"

// peakMemory is unknown on this system.
func peakMemory(*testing.T, int) (kB int) { return 0 }

func asMortal(start func() error) error { return start() }
