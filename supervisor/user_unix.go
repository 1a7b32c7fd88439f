//go:build unix

package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// May returns why workers cannot run as this user, or nil.
func (u *User) May() error {
	if !u.Ours() && os.Geteuid() != 0 {
		return fmt.Errorf("only root can run workers as %s", u.Name)
	}
	return nil
}

// Ours reports whether this is hotreload's own user.
func (u *User) Ours() bool { return u.Uid == os.Geteuid() && u.Gid == os.Getegid() }

// assume makes the worker run as the user.
func (u *User) assume(cmd *exec.Cmd) {
	groups := make([]uint32, len(u.Groups))
	for i, id := range u.Groups {
		groups[i] = uint32(id)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(u.Uid), Gid: uint32(u.Gid), Groups: groups},
	}
}

// own gives the user a file or socket for workers to reach by name.
func (u *User) own(path string) error {
	if u == nil {
		return nil
	}
	return os.Lchown(path, u.Uid, u.Gid)
}

// barrier returns the first folder above path that the user cannot enter; "" if there is none.
func (u *User) barrier(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		var stat unix.Stat_t
		if unix.Stat(dir, &stat) == nil {
			pass := uint32(stat.Mode) & 0o001
			switch {
			case int(stat.Uid) == u.Uid:
				pass = uint32(stat.Mode) & 0o100
			case int(stat.Gid) == u.Gid || slices.Contains(u.Groups, int(stat.Gid)):
				pass = uint32(stat.Mode) & 0o010
			}
			if pass == 0 {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// ownOpen gives an open file or socket to the user. This matters for SO_REUSEPORT: the kernel allows two sockets on one
// address only if both have the same owner, and a socket's owner is the owner of its file (Linux 4.10). Errors are
// ignored: a pipe of another owner works, except for being opened again.
func (u *User) ownOpen(c syscall.Conn) {
	if u == nil {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Fchown(int(fd), u.Uid, u.Gid) })
	}
}
