package supervisor

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"hotreload/supervisor/exchange"
)

// Config is the configuration of one service. Config is not changed after New.
type Config struct {
	Name   string   // the program's argv[0]
	Args   []string // arguments after argv[0]
	Exec   []string // a wrapper before the program's path and arguments, like go run -exec; nil = none
	Dir    string   // working folder; "" = hotreload's own
	Env    []string // the workers' environment, complete but for the supervisor's variables
	Policy Policy
	Listen []Address
	Probe  Probe
	Output Output
	Stdin  bool // workers read everything written to Input; else their stdin is empty

	// Terminal is the user's terminal, if Stdin is one. The worker of slot 0 then gets a pseudo-terminal with the same
	// settings as its stdin and controlling terminal (/dev/tty), and also as stdout and stderr where Output ends on a
	// terminal. Only one process can use a terminal, so old workers exit before new ones start, unless the user chose a
	// strategy.
	Terminal *os.File

	Stop   syscall.Signal // the stop signal; 0 = SIGTERM, or SIGINT if the program catches only SIGINT
	Agents bool           // programs may contain the agent
	Whole  bool           // signals go to all processes of a worker: a command may run programs as children

	// User is the workers' user; nil = hotreload's own user. The supervisor gives this user all sockets and folders
	// that workers reach by name, and the sockets next to which workers bind. The user need not be able to read the
	// program's file.
	User *User

	Browser *BrowserHook // nil = hotreload does not touch pages

	// Alone is the known reason why the program can only run alone; zero = none is known. See RunsAlone.
	Alone Reason

	// Allowed returns why no worker may be started, or nil. The supervisor's goroutine calls Allowed before each start,
	// so the function must be fast. nil = starts are always allowed.
	Allowed func() error
}

// Supervisor owns the sockets and the workers of one service. Any goroutine may call the methods. All return at once;
// Events reports the outcome. The loop owns all changing state: see loop.go.
type Supervisor struct {
	config    Config // owned by the loop; changed by Adopt and Relisten
	bound     atomic.Pointer[[]Address]
	notifyDir string
	stdin     *stdin
	modes     *modes             // settings of the user's terminal; nil = the system's defaults
	agents    *agents            // nil if agents are not available
	lines     *exchange.Exchange // connections of workers with package worker; nil if not available
	sockets   *sockets           // owned by the loop

	inputs chan input
	events chan Event
	done   chan struct{}
}

// New binds the addresses and starts the loop, without a worker. A *PortError means: an address is in use.
// process.Setup must have been called before. After Stop or Kill, the supervisor ends and closes Events.
func New(config Config) (*Supervisor, error) {
	if config.User != nil {
		if err := config.User.May(); err != nil {
			return nil, err
		}
	}
	config.Policy.fill(len(config.Listen) > 0, !config.Probe.IsZero())
	open, err := openListeners(config.Listen, config.User)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hotreload-")
	if err == nil {
		err = config.User.own(dir)
	}
	if err != nil {
		open.close()
		return nil, err
	}
	s := &Supervisor{
		config: config, sockets: newSockets(open), notifyDir: dir,
		inputs: make(chan input),
		events: make(chan Event),
		done:   make(chan struct{}),
	}
	addresses := open.addresses()
	s.bound.Store(&addresses)
	if config.Stdin {
		s.stdin = newStdin()
		if config.Terminal != nil {
			s.modes, _ = modesOf(config.Terminal) // before a program changes them; on an error, the defaults are used
		}
	}
	var noAgents error
	if config.Agents {
		s.agents, noAgents = s.openAgents()
	}
	s.lines = s.openLines()
	go newLoop(s, noAgents).run() // ends after Stop or Kill, when the last worker is gone and the last event was received
	return s, nil
}

// Addresses lists the addresses of the sockets. A port given as 0 is replaced by its number.
func (s *Supervisor) Addresses() []Address { return *s.bound.Load() }

// Replace makes plan the target generation. The event Serving or Failed reports the outcome, unless a newer plan
// supersedes this one first.
func (s *Supervisor) Replace(plan Plan) { s.send(replaceInput{plan}) }

// Hurry ends a back-off: crashed workers are started again at once.
func (s *Supervisor) Hurry() { s.send(hurryInput{}) }

// Retire replaces one worker by another one of the same generation. The new worker serves before the old one drains,
// unless the strategy stops the old one first. An already draining worker is not replaced.
func (s *Supervisor) Retire(id int) { s.send(retireInput{id}) }

// Adopt changes the service's policy and stop signal (0 = SIGTERM). The event Scaled reports when the number of workers
// fits the new policy.
func (s *Supervisor) Adopt(policy Policy, stop syscall.Signal) { s.send(adoptInput{policy, stop}) }

// StopSlots stops the workers of slots, and starts no others there before StartSlots. The event Scaled reports the end.
func (s *Supervisor) StopSlots(slots []int) { s.send(stopSlotsInput{slots, true}) }

// StartSlots starts workers in stopped slots. The event Scaled reports the end.
func (s *Supervisor) StartSlots(slots []int) { s.send(stopSlotsInput{slots, false}) }

// AllSlots is the slot of a Signal to all workers.
const AllSlots = -1

// Signal sends a signal to the workers in one slot or in AllSlots, except for draining ones, and returns their pids.
func (s *Supervisor) Signal(sig syscall.Signal, slot int) []int {
	answer := make(chan []int, 1)
	s.send(signalInput{sig, slot, answer})
	select {
	case pids := <-answer:
		return pids
	case <-s.done:
		return nil
	}
}

// Recheck calls Config.Allowed again. Without Recheck, the supervisor calls Allowed before each start, and every second
// while starts are refused.
func (s *Supervisor) Recheck() { s.send(recheckInput{}) }

// Stop drains all workers; Stopped is the last event.
func (s *Supervisor) Stop() { s.send(stopInput{}) }

// Kill ends all workers at once; Stopped is the last event.
func (s *Supervisor) Kill() { s.send(killInput{}) }

// Resize passes the new size of the user's terminal on to the workers' terminals.
func (s *Supervisor) Resize() { s.send(resizeInput{}) }

// Input is the workers' stdin. Type passes keys to a worker with a terminal of its own.
type Input interface {
	io.WriteCloser
	Type(keys []byte)
	Typed() Typed
}

// Input returns the workers' stdin, in use if Config.Stdin is set. The newest worker of slot 0 reads everything written
// after its start. A write waits until there is a worker. Close ends the stdin of this worker and of all later ones.
func (s *Supervisor) Input() Input { return s.stdin }

// Events returns the channel of events, in order; the channel is closed after Stopped. The caller must keep receiving:
// unread events do not block the workers, but the supervisor's queue of events grows.
func (s *Supervisor) Events() <-chan Event { return s.events }

func (s *Supervisor) send(in input) {
	select {
	case s.inputs <- in:
	case <-s.done:
	}
}
