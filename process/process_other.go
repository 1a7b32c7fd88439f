//go:build unix && !linux

package process

import (
	"os"
	"syscall"
)

func selfPath() (string, error) { return os.Executable() }

// dieWithParent has no twin here: the guard does it.
func dieWithParent(*syscall.SysProcAttr) {}

func closeOnExec() {}

// becomeReaper has no twin here: orphans go to launchd or init, which reap them.
func becomeReaper() {}

// marked finds nobody: the environment of other processes cannot be read. Groups are all that can be ended.
func marked(string) []int { return nil }

// belongs knows nobody, for the same reason.
func belongs(int, string) bool { return false }

// groupOf names the group as kill(2) does: who is in it is not to be had cheaply here.
func groupOf(pgid int) []int { return []int{-pgid} }

// alive reports whether a pid, or with a minus a group, can be sent signals.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// orphans finds nobody, for the same reason.
func orphans(string) []int { return nil }

const ownFiles = "" // nothing can be started by its descriptor
