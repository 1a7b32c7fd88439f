//go:build !linux

package supervisor

// countKills: only Linux counts them.
func countKills() killCount { return killCount{} }

// residentSize is not known here.
func residentSize(int) int64 { return 0 }
