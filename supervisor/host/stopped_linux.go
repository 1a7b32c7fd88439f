package host

import (
	"bytes"
	"os"
	"strconv"
)

// mayBeStopped reports whether a process is stopped by a signal or a debugger, or gone.
func mayBeStopped(pid int) bool {
	// PID (NAME) STATE …, where NAME may be anything.
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	end := bytes.LastIndexByte(stat, ')')
	return err != nil || end < 0 || len(stat) < end+3 || stat[end+2] == 'T' || stat[end+2] == 't'
}
