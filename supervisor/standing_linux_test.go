package supervisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"hotreload/supervisor/inspect"
)

// Locks of all kinds are found in their process, and so are processes that sleep in a lock.
func TestLocksAreSeen(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	shared := unix.Flock_t{Type: unix.F_RDLCK}
	for _, c := range []struct {
		name      string
		lock      func(fd int) error
		exclusive bool
	}{
		{"flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_EX) }, true},
		{"fcntl", func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &whole) }, true},
		{"fcntl of the description", func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &whole) },
			true},
		{"flock, shared", func(fd int) error { return unix.Flock(fd, unix.LOCK_SH) }, false},
		{"fcntl, shared", func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &shared) }, false},
		{"none", func(int) error { return nil }, false},
	} {
		path := filepath.Join(dir, c.name)
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		must(t, err)
		defer file.Close()
		must(t, c.lock(int(file.Fd())))
		locked, known := inspect.ExclusiveLocks(os.Getpid())
		if have := slices.Contains(locked, path); have != c.exclusive || !known {
			t.Errorf("%s: have %v (%v, known %v), want %v", c.name, have, locked, known, c.exclusive)
		}
	}
	for _, how := range []string{"flock", "fcntl"} {
		waits := exec.Command(workerProgram, "-lock", filepath.Join(dir, how), "-lock-by", how)
		must(t, waits.Start())
		defer func() {
			_ = waits.Process.Kill()
			_ = waits.Wait()
		}()
		eventually(t, how+": it is not seen to sleep: ", func() string {
			_, asleep, _, known := inspect.StateOf(waits.Process.Pid, 0)
			if known && slices.Contains(asleep, filepath.Join(dir, how)) {
				return ""
			}
			return "on " + filepath.Join(dir, how)
		})
	}
}
