package supervisor

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestGroupEvents(t *testing.T) {
	for _, c := range []struct {
		name, cgroups, file, want string
	}{
		{"version 2", "0::/user.slice/a:b.scope\n", "user.slice/a:b.scope/memory.events", "user.slice/a:b.scope/memory.events"},
		{"version 2 in a container", "0::/system.slice/x\n", "memory.events", "memory.events"},
		{"version 1", "5:cpu:/a\n4:memory:/a/b\n0::/\n", "memory/a/b/memory.oom_control", "memory/a/b/memory.oom_control"},
		{"version 1 in a container", "4:memory:/docker/123\n", "memory/memory.oom_control", "memory/memory.oom_control"},
		{"none", "0::/\n", "other", ""},
		{"no control groups", "", "memory.events", ""},
		{"nonsense", "a\nb:c\n", "memory.events", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, c.file)
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			must(t, os.WriteFile(path, []byte("low 0\noom 7\noom_kill 3\noom_group_kill 9\n"), 0o600))
			want := ""
			if c.want != "" {
				want = filepath.Join(root, c.want)
			}
			have := groupEvents(root, []byte(c.cgroups))
			if have != want {
				t.Errorf("have %q, want %q", have, want)
			}
			if n := counter(have); want != "" && n != 3 {
				t.Errorf("it counts %d kills, want 3", n)
			}
		})
	}
}

// limitedGroup makes a control group in which no more than so many bytes may be held.
func limitedGroup(t *testing.T, limit string) string {
	cgroups, err := os.ReadFile("/proc/self/cgroup")
	must(t, err)
	events := groupEvents("/sys/fs/cgroup", cgroups)
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

// What the kernel kills for lack of memory is not just killed.
func TestOutOfMemory(t *testing.T) {
	group := limitedGroup(t, "30000000")
	s := start(t, Config{})
	s.replace("-cgroup", group, "-allocate", "100000000", "-hang")
	e := await[Exited](s, nil)
	if e.Exit.Signal != syscall.SIGKILL || e.Exit.OOM == NotOOM {
		t.Errorf("have %v (%+v), want killed for lack of memory", e.Exit, e.Exit)
	}
	t.Log(e.Exit)
	s.Kill()
}

// A kill by somebody else is one.
func TestKilledByAStranger(t *testing.T) {
	s := start(t, Config{})
	s.replace("-ready", "self", "-hang")
	pid := await[Started](s, nil).Pid
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	if e := await[Exited](s, nil); e.Exit.OOM == IsOOM || e.Exit.Signal != syscall.SIGKILL {
		t.Errorf("have %v, want killed by SIGKILL", e.Exit)
	}
	s.Kill()
}
