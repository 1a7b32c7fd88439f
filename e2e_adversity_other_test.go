//go:build unix && !linux

package main

import "testing"

// peakMemory is not known here.
func peakMemory(*testing.T, int) (kB int) { return 0 }

func asMortal(start func() error) error { return start() }
