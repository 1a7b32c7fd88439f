package inspect

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// AcceptsItself reports whether a program with an agent accepts by direct system calls, unknown to the agent (gnet,
// netpoll). Such a program accepts on a socket that is not ours. Or it accepts on one of ours: then the program
// watches the socket by an epoll of its own in addition to package net's, or a thread waits in accept.
//
// held returns our sockets. It is called after the program's have been read: otherwise a socket of which we get hold in
// between would be taken for the program's own.
func AcceptsItself(pid int, held func() map[Inode]bool) bool {
	own := listeningOf(pid)
	ours := held()
	if slices.ContainsFunc(own, func(socket Inode) bool { return !ours[socket] }) {
		return true
	}
	dir := "/proc/" + strconv.Itoa(pid)
	listeners, epolls := map[string]Inode{}, []string{}
	entries, _ := os.ReadDir(dir + "/fd")
	for _, entry := range entries {
		target, err := os.Readlink(dir + "/fd/" + entry.Name())
		switch number, socket := strings.CutPrefix(target, "socket:["); {
		case err != nil:
		case socket && ours[Inode(strings.TrimSuffix(number, "]"))]:
			listeners[entry.Name()] = Inode(strings.TrimSuffix(number, "]"))
		case target == "anon_inode:[eventpoll]":
			epolls = append(epolls, entry.Name())
		}
	}
	if len(listeners) == 0 {
		return false
	}
	watched := map[Inode]int{} // the number of epolls
	for _, epoll := range epolls {
		info, _ := os.ReadFile(dir + "/fdinfo/" + epoll)
		seen := map[Inode]bool{}
		for line := range strings.Lines(string(info)) { // tfd:        5 events:       19 data: …
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[0] != "tfd:" {
				continue
			}
			if socket, ok := listeners[fields[1]]; ok && !seen[socket] {
				seen[socket] = true
				watched[socket]++
			}
		}
	}
	for _, epolls := range watched {
		if epolls > 1 {
			return true
		}
	}
	return waitsInAccept(dir, listeners)
}

func waitsInAccept(dir string, listeners map[string]Inode) bool {
	tasks, _ := os.ReadDir(dir + "/task")
	for _, task := range tasks {
		text, _ := os.ReadFile(dir + "/task/" + task.Name() + "/syscall")
		call, ok := parseCall(string(text))
		if ok && call.number == unix.SYS_ACCEPT4 && listeners[strconv.FormatUint(call.args[0], 10)] != "" {
			return true
		}
	}
	return false
}
