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

// selfPath is a path to this binary that stays valid after removal of the file, as by `go run`.
func selfPath() (string, error) { return "/proc/self/exe", nil }

// ownFiles is the folder of a process's own open files.
const ownFiles = "/proc/self/fd/"

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// closeOnExec closes, in workers, the descriptors left open by hotreload's starter (an IDE's terminal, cargo): a
// worker would take a stray 3 for a socket (systemfd#4).
func closeOnExec() {
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11; before, stray descriptors do no other harm
}

// becomeReaper makes orphaned descendants hotreload's children, and reaps them. The goroutine lives as long as the
// program.
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

// reapOrphans reaps zombies for which no goroutine waits.
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

// orphans lists the descendants of one child that have become hotreload's children, by the child's mark.
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

// groupOf lists the living members of a process group.
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

// statOf reads whether a process still holds anything, and the process's group. A zombie holds nothing, and its
// parent reaps it. But while some threads are still exiting, the first thread is already a zombie and the sockets are
// still open.
func statOf(pid int) (alive bool, group int) {
	// PID (COMMAND) STATE PPID PGRP … THREADS …; the command may contain spaces and parentheses
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

// marked lists all processes with a mark that begins with prefix; marks end with a zero.
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

// carries reports whether the initial environment of pid contains want. Other users' environments cannot be read, and
// the environments of zombies are empty; such processes must not be ended.
func carries(pid int, want []byte) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && len(env) > 0 && bytes.Contains(append([]byte{0}, env...), want)
}

// Strays lists the children's living descendants that have become hotreload's own children.
func Strays() []int {
	var pids []int
	for _, pid := range childrenOf(os.Getpid()) {
		table.Lock()
		_, ours := table.children[pid]
		table.Unlock()
		if !ours && carries(pid, []byte("\x00"+Mark+"=")) {
			pids = append(pids, pid)
		}
	}
	return pids
}
