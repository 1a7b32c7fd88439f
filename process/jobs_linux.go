package process

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// leaveJobControlToOthers blocks, in the thread that starts processes, the signals by which a terminal stops those who use it
// from the background. They are sent to our whole group: to a child too, as long as it is not in a group of its own. It
// would stop on its way there, for ever, since fg continues our group alone; and we could not even stop ourselves, since
// who forks waits until the child runs its program. Children inherit the mask: in the background, their reads of the
// terminal fail then, and their writes are let through.
func leaveJobControlToOthers() {
	var set unix.Sigset_t
	for _, sig := range []syscall.Signal{syscall.SIGTTIN, syscall.SIGTTOU} {
		bit := uint(sig) - 1
		word := uint(unsafe.Sizeof(set.Val[0])) * 8
		set.Val[bit/word] |= 1 << (bit % word)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
}
