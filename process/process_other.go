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

// orphans finds nobody, for the same reason.
func orphans(string) []int { return nil }
