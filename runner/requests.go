package runner

import (
	"slices"

	"hotreload/supervisor"
)

// Command is what a user can ask for.
type Command uint8

const (
	Reload  Command = iota // replace the workers with the newest program; those that are kept are told
	Renew                  // the same, also of those that are kept
	BuildUp                // build, and replace the workers whatever comes out
	Scale                  // keep another number of workers
	Halt                   // send the workers away and wait until they are wanted again, which the other three are
	Recheck                // look at the kill switch
	Stop                   // drain and leave; again: kill
	Kill
	Resize // the terminal has another size
)

// Order is how workers are to be replaced, once. The zero Order leaves it to the service's policy.
type Order struct {
	Strategy supervisor.Strategy
	Surge    int // see supervisor.Policy
}

// Request is a Command with what belongs to it.
type Request struct {
	Command Command
	Order   Order // of Reload, Renew and BuildUp
	Slots   []int // of Halt, and of Reload after it; none = all
	Workers int   // of Scale
	More    int   // of Scale, instead of Workers: so many more than there should be now, at least one
}

// Do asks for something. It returns at once; events tell what comes of it.
func (r *Runner) Do(c Command) { r.Ask(Request{Command: c}) }

// Ask is Do for what takes more than a word.
func (r *Runner) Ask(request Request) {
	select {
	case r.requests <- request:
	case <-r.ended:
	}
}

func (l *loop) request(r Request) {
	switch r.Command {
	case Reload, Renew, BuildUp:
		if l.letIn(r.Slots) && len(r.Slots) > 0 {
			return // which was all
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
	case Renew:
		l.lookForProgram()
		l.input(restartKey{r.Order})
	case BuildUp:
		l.rules.all()
		l.input(rebuildKey{})
	case Scale:
		if r.More != 0 {
			r.Workers = max(l.config.Service.Policy.Workers+r.More, 1)
		}
		l.scale(r.Workers)
	case Halt:
		l.halt(r.Slots)
	case Recheck:
		l.supervisor.Recheck()
	case Stop:
		l.input(stopKey{})
	case Kill:
		l.input(killKey{})
	case Resize:
		l.supervisor.Resize()
	}
}

// slots are those that a request names.
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

// halt sends workers away. When all are, changes wait: what would be built for nobody is not.
func (l *loop) halt(slots []int) {
	slots = l.slots(slots)
	for _, slot := range slots {
		l.shut[slot] = true
	}
	l.scaling = true
	l.supervisor.Shut(slots, true)
	l.tell(Halted{Slots: len(l.shut), Of: l.config.Service.Policy.Workers})
	l.input(haltKey{len(l.shut) >= l.config.Service.Policy.Workers})
}

// letIn lets workers be started again in slots that were halted, and reports whether there were any.
func (l *loop) letIn(slots []int) bool {
	if len(l.shut) == 0 {
		return false
	}
	slots = l.slots(slots)
	for _, slot := range slots {
		delete(l.shut, slot)
	}
	l.scaling = true
	l.supervisor.Shut(slots, false)
	l.input(haltKey{len(l.shut) >= l.config.Service.Policy.Workers})
	return true
}

// retire has single workers replaced, by others of their generation.
func (l *loop) retire(slots []int) {
	for _, w := range l.ordered() {
		if slices.Contains(slots, w.Slot) && (w.state == supervisor.Ready || w.state == supervisor.Stable) {
			l.retiring[w.ID] = true
			l.supervisor.Retire(w.ID)
		}
	}
}

// scale changes the number of workers.
func (l *loop) scale(workers int) {
	policy := &l.config.Service.Policy
	if workers == policy.Workers {
		return
	}
	policy.Workers = workers
	for slot := range l.shut {
		if slot >= workers {
			delete(l.shut, slot)
		}
	}
	l.scaling = true
	l.supervisor.Adopt(*policy, l.config.Service.Stop)
	l.input(haltKey{len(l.shut) >= workers})
}

// tellKept tells workers that are kept that they are old.
func (l *loop) tellKept() {
	var told []int
	if l.config.OnReload != 0 {
		told = l.supervisor.Signal(l.config.OnReload, supervisor.AllSlots)
	}
	for _, w := range l.supervisor.Tell() {
		if !slices.Contains(told, w.Pid) {
			told = append(told, w.Pid)
		}
	}
	l.tell(KeptOn{Effects: l.effects, Told: told})
	l.lastBuild = 0
	l.conclude()
}
