package supervisor

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Writes reports whether pid, or a descendant, has the file open for writing, or one to which it belongs: a database's
// journal has the database's name and more (data.db-wal, data.db-journal).
func Writes(pid int, path string) bool {
	for _, member := range family(pid) {
		dir := "/proc/" + strconv.Itoa(member)
		entries, _ := os.ReadDir(dir + "/fd")
		for _, entry := range entries {
			target, err := os.Readlink(dir + "/fd/" + entry.Name())
			if err != nil || target != path && !strings.HasPrefix(path, target+"-") {
				continue
			}
			info, _ := os.ReadFile(dir + "/fdinfo/" + entry.Name())
			_, rest, _ := strings.Cut(string(info), "flags:")
			line, _, _ := strings.Cut(rest, "\n")
			flags, err := strconv.ParseUint(strings.TrimSpace(line), 8, 64)
			if err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY {
				return true
			}
		}
	}
	return false
}
