//go:build !linux

package supervisor

import "time"

func usageOf(int) (bytes int64, spent time.Duration, known bool) { return 0, 0, false }
func waitingAt(map[inode]bool) (waiting int, known bool)         { return 0, false }
