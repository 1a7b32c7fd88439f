//go:build unix && !linux

package watch

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// systemLimits are the limits whose use can be counted.
var systemLimits []string

// limitName: kqueue needs a descriptor for every file in a watched folder.
func limitName(err error, _ bool) string { return openFilesLimit(err) }

func limitDetails(name string) (limit string, value, used int, raise string) {
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil {
		return name, 0, 0, ""
	}
	value = int(files.Cur)
	return name, value, value,
		fmt.Sprintf("ulimit -n %d, and start hotreload again from this shell", max(65536, 2*value))
}
