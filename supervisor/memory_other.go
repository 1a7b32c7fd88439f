//go:build !linux

package supervisor

// countKills: only Linux counts them.
func countKills() killCount { return killCount{} }
