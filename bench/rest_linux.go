package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// restAfter is how long a process must be at rest before a measurement begins. hotreload waits 2 seconds before it
// confirms a build, which takes as long as go build. hotreload confirms only while the machine is idle; on a busy
// machine it may never be at rest, and the measurement begins after restLimit.
const (
	restAfter = 2500 * time.Millisecond
	restLimit = 90 * time.Second
	restEvery = 100 * time.Millisecond
)

// rest waits until a process is idle: the process and its descendants use hardly any processor time, and no Go tool is
// among them.
func rest(ctx context.Context, pid int) {
	since := time.Now()
	last, _ := work(pid)
	for end := since.Add(restLimit); time.Now().Before(end) && ctx.Err() == nil; {
		pause(ctx, restEvery)
		now, tools := work(pid)
		if tools || now < last || now-last > 2 {
			since = time.Now()
		}
		if last = now; time.Since(since) > restAfter {
			return
		}
	}
}

// work returns the processor time, in ticks, of a process and its descendants, and whether a Go tool is among them.
func work(pid int) (ticks int, tools bool) {
	type process struct {
		parent, ticks int
		name          string
	}
	all := map[int]process{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		open, shut := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		fields := strings.Fields(string(text[shut+1:])) // state, parent, …; utime is the 12th, stime the 13th
		if open < 0 || len(fields) < 13 {
			continue
		}
		id, _ := strconv.Atoi(strings.TrimSpace(string(text[:open])))
		p := process{name: string(text[open+1 : shut])}
		p.parent, _ = strconv.Atoi(fields[1])
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(field)
			p.ticks += n
		}
		all[id] = p
	}
	for id, p := range all {
		for up := id; up > 1; up = all[up].parent {
			if up == pid {
				ticks += p.ticks
				tools = tools || slices.Contains([]string{"go", "compile", "link", "asm", "cgo"}, p.name)
				break
			}
		}
	}
	return ticks, tools
}

// loadNow returns the machine's load.
func loadNow() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	load, _, _ := strings.Cut(string(text), " ")
	return load
}

// memoryOf returns a process's share of the machine's memory.
func memoryOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "unknown"
	}
	said := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		said[name] = strings.TrimSpace(value)
	}
	return said["VmRSS"] + " (at most " + said["VmHWM"] + "), without files " + said["RssAnon"]
}

// residentOf returns a tool's memory, in MB: of its process and of all others with the same executable.
func residentOf(pid int) (mb int) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return 0
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range all {
		if exe, err := os.Readlink(process + "/exe"); err != nil || exe != own {
			continue
		}
		status, _ := os.ReadFile(process + "/status")
		for line := range strings.Lines(string(status)) {
			var kB int
			if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kB); n == 1 {
				mb += kB >> 10
			}
		}
	}
	return mb
}

// watchesOf counts a process's kernel watches of folders and files.
func watchesOf(pid int) (n int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		n += bytes.Count(text, []byte("inotify wd:"))
	}
	return n
}
