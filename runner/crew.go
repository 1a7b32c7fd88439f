package runner

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"hotreload/supervisor"
)

// crew is what the loop knows about the service's workers: the supervisor's reports, and the orders of users. The loop
// owns it.
//
// Invariant: workers are exactly the processes reported as started and not yet as exited. retiring names only IDs in
// workers. serving and served only grow.
type crew struct {
	given   supervisor.Policy // from the configuration; a command may have changed the number of workers since
	stopped map[int]bool      // slots whose workers were stopped by a user

	workers  map[int]worker // by ID
	retiring map[int]bool   // IDs of workers with successors that do not serve yet
	restarts map[int]int    // slot -> number of unexpected exits
	exits    supervisor.Exits

	serving  int       // the newest generation that has served
	served   int       // the newest generation that has replaced all others
	servedAt time.Time // when the serving generation became ready

	scaling bool              // there are fewer or more workers than there should be
	blocked string            // why no worker may be started; "" if workers may
	alone   supervisor.Reason // why old workers exit before new ones start; zero if no reason is known
	loops   bool              // workers of the newest generation exit before ready, and no older one serves
	words   string            // why the last build or generation failed

	kept []string // addresses opened by workers and kept open by hotreload
}

// worker is one process.
type worker struct {
	supervisor.Worker
	state   supervisor.State
	started time.Time
}

func newCrew(service supervisor.Config) crew {
	return crew{
		given: service.Policy, alone: service.Alone, stopped: map[int]bool{}, workers: map[int]worker{},
		retiring: map[int]bool{}, restarts: map[int]int{},
	}
}

// hear takes an event of the supervisor. newest is the newest generation given to the supervisor.
func (c *crew) hear(event supervisor.Event, newest int, now time.Time) {
	switch event := event.(type) {
	case supervisor.Started:
		c.workers[event.ID] = worker{Worker: event.Worker, started: now}
	case supervisor.BecameReady:
		c.loops = c.loops && event.Generation != newest
		c.becomes(event.ID, supervisor.Ready)
	case supervisor.Drains:
		delete(c.retiring, event.ID)
		c.becomes(event.ID, supervisor.Draining)
	case supervisor.Exited:
		c.exited(event, newest, now)
	case supervisor.OwnsListener:
		if address := event.Address.String(); !slices.Contains(c.kept, address) {
			c.kept = append(slices.Clip(c.kept), address)
		}
	case supervisor.Scaled:
		c.scaling = false
	case supervisor.Blocked:
		c.blocked = event.Reason
	case supervisor.Unblocked:
		c.blocked = ""
	case supervisor.Serving:
		c.serving, c.servedAt = event.Generation, now
	case supervisor.Replaced:
		c.served = event.Generation
	case supervisor.Failed:
		c.words = lastWords(event.Exit, event.Reason)
	case supervisor.RunsAlone:
		c.alone = event.Reason
	case supervisor.RunsBeside:
		c.alone = supervisor.Reason{}
	}
}

func (c *crew) becomes(id int, state supervisor.State) {
	if w, there := c.workers[id]; there {
		w.state = state
		c.workers[id] = w
	}
}

func (c *crew) exited(event supervisor.Exited, newest int, now time.Time) {
	delete(c.workers, event.ID)
	delete(c.retiring, event.ID)
	c.exits = c.exits.Note(event, now)
	if event.Expected {
		return
	}
	c.restarts[event.Slot]++
	if inVain(event, newest) {
		c.scaling = false // or not soon
		clear(c.retiring)
		c.loops, c.words = true, lastWords(event.Exit, event.Reason)
	}
}

// inVain reports whether, after the exit of a worker, the newest generation will not serve.
func inVain(event supervisor.Exited, newest int) bool {
	unready := event.State == supervisor.Starting || event.Retry.Waits
	return !event.Expected && event.Generation == newest && event.Retry.Alone.IsZero() && unready
}

// delivers notes that a generation was built and delivered, for a service with BuildOnly.
func (c *crew) delivers(generation int, now time.Time) {
	c.serving, c.served, c.servedAt = generation, generation, now
}

// lastWords returns how a worker has exited, and the end of its output.
func lastWords(exit supervisor.Exit, reason string) string {
	return strings.TrimSpace(cmp.Or(reason, exit.String()) + "\n" + exit.Tail)
}

// ordered lists the workers by slot, then by age.
func (c *crew) ordered() []worker {
	return slices.SortedFunc(maps.Values(c.workers), func(a, b worker) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	})
}

// open lists the slots of workers not asked to exit.
func (c *crew) open() (slots []int) {
	for _, w := range c.ordered() {
		if w.state != supervisor.Draining && !slices.Contains(slots, w.Slot) {
			slots = append(slots, w.Slot)
		}
	}
	return slots
}

func (c *crew) pids() (pids []int) {
	for _, w := range c.workers {
		pids = append(pids, w.Pid)
	}
	return pids
}

// retire marks the workers in these slots, to be replaced by workers of the same generation, and returns their IDs.
func (c *crew) retire(slots []int) (ids []int) {
	for _, w := range c.ordered() {
		if slices.Contains(slots, w.Slot) && (w.state == supervisor.Ready || w.state == supervisor.Stable) {
			c.retiring[w.ID] = true
			ids = append(ids, w.ID)
		}
	}
	return ids
}
