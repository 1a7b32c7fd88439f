package gobuild

import (
	"syscall"
	"time"
)

// born returns when a file or folder was created; zero if the system does not tell.
func born(path string) time.Time {
	var stat syscall.Stat_t
	if syscall.Stat(path, &stat) != nil {
		return time.Time{}
	}
	return time.Unix(stat.Birthtimespec.Unix())
}
