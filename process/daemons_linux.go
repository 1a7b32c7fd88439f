package process

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// osProcess holds facts about a child besides its pid.
type osProcess struct {
	apart map[int]uint64 // recorded daemons of the child, with their start times; guarded by table
}

func noteDaemons() {
	table.Lock()
	defer table.Unlock()
	ours, _ := unix.Getsid(0)
	for _, pid := range childrenOf(os.Getpid()) {
		if _, known := table.children[pid]; known {
			continue
		}
		d, there := lifeOf(pid)
		if !there || d.session == ours || d.terminal != 0 {
			continue
		}
		env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil {
			continue
		}
		for _, p := range table.children {
			if p != nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+Mark+"="+p.mark+"\x00")) {
				if p.os.apart == nil {
					p.os.apart = map[int]uint64{}
				}
				p.os.apart[pid] = d.started
			}
		}
	}
}

// daemons lists the recorded daemons that still run.
func (p *Process) daemons() []int {
	table.Lock()
	defer table.Unlock()
	var pids []int
	for pid, started := range p.os.apart {
		if d, there := lifeOf(pid); there && d.started == started {
			pids = append(pids, pid)
		}
	}
	return pids
}

// life tells a process from a later process with the same pid, and holds the process's group and session.
type life struct {
	session, terminal int
	started           uint64 // ticks since the start of the machine
}

func lifeOf(pid int) (l life, there bool) {
	// as in statOf: after the command STATE PPID PGRP SESSION TTY …, and STARTTIME is the twentieth
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if err != nil || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return life{}, false
	}
	l.session, _ = strconv.Atoi(fields[3])
	l.terminal, _ = strconv.Atoi(fields[4])
	l.started, _ = strconv.ParseUint(fields[19], 10, 64)
	return l, true
}

// startedAgain lists the descendants of pid in pid's group that run the same file.
func startedAgain(pid int) []int {
	program, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return nil
	}
	var again []int
	family := []int{pid}
	for i := 0; i < len(family); i++ {
		for _, child := range childrenOf(family[i]) {
			family = append(family, child)
			if _, group := statOf(child); group != pid {
				continue
			}
			if file, err := os.Stat("/proc/" + strconv.Itoa(child) + "/exe"); err == nil && os.SameFile(file, program) {
				again = append(again, child)
			}
		}
	}
	return again
}
