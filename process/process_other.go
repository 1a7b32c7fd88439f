//go:build unix && !linux

package process

import (
	"os"
	"syscall"
)

func selfPath() (string, error) { return os.Executable() }

// dieWithParent does nothing here: the guard ends the children.
func dieWithParent(*syscall.SysProcAttr) {}

func closeOnExec() {}

// becomeReaper does nothing here: launchd or init reap orphans.
func becomeReaper() {}

// marked returns nothing, because the environment of other processes cannot be read here. Only groups can be ended.
func marked(string) []int { return nil }

// belongs returns false, for the same reason.
func belongs(int, string) bool { return false }

// groupOf returns the group as kill(2) names it, because listing the members is expensive here.
func groupOf(pgid int) []int { return []int{-pgid} }

// alive reports whether a pid, or a negative group, can be sent signals.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// orphans returns nothing, for the same reason as marked.
func orphans(string) []int { return nil }

// osProcess holds facts about a child besides its pid: none here.
type osProcess struct{}

// noteDaemons does nothing here: there is no way to find a process that has left for a session of its own.
func noteDaemons() {}

func (p *Process) daemons() []int { return nil }

const ownFiles = "" // a program cannot be started by its descriptor here
