package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// container runs hotreload as the first process of a PID namespace, with a /proc of its own. It skips the test if the
// permission is missing.
func container(t *testing.T) setup {
	t.Helper()
	attr := func(a *syscall.SysProcAttr) {
		a.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
		a.Setsid = true
	}
	const mount = "mount --make-rprivate / && mount -t proc proc /proc"
	try := exec.Command("sh", "-c", mount)
	try.SysProcAttr = &syscall.SysProcAttr{}
	attr(try.SysProcAttr)
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("no containers here: %v: %s", err, out)
	}
	return setup{attr: attr, through: []string{"sh", "-c", mount + ` && exec "$0" "$@"`}}
}

// Scenario 38: hotreload is PID 1. Its worker leaves hundreds of orphans, which exit with the codes of crashing
// workers. No orphan is taken for a worker, all are reaped, and SIGTERM ends hotreload properly.
func TestFirstProcess(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"orphans.go": `package main

import (
	"net/http"
	"os/exec"
)

func init() {
	http.HandleFunc("/orphans", func(w http.ResponseWriter, r *http.Request) {
		const script = "i=0; while [ $i -lt 125 ]; do (exit 3) & (exit 4) & (sleep 0.05; exit 3) & (sleep 0.05; exit 4) &" +
			" i=$((i+1)); done"
		exec.Command("setsid", "sh", "-c", script).Run()
	})
}
`})
	s := container(t).start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	before, err := s.get("/pid")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.getWithin("/orphans", patience); err != nil { // it starts a thousand processes
			t.Fatal(err)
		}
	}
	if after, err := s.get("/pid"); err != nil || after != before {
		t.Errorf("worker %s answers, %v, want %s still", after, err, before)
	}
	s.eventually("no zombie is left", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid))
		if err != nil {
			return false
		}
		for _, text := range strings.Fields(string(children)) {
			pid, _ := strconv.Atoi(text)
			if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil &&
				strings.Contains(string(stat), ") Z ") {
				return false
			}
		}
		return true
	})
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if n := s.count(`died|crash`); n > 0 {
		t.Errorf("an orphan was taken for a worker %d times", n)
	}
}
