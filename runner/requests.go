package runner

import (
	"slices"

	"hotreload/gobuild"
	"hotreload/supervisor"
)

// Command is an action that a user can request.
type Command uint8

const (
	Reload         Command = iota // start the newest program; workers of a pinned service are only notified
	RestartWorkers                // replace the workers, even of a pinned service
	RebuildProgram                // build, and replace the workers even if the program is the same
	Scale                         // run another number of workers
	StopSlots                     // stop workers until one of the three above starts them again
	Recheck                       // read the kill switch
	Stop                          // drain and end; again: kill
	Kill
	Resize // take the terminal's new size
	Debug  // build for a debugger, or not any more
)

// Order tells how to replace workers, this once. The zero Order leaves the choice to the service's policy.
type Order struct {
	Strategy supervisor.Strategy
	Surge    int // see supervisor.Policy
}

// Request is a Command with its arguments.
type Request struct {
	Command  Command
	Order    Order            // of Reload, RestartWorkers and RebuildProgram
	Slots    []int            // of StopSlots, and of commands that start slots again; none = all
	Workers  int              // of Scale
	Debugged gobuild.Debugged // of Debug
	More     int              // of Scale, instead of Workers: this many more than now, at least one worker
}

// Do requests a command without arguments. Do returns at once; events tell the outcome.
func (r *Runner) Do(c Command) { r.Ask(Request{Command: c}) }

// Ask requests a command with arguments.
func (r *Runner) Ask(request Request) {
	select {
	case r.requests <- request:
	case <-r.ended:
	}
}

func (l *loop) request(r Request) {
	switch r.Command {
	case Reload, RestartWorkers, RebuildProgram:
		if l.startSlots(r.Slots) && len(r.Slots) > 0 {
			return // the request was only about these slots
		}
	}
	switch r.Command {
	case Reload:
		if len(r.Slots) > 0 {
			l.retire(r.Slots)
			return
		}
		l.lookForProgram()
		l.input(reloadKey{r.Order})
	case RestartWorkers:
		l.lookForProgram()
		l.input(restartKey{r.Order})
	case RebuildProgram:
		l.builds.rules.all(func(Rule) bool { return true })
		l.input(rebuildKey{})
	case Scale:
		if r.More != 0 {
			r.Workers = max(l.config.Service.Policy.Workers+r.More, 1)
		}
		l.scale(r.Workers)
	case StopSlots:
		l.stopSlots(r.Slots)
	case Recheck:
		l.supervisor.Recheck()
	case Stop:
		l.input(stopKey{})
	case Kill:
		l.input(killKey{})
	case Resize:
		l.supervisor.Resize()
	case Debug:
		l.debug(r.Debugged)
	}
}

// slots returns the named slots, or all.
func (l *loop) slots(named []int) []int {
	if len(named) > 0 {
		return named
	}
	all := make([]int, l.config.Service.Policy.Workers)
	for slot := range all {
		all[slot] = slot
	}
	return all
}

// stopSlots stops the workers in these slots until a user starts them again. When all slots are stopped, changes wait,
// and nothing is built.
func (l *loop) stopSlots(slots []int) {
	slots = l.slots(slots)
	for _, slot := range slots {
		l.crew.stopped[slot] = true
	}
	l.crew.scaling = true
	l.supervisor.StopSlots(slots)
	l.emit(SlotsStopped{Slots: len(l.crew.stopped), Of: l.config.Service.Policy.Workers})
	l.wanted()
}

// startSlots lets workers start again in stopped slots, and reports whether there were any.
func (l *loop) startSlots(slots []int) bool {
	if len(l.crew.stopped) == 0 {
		return false
	}
	slots = l.slots(slots)
	for _, slot := range slots {
		delete(l.crew.stopped, slot)
	}
	l.crew.scaling = true
	l.supervisor.StartSlots(slots)
	l.wanted()
	return true
}

// wanted tells decide whether any worker is wanted.
func (l *loop) wanted() {
	if len(l.crew.stopped) >= l.config.Service.Policy.Workers {
		l.input(noneWanted{})
	} else {
		l.input(someWanted{})
	}
}

// retire replaces single workers by others of the same generation.
func (l *loop) retire(slots []int) {
	for _, id := range l.crew.retire(slots) {
		l.supervisor.Retire(id)
	}
}

// scale changes the number of workers.
func (l *loop) scale(workers int) {
	policy := &l.config.Service.Policy
	if workers == policy.Workers {
		return
	}
	policy.Workers = workers
	for slot := range l.crew.stopped {
		if slot >= workers {
			delete(l.crew.stopped, slot)
		}
	}
	l.crew.scaling = true
	l.supervisor.Adopt(*policy, l.config.Service.Stop)
	l.wanted()
}

// leaveRunning notifies the workers of a pinned service of newer code.
func (l *loop) leaveRunning() {
	var told []int
	if l.config.OnReload != 0 {
		told = l.supervisor.Signal(l.config.OnReload, supervisor.AllSlots)
	}
	for _, w := range l.supervisor.Tell() {
		if !slices.Contains(told, w.Pid) {
			told = append(told, w.Pid)
		}
	}
	l.emit(LeftRunning{Effects: l.causes.effects, Told: told})
	l.programs.took = spent{}
	l.causes.conclude()
}
