package process

import (
	"bytes"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// selfPath is a path to this very binary that stays good when the file is gone, as that of `go run` soon is.
func selfPath() (string, error) { return "/proc/self/exe", nil }

// ownFiles is where a process finds what it has open, by number.
const ownFiles = "/proc/self/fd/"

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// closeOnExec keeps descriptors that our own starter left open (an IDE's terminal, cargo) from reaching workers, who
// would take a stray 3 for a socket of theirs (systemfd#4).
func closeOnExec() {
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11; before it nothing is lost but tidiness
}

// becomeReaper makes descendants that lose their parent our children, and reaps those that end. The goroutine lives
// as long as the program.
func becomeReaper() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // Linux 3.4
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			reapOrphans()
		}
	}()
}

// reapOrphans waits for those zombies among our children that nobody else waits for.
func reapOrphans() {
	table.Lock()
	defer table.Unlock()
	for _, pid := range childrenOf(os.Getpid()) {
		if _, ours := table.children[pid]; !ours {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// childrenOf lists the children of pid, zombies included, from /proc/PID/task/*/children.
func childrenOf(pid int) []int {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, _ := os.ReadDir(dir)
	var pids []int
	for _, task := range tasks {
		list, _ := os.ReadFile(dir + task.Name() + "/children")
		for _, field := range strings.Fields(string(list)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// orphans lists the descendants of one child that have come to us, recognised by the child's mark.
func orphans(mark string) []int {
	var pids []int
	for _, pid := range childrenOf(os.Getpid()) {
		if carries(pid, []byte("\x00"+Mark+"="+mark+"\x00")) {
			table.Lock()
			_, ours := table.children[pid]
			table.Unlock()
			if !ours {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// groupOf lists the members of a process group that are alive.
func groupOf(pgid int) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if alive, group := statOf(pid); alive && group == pgid {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func alive(pid int) bool {
	alive, _ := statOf(pid)
	return alive
}

// statOf reads whether a process still holds anything, and its group. A zombie does not, and whoever made it reaps it;
// but while threads of it are still on their way out, the first one is called a zombie already and the sockets are
// still open.
func statOf(pid int) (alive bool, group int) {
	// PID (COMMAND) STATE PPID PGRP … THREADS …; the command may hold spaces and parentheses
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 18 {
		return false, 0
	}
	threads, _ := strconv.Atoi(fields[17])
	group, _ = strconv.Atoi(fields[2])
	return fields[0] != "Z" && fields[0] != "X" || threads > 1, group
}

// belongs reports whether the mark of pid begins with prefix.
func belongs(pid int, prefix string) bool { return carries(pid, []byte("\x00"+Mark+"="+prefix)) }

// marked lists all processes whose mark begins with prefix; marks end with a zero.
func marked(prefix string) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && belongs(pid, prefix) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// carries reports whether the environment that pid was started with contains the bytes of want. Those of other users
// cannot be read, and those of zombies are empty: neither is ours to end.
func carries(pid int, want []byte) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && len(env) > 0 && bytes.Contains(append([]byte{0}, env...), want)
}
