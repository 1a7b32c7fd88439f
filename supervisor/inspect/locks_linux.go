package inspect

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file reads from /proc which files processes have locked, and for what the processes wait: proc(5), and
// Documentation/filesystems/proc.rst for the locks in fdinfo (Linux 4.1).

// openFile is a process's descriptor of a file or folder.
type openFile struct {
	pid  int
	fd   string
	path string
}

// filesOf lists the open files of pid and its descendants. known is false if the permission is missing for one of the
// processes.
func filesOf(pid int) (files []openFile, known bool) {
	known = true
	for _, member := range family(pid) {
		dir := "/proc/" + strconv.Itoa(member) + "/fd/"
		entries, err := os.ReadDir(dir)
		if err != nil {
			known = known && !os.IsPermission(err)
			continue
		}
		for _, entry := range entries {
			target, err := os.Readlink(dir + entry.Name())
			if err == nil && target[0] == '/' && !strings.HasPrefix(target, "/dev/") && !strings.HasPrefix(target, "/proc/") {
				files = append(files, openFile{member, entry.Name(), target})
			}
		}
	}
	return files, known
}

// ExclusiveLocks lists the files on which pid and its descendants hold exclusive locks: flock(2), and both kinds of
// fcntl(2).
func ExclusiveLocks(pid int) (locked []string, known bool) {
	files, known := filesOf(pid)
	for _, f := range files {
		info, err := os.ReadFile("/proc/" + strconv.Itoa(f.pid) + "/fdinfo/" + f.fd)
		if err == nil && holdsExclusively(string(info)) && !slices.Contains(locked, f.path) {
			locked = append(locked, f.path)
		}
	}
	return locked, known
}

// holdsExclusively looks for a line such as "lock:	1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF".
func holdsExclusively(info string) bool {
	for line := range strings.Lines(info) {
		fields := strings.Fields(line)
		if len(fields) > 4 && fields[0] == "lock:" && fields[2] != "LEASE" && fields[4] == "WRITE" {
			return true
		}
	}
	return false
}

// StateOf lists the open files of a process and its descendants, and the files in whose locks the processes sleep.
// awaits is true if a process runs, or may be waiting for something other than a lock, such as a timer, the network, a
// child. links is the number of Unix connections to hotreload.
func StateOf(pid, links int) (open, asleep []string, awaits, known bool) {
	files, known := filesOf(pid)
	for _, f := range files {
		open = append(open, f.path)
	}
	members := family(pid)
	awaits = len(members) > 1 || talks(pid, links)
	for _, member := range members {
		dir := "/proc/" + strconv.Itoa(member)
		tasks, _ := os.ReadDir(dir + "/task")
		for _, task := range tasks {
			text, err := os.ReadFile(dir + "/task/" + task.Name() + "/syscall")
			call, ok := parseCall(string(text))
			switch {
			case err != nil || !ok:
				awaits = true // a running thread is in no system call
			case call.onLock():
				if path, err := os.Readlink(dir + "/fd/" + strconv.FormatUint(call.args[0], 10)); err == nil {
					asleep = append(asleep, path)
				}
			case !call.forNothing():
				awaits = true
			}
		}
	}
	return open, append(asleep, blockedOn(members, files)...), awaits, known
}

// call is the system call in which a thread sleeps.
type call struct {
	number int64
	args   [6]uint64
}

// parseCall reads /proc/PID/task/TID/syscall: "running", "-1 SP PC" outside of system calls, or a number, six
// arguments, SP and PC.
func parseCall(text string) (c call, ok bool) {
	fields := strings.Fields(text)
	if len(fields) < 7 {
		return c, false
	}
	var err error
	if c.number, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return c, false
	}
	for i := range c.args {
		if c.args[i], err = strconv.ParseUint(strings.TrimPrefix(fields[1+i], "0x"), 16, 64); err != nil {
			return c, false
		}
	}
	return c, true
}

// onLock reports whether the call waits for a lock on a file. The file's descriptor is the first argument.
func (c call) onLock() bool {
	switch c.number {
	case unix.SYS_FLOCK:
		return true
	case unix.SYS_FCNTL:
		return c.args[1] == unix.F_SETLKW || c.args[1] == unix.F_OFD_SETLKW
	}
	return false
}

// forNothing reports whether threads of an idle Go program sleep in such a call. With a pending timer, the poller's
// epoll call has a time-out.
func (c call) forNothing() bool {
	switch c.number {
	case unix.SYS_FUTEX:
		return true
	case unix.SYS_EPOLL_PWAIT:
		return int32(c.args[3]) == -1
	}
	return false
}

// blockedOn finds in /proc/locks the processes that wait for a lock ("1: -> FLOCK  ADVISORY  WRITE PID DEVICE:INODE 0
// EOF"), and the locked files.
func blockedOn(members []int, files []openFile) (paths []string) {
	table, err := os.Open("/proc/locks")
	if err != nil {
		return nil
	}
	defer table.Close()
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 7 || fields[1] != "->" {
			continue
		}
		pid, err := strconv.Atoi(fields[5])
		if err != nil || !slices.Contains(members, pid) {
			continue
		}
		_, number, _ := cutLast(fields[6], ":")
		for _, f := range files {
			info, err := os.Stat(filepath.Join("/proc", strconv.Itoa(f.pid), "fd", f.fd))
			if err != nil {
				continue
			}
			if stat, ok := info.Sys().(*syscall.Stat_t); ok && strconv.FormatUint(stat.Ino, 10) == number {
				paths = append(paths, f.path)
			}
		}
	}
	return paths
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// talks reports whether an answer may arrive on a connection of a process, other than a connection to hotreload.
func talks(pid, links int) bool {
	if connections, known := connectionsOf(pid); !known || len(connections) > 0 {
		return true
	}
	connected := map[Inode]bool{}
	for _, table := range []struct {
		path          string
		state, number int    // columns
		is            string // state of a connected socket
	}{{"/proc/net/unix", 5, 6, "03"}, {"/proc/net/udp", 3, 9, "01"}, {"/proc/net/udp6", 3, 9, "01"}} {
		eachRow(table.path, func(f []string) {
			if len(f) > table.number && f[table.state] == table.is {
				connected[Inode(f[table.number])] = true
			}
		})
	}
	open := 0
	for _, member := range family(pid) {
		sockets, err := socketsOf(member)
		if err != nil {
			return true
		}
		for _, socket := range sockets {
			if connected[socket] {
				open++
			}
		}
	}
	return open > links
}
