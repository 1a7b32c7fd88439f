package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inContainer makes cmd the first process of a PID namespace, with a /proc of its own. Without the permission for
// namespaces, inContainer skips the test.
func inContainer(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	attr := func() *syscall.SysProcAttr {
		a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
		if uid := os.Getuid(); uid != 0 {
			a.Cloneflags |= syscall.CLONE_NEWUSER
			a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
			a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		return a
	}
	const mount = "mount --make-rprivate / && mount -t proc proc /proc"
	try := exec.Command("sh", "-c", mount)
	try.SysProcAttr = attr()
	if out, err := combinedOutput(try); err != nil {
		t.Skipf("no containers here: %v: %s", err, out)
	}
	cmd.Args = append([]string{"sh", "-c", mount + ` && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path, cmd.SysProcAttr = try.Path, attr()
}

// playFirst is a hotreload as the first process of its container. In addition to its workers, this process gets 1000
// orphans, dead and alive, with the same exit codes as the workers.
func playFirst() {
	must(Setup())
	fmt.Println("pid", os.Getpid())
	run := func(script string) Exit {
		p, err := Start(exec.Command("sh", "-c", script))
		must(err)
		<-p.Done()
		return p.Exit()
	}
	var all sync.WaitGroup
	all.Go(func() {
		for range 10 { // children of a shell that does not wait for them, and exits before or after
			run("i=0; while [ $i -lt 25 ]; do (exit 3) & (exit 4) & (sleep 0.1; exit 3) & (sleep 0.1; exit 4) &" +
				" i=$((i+1)); done")
		}
	})
	for code := range 4 {
		all.Go(func() {
			for range 50 {
				if e := run(fmt.Sprint("exit ", 2+code)); e.Code != 2+code || e.Err != nil {
					fmt.Printf("a worker that ended with code %d was reported as: %v\n", 2+code, e)
				}
			}
		})
	}
	all.Wait()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left := childrenOf(os.Getpid())
		left = slices.DeleteFunc(left, func(pid int) bool {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			return string(name) != "sh\n" && string(name) != "sleep\n"
		})
		if len(left) == 0 {
			fmt.Println("no process is left")
			return
		}
		if time.Now().After(end) {
			fmt.Println("processes left:", left)
			return
		}
	}
}

// Scenario 38: orphans are reaped, and no exit status is taken for that of another process.
func TestFirstInContainer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes: not with -short")
	}
	cmd := child("first")
	inContainer(t, cmd)
	out, err := combinedOutput(cmd)
	if have, want := strings.TrimSpace(string(out)), "pid 1\nno process is left"; err != nil || have != want {
		t.Errorf("have %s, %v\nwant %s", have, err, want)
	}
}

// combinedOutput is cmd.CombinedOutput in a process with a reaper: the reaper leaves the exit status to cmd.
func combinedOutput(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	table.Lock()
	err := cmd.Start()
	if err == nil {
		table.children[cmd.Process.Pid] = nil
	}
	table.Unlock()
	if err != nil {
		return nil, err
	}
	err = cmd.Wait()
	table.Lock()
	delete(table.children, cmd.Process.Pid)
	table.Unlock()
	return out.Bytes(), err
}
