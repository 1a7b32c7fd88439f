//go:build unix

package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// guardGrace is how long orphans may take to end by themselves before the guard kills them. All must be gone within
// 0.3 s after hotreload's death, except for processes with requests in flight.
const guardGrace = 150 * time.Millisecond

// guard is hotreload's end of the guard's pipe. When this end closes, for example by hotreload's death, the guard
// acts.
var guard struct {
	sync.Mutex
	pipe *os.File
}

// startGuard starts the guard once. After a failure, the other safety nets remain.
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
	cmd.Dir = "/" // this folder always exists
	detach(cmd)
	if err := cmd.Start(); err != nil {
		w.Close()
		return fmt.Errorf("start the guard: %w", err)
	}
	table.Lock()
	if table.children == nil {
		table.children = map[int]*Process{}
	}
	table.children[cmd.Process.Pid] = nil // in the table, so the reaper leaves the guard to the Wait below
	table.Unlock()
	go func() { _ = cmd.Wait() }() // ends with the guard, which ends after us or is reaped here
	guard.Lock()
	guard.pipe = w
	guard.Unlock()
	return nil
}

// The guard's input has one line for each of: a started child with the number in its mark; an exited child; a process
// that may linger, for how many milliseconds, and its pipes for stdout and stderr; a file to remove; a removed file.
func guardAdd(pid, serial int) { guardSay("+%d %d\n", pid, serial) }
func guardRemove(pid int)      { guardSay("-%d\n", pid) }
func guardLinger(child, pid int, limit time.Duration, pipes [2]uint64) {
	guardSay("~%d %d %d %d %d\n", child, pid, limit.Milliseconds(), pipes[0], pipes[1])
}
func guardFile(path string, device, inode uint64) { guardSay("f%d %d %q\n", device, inode, path) }
func guardNoFile(path string)                     { guardSay("g%q\n", path) }

func guardSay(format string, args ...any) {
	guard.Lock()
	defer guard.Unlock()
	if guard.pipe == nil {
		return
	}
	// On an error the guard was killed; the other safety nets remain. The pipe is never closed here: a guard that
	// still runs would end all children.
	_, _ = fmt.Fprintf(guard.pipe, format, args...)
}

// ward is a child in the guard's list.
type ward struct {
	pid    int
	mark   string        // of the child and its descendants, as marked wants it
	last   int           // the process that ends by itself,
	linger time.Duration // and its time limit; 0 for none
	pipes  []*os.File    // read ends of the child's output pipes
}

// estate lists everything that hotreload leaves behind.
type estate struct {
	wards map[int]*ward
	files map[string][2]uint64 // path -> device and inode
}

// note reads one line from hotreload, and skips unknown lines.
func (e *estate) note(run, line string) {
	var pid, last, number int
	var file, pipes [2]uint64
	var path string
	switch {
	case scan(line, "+%d %d", &pid, &number):
		e.wards[pid] = &ward{pid: pid, mark: fmt.Sprintf("%s.%d\x00", run, number)}
	case scan(line, "-%d", &pid):
		if w := e.wards[pid]; w != nil {
			w.letGo()
		}
		delete(e.wards, pid)
	case scan(line, "~%d %d %d %d %d", &pid, &last, &number, &pipes[0], &pipes[1]):
		if w := e.wards[pid]; w != nil {
			w.last, w.linger = last, time.Duration(number)*time.Millisecond
			w.letGo()
			w.hold(pipes)
		}
	case scan(line, "f%d %d %q", &file[0], &file[1], &path):
		e.files[path] = file
	case scan(line, "g%q", &path):
		delete(e.files, path)
	}
}

func scan(line, format string, to ...any) bool {
	n, err := fmt.Sscanf(line, format, to...)
	return err == nil && n == len(to)
}

// runGuard is the guard. It maintains the list; when hotreload is gone, it ends all processes on the list. runGuard
// returns the exit code.
func runGuard(run string, list io.Reader) int {
	ignoreSignals()
	left := estate{wards: map[int]*ward{}, files: map[string][2]uint64{}}
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, 1<<20) // a path can be long
	for lines.Scan() {
		left.note(run, lines.Text())
	}
	for path, file := range left.files {
		if device, inode := identity(path); file == [2]uint64{device, inode} {
			_ = os.Remove(path)
		}
	}
	var ending sync.WaitGroup
	for _, w := range left.wards {
		ending.Add(1)
		go func() { // ends with the ward's limit
			defer ending.Done()
			w.end()
		}()
	}
	ending.Wait()
	for range 3 { // a marked process may fork while it is killed
		if killMarked(run+".") == 0 {
			break
		}
	}
	return 0
}

// hold opens the read ends of a lingering process's pipes, because without a reader Go programs die of SIGPIPE. The
// guard reads nothing while another reader exists.
func (w *ward) hold(pipes [2]uint64) {
	for i, pipe := range pipes {
		path := fmt.Sprintf("/proc/%d/fd/%d", w.last, 1+i)
		if file := openPipe(path, pipe); file != nil {
			w.pipes = append(w.pipes, file)
		}
	}
}

func (w *ward) letGo() {
	for _, file := range w.pipes {
		file.Close()
	}
	w.pipes = nil
}

// end gives a child time to exit, and then kills the child's group and all processes with the child's mark.
func (w *ward) end() {
	for _, file := range w.pipes {
		go func() { _, _ = io.Copy(io.Discard, file) }() // ends with the last writer, or with the guard
	}
	limit, left := w.linger, func() bool { return alive(w.last) }
	if limit == 0 {
		limit, left = guardGrace, func() bool {
			return slices.ContainsFunc(groupOf(w.pid), alive) ||
				len(marked(w.mark)) > 0
		}
		endGroup(w.pid, false)
	}
	deadline := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for left() {
		select {
		case <-tick.C:
			continue
		case <-deadline:
		}
		break
	}
	endGroup(w.pid, true)
	killMarked(w.mark)
}
