//go:build linux || darwin

package core

import (
	"os"
	"syscall"
	"time"
)

// leaveAlone ends a program without a supervisor. It frees the ports at once, finishes the requests in flight, then
// lets the program shut down in its own way, and finally kills the program.
func (a *agent) leaveAlone() {
	a.startDraining(false)
	a.giveUp(freed)
	a.awaitIdle(time.After(a.grace))
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	a.awaitNobody(a.grace)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// aloneFor is how long a program without a supervisor may take to shut down while no client is connected. Such
// programs have exited within 0.3 s of hotreload's end.
const aloneFor = 150 * time.Millisecond

// awaitNobody waits until no client has been connected for a while, at most for limit.
func (a *agent) awaitNobody(limit time.Duration) {
	began := time.Now()
	alone := began // since when no client is connected
	for now := began; now.Sub(began) < limit && now.Sub(alone) < aloneFor; now = time.Now() {
		if open, _ := a.count(); open > 0 {
			alone = now
		}
		time.Sleep(idleLook)
	}
}
