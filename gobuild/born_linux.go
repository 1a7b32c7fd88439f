package gobuild

import (
	"time"

	"golang.org/x/sys/unix"
)

// born returns when a file or folder was created; zero if the system does not tell. The inode's number is not enough:
// on ext4 a folder removed and created again usually gets the same number.
func born(path string) time.Time {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BTIME, &stat)
	if err != nil || stat.Mask&unix.STATX_BTIME == 0 {
		return time.Time{}
	}
	return time.Unix(stat.Btime.Sec, int64(stat.Btime.Nsec))
}
