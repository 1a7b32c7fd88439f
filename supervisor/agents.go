package supervisor

import (
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"hotreload/process"
	"hotreload/worker/host"
)

// agents is the supervisor's side of the agents in its workers: their socket, and the listeners that they asked for.
// Where there can be none it is nil, and its methods do nothing.
type agents struct {
	host    *host.Host
	sockets *host.Sockets
}

// lingerExtra is how long a worker with an agent may take, beyond twice the grace, to end by itself when we are gone.
const lingerExtra = time.Second

// agentInput is news from an agent.
type agentInput struct{ host.Event }

func (agentInput) input() {}

// openAgents makes the agents' socket in the folder, which is the user's alone. Workers that ask for the address of one
// of ours get that.
func (s *Supervisor) openAgents() (*agents, error) {
	if user := s.config.User; user != nil {
		if dir := user.barrier(s.notifyDir); dir != "" {
			return nil, fmt.Errorf("workers run as %s, who cannot reach our sockets in %s: let TMPDIR name a folder for all", user.Name, dir)
		}
	}
	a := &agents{sockets: host.NewSockets()}
	if err := a.keep(s.listeners); err != nil {
		a.sockets.Close()
		return nil, err
	}
	var err error
	a.host, err = host.New(filepath.Join(s.notifyDir, "agent"), s.config.Policy.Grace, a.sockets, func(e host.Event) {
		s.send(agentInput{e})
	})
	if err != nil {
		a.sockets.Close()
		return nil, err
	}
	if user := s.config.User; user != nil {
		a.host.AllowUser(user.Uid)
		_ = user.own(filepath.Join(s.notifyDir, "agent")) // else the agent says that it cannot reach us
	}
	return a, nil
}

// keep gives workers that ask for the address of one of these that.
func (a *agents) keep(these listeners) error {
	if a == nil {
		return nil
	}
	for _, l := range these {
		if err := a.sockets.Keep(l.socket.(syscall.Conn)); err != nil {
			return err
		}
	}
	return nil
}

// release ends that.
func (a *agents) release(these listeners) {
	if a == nil {
		return
	}
	for _, l := range these {
		_ = a.sockets.Release(l.socket.(syscall.Conn)) // what we cannot look at is not kept
	}
}

// admit is what a worker's environment needs; nothing for one without an agent, who then needs the sockets for itself.
func (a *agents) admit(w Worker, plan Plan) []string {
	switch {
	case a == nil:
		return nil
	case !plan.Agent:
		a.sockets.DropUnused()
		return nil
	}
	return a.host.Admit(w.ID)
}

func (a *agents) forget(id int) {
	if a != nil {
		a.host.Forget(id)
	}
}

// ask passes a request on, and is false if there is no agent to hear it.
func (a *agents) ask(id int, what request) bool {
	switch {
	case a == nil:
		return false
	case what == toDrain:
		return a.host.Drain(id)
	case what == toLeave:
		return a.host.Leave(id)
	}
	return false
}

// count asks an agent for what it knows, and is false if there is none.
func (a *agents) count(id int, inquiry uint32) bool { return a != nil && a.host.Count(id, inquiry) }

// mend makes listeners listen again that a worker has shut down, and not block that a worker has made blocking.
func (a *agents) mend() (mended []ListenerMended) {
	if a == nil {
		return nil
	}
	for _, m := range a.sockets.Mend() {
		mended = append(mended, ListenerMended{Address: addressOf(m.Network, m.Address), Blocking: m.Blocking, Err: m.Err})
	}
	return mended
}

// close ends the conversation with all agents and gives the listeners back. It must not be called from the loop as
// long as that takes inputs, which are what it waits for.
func (a *agents) close() {
	if a == nil {
		return
	}
	a.host.Close()
	for _, one := range a.sockets.Addresses() {
		if path, hidden := pathsOf(one[0], one[1]); path != "" {
			process.Disinherit(path)
			process.Disinherit(hidden)
		}
	}
	a.sockets.Close()
}

// hearAgent turns an agent's news into what the machine understands, and returns what is to be told.
func (s *Supervisor) hearAgent(e host.Event, m *machine, workers map[int]*running, now time.Time) []Event {
	worker := func(id int) Worker {
		if w := m.member(id); w != nil {
			return w.Worker
		}
		return Worker{ID: id}
	}
	switch e := e.(type) {
	case host.Hello:
		m.hello(e.Worker, true, now)
		if w := workers[e.Worker]; w != nil {
			w.program = e.Pid
			w.Linger(e.Pid, 2*s.config.Policy.Grace+lingerExtra)
			if s.config.Probe.IsZero() {
				w.enough() // it will tell by itself
			}
		}
	case host.Absent:
		return s.once("absent "+e.Reason, NoAgent{Worker: worker(e.Worker), Reason: e.Reason})
	case host.Asked:
		if e.Err != nil {
			return nil // the program hears it, and says it in its own words
		}
		m.gave(e.Worker)
		if path, hidden := pathsOf(e.Network, e.Address); path != "" && e.New {
			process.Bequeath(path)
			process.Bequeath(hidden)
		}
		if e.New {
			return []Event{Kept{Worker: worker(e.Worker), Address: addressOf(e.Network, e.Address)}}
		}
	case host.Opened:
		if w := m.member(e.Worker); w != nil {
			return []Event{FileOpened{Worker: w.Worker, Path: e.Path, How: e.How, At: e.At, Late: w.state != Starting}}
		}
	case host.Ready:
		m.isReady(e.Worker, ByAccepting, now)
		if w := workers[e.Worker]; w != nil {
			go s.lookForKept(w, w.program) // ends by itself: it reads some files of /proc
		}
	case host.Released:
		m.release(e.Worker, now)
	case host.Quiet:
		m.quiet(e.Worker, now)
	case host.Idle:
		m.idle(e.Worker, now)
	case host.Counts:
		m.served(e.Worker, int64(e.Served), now)
		s.answered(e.Worker, e.ID, itsAgent, func(a *Account) { a.Counters = append(a.Counters, countersOf(e)...) })
	case host.Gone:
		m.hello(e.Worker, false, now)
		s.notAsked(e.Worker, itsAgent)
	case host.Rejected:
		return s.once("rejected "+e.Reason, Rejected{Pid: e.Pid, Reason: e.Reason})
	}
	return nil
}

// once lets through what was not said yet.
func (s *Supervisor) once(text string, event Event) []Event {
	if s.told[text] {
		return nil
	}
	s.told[text] = true
	return []Event{event}
}

// keptInput: a worker has a socket that cannot be handed over.
type keptInput struct {
	id      int
	address Address
}

func (keptInput) input() {}

// lookForKept finds out whether a worker that accepts has sockets that we do not hold.
func (s *Supervisor) lookForKept(r *running, pid int) {
	ours := map[inode]bool{}
	for socket := range r.sockets {
		ours[socket] = true
	}
	for _, number := range s.agents.sockets.Inodes() {
		ours[inode(strconv.FormatUint(number, 10))] = true
	}
	for _, address := range boundItself(pid, ours) {
		s.send(keptInput{r.worker.ID, address})
	}
}

// addressOf is an address as package host knows it.
func addressOf(network, address string) Address {
	switch network {
	case "unix", "unixpacket":
		return Address{Network: "unix", Addr: address}
	}
	return Address{Network: network, Addr: address}
}

// pathsOf are the two names of a Unix listener; none for others.
func pathsOf(network, address string) (path, hidden string) {
	if addressOf(network, address).Network != "unix" {
		return "", ""
	}
	return address, host.HiddenPath(address)
}
