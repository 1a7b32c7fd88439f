package gobuild

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryRoom returns the free memory: of the machine, and below the limits of our control group and the groups above.
// Cached data count as free. known is false if the system does not tell.
func memoryRoom() (room int64, known bool) {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	machine, _ := os.ReadFile("/proc/meminfo")
	return roomIn("/sys/fs/cgroup", groups, machine)
}

func roomIn(root string, groups, machine []byte) (room int64, known bool) {
	room = math.MaxInt64
	if kilobytes, found := numberAfter(machine, "MemAvailable:"); found { // Linux 3.14
		room, known = kilobytes<<10, true
	}
	for line := range bytes.Lines(groups) {
		fields := strings.SplitN(strings.TrimSpace(string(line)), ":", 3) // NUMBER:CONTROLLERS:PATH, cgroups(7)
		if len(fields) < 3 {
			continue
		}
		switch {
		case fields[0] == "0": // version 2
			for _, mounted := range []string{root, filepath.Join(root, "unified")} {
				eachAbove(mounted, fields[2], func(group string) {
					less(&room, &known, group, "memory.max", "memory.current", "inactive_file ")
					less(&room, &known, group, "memory.high", "memory.current", "inactive_file ")
				})
			}
		case strings.Contains(","+fields[1]+",", ",memory,"): // version 1
			eachAbove(filepath.Join(root, "memory"), fields[2], func(group string) {
				less(&room, &known, group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
			})
		}
	}
	return room, known
}

// eachAbove calls look with the folder of a control group, and of each one above. In a container the path may not
// exist: then the container's own group is at the top.
func eachAbove(mounted, path string, look func(group string)) {
	for path = filepath.Join("/", path); ; path = filepath.Dir(path) {
		look(filepath.Join(mounted, path))
		if path == "/" {
			return
		}
	}
}

// less lowers room to the free memory of a control group, if the group has a limit.
func less(room *int64, known *bool, group, limit, usage, cached string) {
	most, limited := numberIn(filepath.Join(group, limit))
	if !limited || most >= 1<<60 { // version 1 writes a huge number if there is no limit
		return
	}
	used, _ := numberIn(filepath.Join(group, usage))
	stat, _ := os.ReadFile(filepath.Join(group, "memory.stat"))
	free, _ := numberAfter(stat, cached)
	if left := max(most-max(used-free, 0), 0); left < *room {
		*room = left
	}
	*known = true
}

// numberIn returns the number in a file; "max" is not a number.
func numberIn(path string) (n int64, is bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// numberAfter returns the number in the line that begins with name.
func numberAfter(text []byte, name string) (n int64, found bool) {
	for line := range bytes.Lines(text) {
		rest, is := bytes.CutPrefix(line, []byte(name))
		fields := strings.Fields(string(rest))
		if !is || len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		return n, err == nil
	}
	return 0, false
}
