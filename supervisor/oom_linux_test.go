package supervisor

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hotreload/supervisor/inspect"
)

// limitedGroup creates a control group with a limit of memory in bytes.
func limitedGroup(t *testing.T, limit string) string {
	cgroups, err := os.ReadFile("/proc/self/cgroup")
	must(t, err)
	events := inspect.GroupEvents("/sys/fs/cgroup", cgroups)
	if events == "" {
		t.Skip("no control group for memory")
	}
	dir, err := os.MkdirTemp(filepath.Dir(events), "hotreload-test-")
	if err != nil {
		t.Skip("no control group can be made: ", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	name := "memory.max"
	if filepath.Base(events) == "memory.oom_control" {
		name = "memory.limit_in_bytes"
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(limit), 0o600); err != nil {
		t.Skip("no limit can be set: ", err)
	}
	return dir
}

// An exit by the kernel's OOM killer is reported as such.
func TestOutOfMemory(t *testing.T) {
	group := limitedGroup(t, "30000000")
	s := start(t, Config{})
	s.replace("-cgroup", group, "-allocate", "100000000", "-hang")
	e := await[Exited](s, nil)
	if e.Exit.Signal != syscall.SIGKILL || e.Exit.OOM == inspect.NotOOM {
		t.Errorf("have %v (%+v), want killed for lack of memory", e.Exit, e.Exit)
	}
	t.Log(e.Exit)
	s.Kill()
}

// A SIGKILL from another process is not reported as lack of memory.
func TestKilledByAStranger(t *testing.T) {
	s := start(t, Config{})
	s.replace("-ready", "self", "-hang")
	pid := await[Started](s, nil).Pid
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	if e := await[Exited](s, nil); e.Exit.OOM == inspect.IsOOM || e.Exit.Signal != syscall.SIGKILL {
		t.Errorf("have %v, want killed by SIGKILL", e.Exit)
	}
	s.Kill()
}
