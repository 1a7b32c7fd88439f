package supervisor

import (
	"cmp"
	"syscall"
	"time"

	"hotreload/supervisor/inspect"
)

// StoppedBy: a worker gets another stop signal than SIGTERM, because the program catches that signal and not SIGTERM.
// Reported once.
type StoppedBy struct {
	Worker
	Signal string
}

func (StoppedBy) event() {}

// finishInput is the stop signal of a worker.
type finishInput struct {
	id  int
	sig syscall.Signal
}

func (in finishInput) happen(l *loop, _ time.Time) { l.finishBy(in, l.workers[in.id]) }

// askToFinish sends the stop signal: the configured one, or the one caught by the program. Many programs clean up only
// at Ctrl-C (SIGINT); SIGTERM would end them without cleanup.
func (s *Supervisor) askToFinish(r *running) {
	if s.config.Stop != 0 {
		_ = r.tell(s.config.Stop)
		return
	}
	pid, id := cmp.Or(r.program, r.Pid()), r.worker.ID
	go func() { // ends by itself after reading some files in /proc
		sig := syscall.SIGTERM
		if interrupt, terminate, known := inspect.AwaitedSignals(pid); known && interrupt && !terminate {
			sig = syscall.SIGINT
		}
		s.send(finishInput{id, sig})
	}()
}

// finishBy sends the stop signal, and reports an unusual one.
func (l *loop) finishBy(in finishInput, r *running) {
	if r == nil {
		return // the worker exited before
	}
	_ = r.tell(in.sig)
	if in.sig != syscall.SIGTERM {
		l.tellOnce("stopped by another signal", StoppedBy{r.worker, "SIGINT"})
	}
}
