package gobuild

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// giveWay does work on a thread of its own, with a low priority. It is not the lowest: the garbage collector stops all
// threads together, and would have to wait for this one.
func giveWay(work func()) {
	done := make(chan struct{})
	go func() { // ends with the work, and its thread with it
		defer close(done)
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 10)
		work()
	}()
	<-done
}
