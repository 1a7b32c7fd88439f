package inspect

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is the memory and CPU time of one process.
type usage struct {
	bytes int64
	spent time.Duration
}

// Usage sums up memory (RSS, bytes) and CPU time of a process and its running descendants.
func Usage(pid int) (bytes int64, spent time.Duration, known bool) {
	for _, one := range family(pid) {
		if u, ok := usageOfOne(one); ok {
			bytes, spent, known = bytes+u.bytes, spent+u.spent, true
		}
	}
	return bytes, spent, known
}

func usageOfOne(pid int) (u usage, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return u, false
	}
	// pid (name) state ppid …: the name may contain anything, so count from the last parenthesis. utime, stime and rss
	// are fields 14, 15 and 24.
	_, after, found := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	fields := strings.Fields(after)
	if !found || len(fields) < 22 {
		return u, false
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	pages, err3 := strconv.ParseInt(fields[21], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return u, false
	}
	return usage{bytes: pages * int64(os.Getpagesize()), spent: time.Duration(user+system) * Tick}, true
}

// Queued sums up the accept queues of listening TCP sockets. For Unix sockets the kernel does not tell.
func Queued(ours map[Inode]bool) (waiting int, known bool) {
	for _, l := range listeners() {
		if ours[l.inode] {
			waiting, known = waiting+l.queued, true
		}
	}
	return waiting, known
}
