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

// May says why workers cannot run as this user.
func (u *User) May() error {
	if !u.Ours() && os.Geteuid() != 0 {
		return fmt.Errorf("only root can run workers as %s", u.Name)
	}
	return nil
}

// Ours reports whether that is who we are.
func (u *User) Ours() bool { return u.Uid == os.Geteuid() && u.Gid == os.Getegid() }

// assume makes the worker run as the user.
func (u *User) assume(cmd *exec.Cmd) {
	groups := make([]uint32, len(u.Groups))
	for i, id := range u.Groups {
		groups[i] = uint32(id)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.Uid), Gid: uint32(u.Gid), Groups: groups}}
}

// own makes a file or socket of ours, that workers have to reach by its name, the user's.
func (u *User) own(path string) error {
	if u == nil {
		return nil
	}
	return os.Lchown(path, u.Uid, u.Gid)
}

// barrier is the first folder above path that the user cannot pass through; "" if there is none.
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

// ownOpen is the same for what is open. The kernel lets a worker bind beside a socket by SO_REUSEPORT only if both are of
// one user, and whose a socket is, is its file's owner (Linux 4.10). What cannot be given away (a pipe elsewhere) works as
// long as it is not opened anew.
func (u *User) ownOpen(c syscall.Conn) {
	if u == nil {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Fchown(int(fd), u.Uid, u.Gid) })
	}
}
