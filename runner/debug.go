package runner

import "hotreload/gobuild"

// debug builds the program for a debugger from now on, or not any more. When it begins, the workers are replaced even
// if the program is the same, because new workers have to wait for the debugger before main.
func (l *loop) debug(d gobuild.Debugged) {
	if l.config.Program.Debugged == d {
		return
	}
	l.config.Program.Debugged = d
	l.supervisor.Debug(d != gobuild.NotDebugged)
	l.listPackages()
	if d != gobuild.NotDebugged {
		l.input(rebuildKey{})
		return
	}
	l.causes.spent = false
	l.input(changed{class: Rebuild, settled: l.state.settled})
}

// Release lets a worker go on to its main: see supervisor.Held.
func (r *Runner) Release(worker int) { r.supervisor.Release(worker) }

// Halt reports that a debugger has stopped a worker, or has continued the worker.
func (r *Runner) Halt(worker int, halted bool) { r.supervisor.Halt(worker, halted) }
