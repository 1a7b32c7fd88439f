//go:build !linux

package inspect

import "time"

func Usage(int) (bytes int64, spent time.Duration, known bool) { return 0, 0, false }
func Queued(map[Inode]bool) (waiting int, known bool)          { return 0, false }
