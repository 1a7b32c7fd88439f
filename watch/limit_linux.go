package watch

import (
	"errors"
	"syscall"
)

// limitName: inotify(7) answers ENOSPC when the watches are used up ("no space left on device" has nothing to do with a
// disk), and inotify_init EMFILE when the instances are, or the open files of the process. The instances are the rule:
// they are 128 for each user, and every editor takes some.
func limitName(err error, making bool) (name, file string) {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "fs.inotify.max_user_watches", "/proc/sys/fs/inotify/max_user_watches"
	case making && errors.Is(err, syscall.EMFILE):
		return "fs.inotify.max_user_instances", "/proc/sys/fs/inotify/max_user_instances"
	}
	return openFiles(err), ""
}
