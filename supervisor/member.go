package supervisor

import "time"

// State is a worker's state; the package doc contains the diagram.
type State uint8

const (
	Starting State = iota // the process runs, without a sign yet of serving
	Ready                 // the worker serves
	Stable                // the worker has been ready for StableAfter: its death is an accident and not a crash loop
	Draining              // the worker was asked to drain, and then to exit
	Killing               // the worker was killed, but is not gone yet
)

func (s State) String() string {
	return [...]string{"starting", "ready", "stable", "draining", "killing"}[s]
}

// Worker identifies one worker. Values in sent events are never changed.
type Worker struct {
	ID         int // serial number within this run, never used twice
	Slot       int // 0 to Workers-1, shared with successors
	Generation int
	Pid        int // 0 before the start
}

// member is a worker with all the machine's knowledge about the worker.
type member struct {
	Worker
	state   State
	started time.Time
	ready   time.Time // when the worker became ready; zero = not yet
	until   time.Time // starting: limit for becoming ready; draining: limit for the current request
	failed  string    // why the supervisor killed the worker before ready; "" = not killed
	retires bool      // to be replaced by another worker of its generation
	spread  float64   // in [0,1): by how much the worker's maximal age is shortened
	halted  time.Time // since when a debugger has stopped the worker; zero = running. See debug.go
	looked  time.Time // when the system was last asked whether the worker waits for older ones
	watched time.Time // when the system was last asked whether a debugger has the worker; zero = never

	signs   signs
	agent   agentOf
	line    lineOf
	leaving leaving
}

// signs are the indications of a serving worker.
type signs struct {
	aged    bool // ready, with its age as the only sign
	listens bool // listens, but READY=1 or the agent's hello is still expected
	serves  bool // accepts or listens
	takes   bool // accepts messages
}

// agentOf has the facts about a worker's agent and, from the agent, about the worker's sockets.
type agentOf struct {
	heard     time.Time // when the agent connected first; zero = not yet
	there     bool      // the agent is connected
	gives     bool      // the supervisor holds sockets on which the worker listens
	ownSocket bool      // the worker has other sockets, without a handover
}

// lineOf has a worker's announcements about its drain, through package worker.
type lineOf struct {
	heeds    bool // the worker wants to be told of its drain, and reports the end of its work
	finished bool // the end was reported
}

// leaving is the progress of a worker's drain. All fields are zero while its state is below Draining.
type leaving struct {
	asked    request   // the current request
	since    time.Time // when draining began
	released bool      // accepts no more connections
	moved    bool      // idle connections are given away, or the time for moving is over
	moveBy   time.Time // end of the time for moving
	cut      bool      // the streams were asked to end
	calm     bool      // the agent has reported nothing in flight
}

func (w *member) live() bool    { return w.state <= Stable }
func (w *member) serving() bool { return w.state == Ready || w.state == Stable }

// early reports whether the worker is still starting, as far as is known.
func (w *member) early() bool { return w.state == Starting || w.signs.aged && w.live() }

// replaced reports whether all new requests reach the successors of w: w accepts no more connections and has given its
// idle ones away. Only a worker with an agent that was asked to drain has successors to give connections to.
func (w *member) replaced() bool {
	return w.leaving.released && (w.leaving.moved || !w.agent.there || w.leaving.asked != toDrain || w.state == Killing)
}
