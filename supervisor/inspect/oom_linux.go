package inspect

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// GroupEvents returns the file with the counts of memory events of hotreload's control group, in which workers start,
// too; "" if there is none. In a container the group's path may not exist; then the root is the container's group.
func GroupEvents(root string, cgroups []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(cgroups)); lines.Scan(); {
		fields := strings.SplitN(lines.Text(), ":", 3) // NUMBER:CONTROLLERS:PATH, cgroups(7)
		if len(fields) < 3 {
			continue
		}
		var candidates []string
		switch {
		case fields[1] == "memory": // version 1
			dir := filepath.Join(root, "memory")
			candidates = []string{filepath.Join(dir, fields[2], "memory.oom_control"), filepath.Join(dir, "memory.oom_control")}
		case fields[0] == "0": // version 2
			candidates = []string{filepath.Join(root, fields[2], "memory.events"), filepath.Join(root, "memory.events")}
		}
		for _, path := range candidates {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

// CountKills reads the kernel's counters.
func CountKills() Kills {
	var c Kills
	if cgroups, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		if path := GroupEvents("/sys/fs/cgroup", cgroups); path != "" {
			c.group = counter(path)
		}
	}
	c.machine = counter("/proc/vmstat") // Linux 4.13
	return c
}

// counter finds the line "oom_kill N".
func counter(path string) int {
	text, _ := os.ReadFile(path)
	for line := range bytes.Lines(text) {
		if number, found := bytes.CutPrefix(line, []byte("oom_kill ")); found {
			n, _ := strconv.Atoi(string(bytes.TrimSpace(number)))
			return n
		}
	}
	return 0
}
