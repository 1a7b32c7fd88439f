//go:build !linux

package inspect

// ExclusiveLocks is not available on this system.
func ExclusiveLocks(int) (files []string, known bool) { return nil, false }

// StateOf is not available on this system.
func StateOf(int, int) (open, asleep []string, awaits, known bool) { return nil, nil, true, false }
