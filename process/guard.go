//go:build unix

package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// guardGrace is how long the guard lets orphaned processes end by themselves before it kills them. All must be gone
// within a second of our death.
const guardGrace = 300 * time.Millisecond

// guard is our end of the guard's pipe. Closing it, or dying, sets the guard off.
var guard struct {
	sync.Mutex
	pipe *os.File
}

// startGuard starts the guard once. Without one (it could not be started) the other nets remain.
func startGuard() error {
	self, err := selfPath()
	if err != nil {
		return fmt.Errorf("find own executable for the guard: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("pipe to the guard: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(self)
	cmd.Args = []string{guardName, runID()}
	cmd.Stdin = r
	cmd.Dir = "/" // it must be there, whatever becomes of ours
	detach(cmd)
	if err := cmd.Start(); err != nil {
		w.Close()
		return fmt.Errorf("start the guard: %w", err)
	}
	table.Lock()
	if table.children == nil {
		table.children = map[int]*Process{}
	}
	table.children[cmd.Process.Pid] = nil // known, so that the reaper leaves it to the Wait below
	table.Unlock()
	go func() { _ = cmd.Wait() }() // ends with the guard, which ends after us or is reaped here
	guard.Lock()
	guard.pipe = w
	guard.Unlock()
	return nil
}

func guardAdd(pid int)    { guardSay('+', pid) }
func guardRemove(pid int) { guardSay('-', pid) }

func guardSay(verb byte, pid int) {
	guard.Lock()
	defer guard.Unlock()
	if guard.pipe == nil {
		return
	}
	// An error means that the guard was killed; the other nets remain. The pipe is not closed for it, nor for anything
	// else while we live: if the guard was there after all, it would end all our children.
	_, _ = fmt.Fprintf(guard.pipe, "%c%d\n", verb, pid)
}

// runGuard is the guard's whole life: keep the list that hotreload dictates, and when hotreload is gone end what is
// on it. Returns the exit code.
func runGuard(run string, list io.Reader) int {
	ignoreSignals()
	children := map[int]bool{}
	for lines := bufio.NewScanner(list); lines.Scan(); {
		line := lines.Text()
		if added, ok := strings.CutPrefix(line, "+"); ok {
			if pid, err := strconv.Atoi(added); err == nil {
				children[pid] = true
			}
		} else if removed, ok := strings.CutPrefix(line, "-"); ok {
			if pid, err := strconv.Atoi(removed); err == nil {
				delete(children, pid)
			}
		}
	}
	for pid := range children {
		endGroup(pid, false)
	}
	deadline := time.After(guardGrace)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for anyLeft(children, run) {
		select {
		case <-tick.C:
			continue
		case <-deadline:
		}
		break
	}
	for pid := range children {
		endGroup(pid, true)
	}
	for range 3 { // a marked process may fork while it is killed
		if killMarked(run) == 0 {
			break
		}
	}
	return 0
}
