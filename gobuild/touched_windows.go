package gobuild

import (
	"os"
	"time"
)

// touched returns when a file was written last.
func touched(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
