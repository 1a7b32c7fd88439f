package supervisor

import (
	"syscall"
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

// A worker's children are left alone while the worker runs, because the worker may need them to finish. Signals go only
// to the worker and to child processes with its own program; SIGKILL goes to all processes. When the worker is gone,
// the remaining processes get SIGTERM and then SIGKILL. A daemon that was detached on purpose (most likely a browser)
// is spared, unless the daemon listens: then the next worker will start another one, at the same address.

// leftPatience is how long the remaining processes have to exit after SIGTERM. Felt right: the next worker may be
// waiting.
const leftPatience = 300 * time.Millisecond

// tell sends a signal to a worker.
func (r *running) tell(sig syscall.Signal) error {
	if r.whole || r.program != 0 && r.program != r.Pid() { // a wrapper passes no signals on
		return r.Signal(sig)
	}
	return r.SignalProgram(sig)
}

// manners describes how to end the processes left behind by a worker. After a hang that ended with a kill, the
// processes are killed at once.
func (s *Supervisor) manners(r *running) process.Manners {
	m := process.Manners{InTheWay: listensOnNetwork}
	if !r.ended.Load() {
		m.Signal, m.Patience = syscall.SIGTERM, leftPatience
	}
	return m
}

// listensOnNetwork reports whether a process or one of its descendants listens on a port.
func listensOnNetwork(pid int) bool {
	for _, address := range inspect.Listening(nil, pid) {
		if address.Network != "unix" {
			return true
		}
	}
	return false
}
