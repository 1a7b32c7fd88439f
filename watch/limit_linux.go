package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	watchesLimit   = "fs.inotify.max_user_watches"
	instancesLimit = "fs.inotify.max_user_instances"
)

// systemLimits are the limits whose use can be counted.
var systemLimits = []string{watchesLimit, instancesLimit}

// limitName returns the limit behind an error. inotify(7) returns ENOSPC when all watches are used ("no space left on
// device" does not refer to a disk). inotify_init returns EMFILE when all instances are used, or all open files of the
// process. Usually the instances are used up: a user has 128, and every editor takes some.
func limitName(err error, making bool) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return watchesLimit
	case errors.Is(err, syscall.ENFILE):
		return "fs.file-max"
	case making && errors.Is(err, syscall.EMFILE):
		f, err := os.Open(os.DevNull)
		if err == nil {
			f.Close()
			return instancesLimit
		}
	}
	return openFilesLimit(err)
}

// limitDetails proposes at least the value that distributions use where the kernel's default is too small.
func limitDetails(name string) (limit string, value, used int, raise string) {
	if name == openFiles {
		var files unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil {
			return name, 0, 0, ""
		}
		value = int(files.Cur)
		more := max(65536, 2*value)
		return name, value, value,
			fmt.Sprintf("sudo prlimit --pid $$ --nofile=%d:%d, and start hotreload again from this shell", more, more)
	}
	value = sysctl(name)
	least := 524288
	switch name {
	case watchesLimit:
		_, used = inotifyUse()
	case instancesLimit:
		used, _ = inotifyUse()
		least = 1024
	}
	// A container may have a smaller limit for its user namespace.
	if own := sysctl(namespaced[name]); own > 0 && own < value {
		name, value = namespaced[name], own
	}
	return name, value, min(used, value), fmt.Sprintf("sudo sysctl %s=%d", name, max(least, 2*value))
}

var namespaced = map[string]string{
	watchesLimit:   "user.max_inotify_watches",
	instancesLimit: "user.max_inotify_instances",
}

// sysctl reads a number; 0 if unreadable.
func sysctl(name string) int {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return 0
	}
	value, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return value
}

// inotifyUse counts the use by this user's programs, as far as /proc is readable.
func inotifyUse() (instances, watches int) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		var st syscall.Stat_t
		if syscall.Stat(process, &st) != nil || int(st.Uid) != os.Geteuid() {
			continue
		}
		files, err := os.ReadDir(process + "/fd")
		if err != nil {
			continue
		}
		for _, f := range files {
			if target, _ := os.Readlink(process + "/fd/" + f.Name()); target == "anon_inode:inotify" {
				instances++
				watches += inotifyWatches(process + "/fdinfo/" + f.Name())
			}
		}
	}
	return instances, watches
}

// inotifyWatches counts the watches of one descriptor.
func inotifyWatches(fdinfo string) int {
	text, _ := os.ReadFile(fdinfo)
	return strings.Count(string(text), "inotify wd:")
}
