package watch

import "golang.org/x/sys/unix"

// refresh makes the kernel ask the server instead of the cache: the cache may be a minute old for NFS, a second for
// FUSE. Later questions get the new answer.
func refresh(path string) {
	var st unix.Statx_t
	_ = unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_FORCE_SYNC|unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &st)
}
