package runner

import (
	"os"
	"time"
)

// touchedAt is when a file was written last.
func touchedAt(path string) time.Time {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
