package inspect

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGroupEvents(t *testing.T) {
	for _, c := range []struct {
		name, cgroups, file, want string
	}{
		{"version 2", "0::/user.slice/a:b.scope\n", "user.slice/a:b.scope/memory.events",
			"user.slice/a:b.scope/memory.events"},
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
			have := GroupEvents(root, []byte(c.cgroups))
			if have != want {
				t.Errorf("have %q, want %q", have, want)
			}
			if n := counter(have); want != "" && n != 3 {
				t.Errorf("have %d kills, want 3", n)
			}
		})
	}
}
