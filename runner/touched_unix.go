//go:build unix

package runner

import (
	"time"

	"golang.org/x/sys/unix"
)

// touchedAt is when content or name of a file changed last: the time that no tool sets back. Its clock may be some
// milliseconds behind ours.
func touchedAt(path string) time.Time {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return time.Time{}
	}
	return time.Unix(stat.Ctim.Unix())
}
