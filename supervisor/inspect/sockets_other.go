//go:build !linux

package inspect

import (
	"net"
	"syscall"
)

// On this system it is expensive to find out who listens where. Readiness falls back to age, and errors do not name
// the holder.

// SeesListeners reports whether the system names the listening processes.
const SeesListeners = false

type Inode string

// AcceptsItself is not available on this system.
func AcceptsItself(int, func() map[Inode]bool) bool { return false }

func Listening(map[Inode]bool, ...int) []Place         { return nil }
func Bound(int, map[Inode]bool) []Place                { return nil }
func HoldsAny(int, map[Inode]bool) (holds, known bool) { return true, false }
func InodeOf(syscall.Conn) Inode                       { return "" }
func HolderOf(Place) Holder                            { return Holder{} }
func PeerOf(net.Conn) Holder                           { return Holder{} }
