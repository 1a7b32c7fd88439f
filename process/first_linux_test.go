package process

import (
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

// inContainer makes cmd the first process of a PID namespace, with a /proc of its own. It skips the test where that
// cannot be had.
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
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("no containers here: %v: %s", err, out)
	}
	cmd.Args = append([]string{"sh", "-c", mount + ` && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path, cmd.SysProcAttr = try.Path, attr()
}

// playFirst is a hotreload that is the first process of its container: beside its workers it gets 1000 orphans, dead
// and alive, that end as workers do.
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
		for range 10 { // children of a shell that does not wait for them, and is gone before or after them
			run(`i=0; while [ $i -lt 25 ]; do (exit 3) & (exit 4) & (sleep 0.1; exit 3) & (sleep 0.1; exit 4) & i=$((i+1)); done`)
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
			fmt.Println("nobody is left")
			return
		}
		if time.Now().After(end) {
			fmt.Println("left are", left)
			return
		}
	}
}

// Scenario 38: orphans are reaped, and nobody's exit status is taken for another's.
func TestFirstInContainer(t *testing.T) {
	cmd := child("first")
	inContainer(t, cmd)
	out, err := cmd.CombinedOutput()
	if have, want := strings.TrimSpace(string(out)), "pid 1\nnobody is left"; err != nil || have != want {
		t.Errorf("have %s, %v\nwant %s", have, err, want)
	}
}
