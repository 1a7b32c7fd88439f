package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStatesInUsrSrc repeats TestStates in /usr/src, where the golang image has its programs.
func TestStatesInUsrSrc(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/states")
	mount := fmt.Sprintf("mount --make-rprivate / && mount --bind %q /usr/src", filepath.Dir(dir))
	try := exec.Command("sh", "-c", mount)
	try.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("no mount namespaces here: %v: %s", err, out)
	}
	s := startStates(t, dir, setup{
		attr:    func(a *syscall.SysProcAttr) { a.Cloneflags = syscall.CLONE_NEWNS },
		through: []string{"sh", "-c", mount + " && cd /usr/src/" + filepath.Base(dir) + ` && exec "$0" "$@"`},
	})
	for _, d := range statesDeeds() {
		d.check(t, s)
	}
	if t.Failed() {
		out, _ := s.tell("explain")
		t.Log(out)
	}
}
