package inspect

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotreload/process"
)

// Writing lists the files that these processes and their descendants have open for writing, including descendants
// whose parents have exited. Removed files are left out.
func Writing(pids []int) (paths []string) {
	for _, pid := range append(slices.Clone(pids), process.Strays()...) {
		for _, member := range family(pid) {
			paths = append(paths, writing(member)...)
		}
	}
	return paths
}

// writing lists the files of one process.
func writing(pid int) (paths []string) {
	dir := "/proc/" + strconv.Itoa(pid)
	entries, _ := os.ReadDir(dir + "/fd")
	for _, entry := range entries {
		target, err := os.Readlink(dir + "/fd/" + entry.Name())
		if err != nil || !strings.HasPrefix(target, "/") || strings.HasSuffix(target, " (deleted)") {
			continue
		}
		info, _ := os.ReadFile(dir + "/fdinfo/" + entry.Name())
		_, rest, _ := strings.Cut(string(info), "flags:")
		line, _, _ := strings.Cut(rest, "\n")
		flags, err := strconv.ParseUint(strings.TrimSpace(line), 8, 64)
		if err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY {
			paths = append(paths, target)
		}
	}
	return paths
}

// Loaded lists the files from which these processes and their descendants run code, except for their programs:
// plugins and other shared libraries.
func Loaded(pids []int) (paths []string) {
	for _, pid := range pids {
		for _, member := range family(pid) {
			program, _ := os.Readlink("/proc/" + strconv.Itoa(member) + "/exe")
			maps, _ := os.ReadFile("/proc/" + strconv.Itoa(member) + "/maps")
			for line := range strings.Lines(string(maps)) {
				// ADDRESSES MODE OFFSET DEVICE INODE PATH
				fields := strings.Fields(line)
				start := strings.IndexByte(line, '/')
				if len(fields) < 6 || start < 0 || !strings.Contains(fields[1], "x") {
					continue
				}
				path := strings.TrimSuffix(strings.TrimSuffix(line[start:], "\n"), " (deleted)")
				if path != program && !slices.Contains(paths, path) {
					paths = append(paths, path)
				}
			}
		}
	}
	return paths
}
