package runner

import (
	"os"
	"time"
)

// touchedAt returns when a file was written last.
func touchedAt(path string) time.Time {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// look returns the present state of a file. No agent reports inodes on Windows.
func look(path string) (s stamp) {
	info, err := os.Stat(path)
	if err != nil {
		return s
	}
	return stamp{modified: info.ModTime(), touched: info.ModTime(), dir: info.IsDir()}
}
