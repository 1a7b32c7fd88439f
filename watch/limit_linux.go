package watch

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// used counts the inotify watches, or instances, of the processes that we may look into: proc(5), fdinfo.
func used(name string) (n int) {
	infos, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	for _, info := range infos {
		if target, err := os.Readlink(strings.Replace(info, "/fdinfo/", "/fd/", 1)); err != nil || target != "anon_inode:inotify" {
			continue
		}
		if strings.HasSuffix(name, "instances") {
			n++
			continue
		}
		text, _ := os.ReadFile(info)
		n += bytes.Count(text, []byte("inotify wd:"))
	}
	return n
}
