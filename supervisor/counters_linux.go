package supervisor

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc/PID/stat; USER_HZ is 100 on every Linux that Go runs on (proc(5)).
const clockTick = time.Second / 100

// usage is what a process and its family take.
type usage struct {
	bytes int64
	spent time.Duration
}

// usageOf sums up memory (RSS, bytes) and processor time of a process and those that it started and that run.
func usageOf(pid int) (bytes int64, spent time.Duration, known bool) {
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
	// pid (name) state ppid …: the name may hold anything, so it is counted from the last parenthesis. utime, stime and rss
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
	return usage{bytes: pages * int64(os.Getpagesize()), spent: time.Duration(user+system) * clockTick}, true
}

// waitingAt sums up the accept queues of listening TCP sockets. Of Unix sockets the kernel does not tell.
func waitingAt(ours map[inode]bool) (waiting int, known bool) {
	for _, network := range []string{"tcp", "tcp6"} {
		eachRow("/proc/net/"+network, func(f []string) {
			if len(f) <= 9 || f[3] != "0A" || !ours[inode(f[9])] {
				return
			}
			_, queued, _ := strings.Cut(f[4], ":") // of a listening socket: connections, not bytes
			if n, err := strconv.ParseInt(queued, 16, 64); err == nil {
				waiting, known = waiting+int(n), true
			}
		})
	}
	return waiting, known
}
