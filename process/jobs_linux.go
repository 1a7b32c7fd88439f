package process

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// leaveJobControlToOthers blocks, in the thread that starts processes, the signals by which a terminal stops
// background processes. Such signals go to hotreload's whole group, also to a child without a group of its own yet.
// The child would stop for ever, since fg continues only hotreload's group; and hotreload itself could not stop,
// because a fork waits until the child runs its program. Children inherit the mask: in the background, their reads of
// the terminal fail, and their writes succeed.
func leaveJobControlToOthers() {
	var set unix.Sigset_t
	for _, sig := range []syscall.Signal{syscall.SIGTTIN, syscall.SIGTTOU} {
		bit := uint(sig) - 1
		word := uint(unsafe.Sizeof(set.Val[0])) * 8
		set.Val[bit/word] |= 1 << (bit % word)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
}
