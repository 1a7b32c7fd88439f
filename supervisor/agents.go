package supervisor

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotreload/process"
	"hotreload/supervisor/host"
	"hotreload/supervisor/inspect"
)

// agents is the supervisor's side of its workers' agents: their socket, and the listeners requested by workers. If
// agents are not available, the value is nil and all methods do nothing.
type agents struct {
	host    *host.Host
	sockets *host.Sockets
}

// lingerExtra is how long a worker with an agent may take to exit, in addition to twice the grace, if hotreload is
// gone.
const lingerExtra = time.Second

// agentInput is an event of an agent.
type agentInput struct{ host.Event }

func (in agentInput) happen(l *loop, now time.Time) {
	if _, released := in.Event.(host.Released); released {
		l.mend()
	}
	l.hearAgent(in.Event, now)
}

// openAgents opens the agents' socket in our private folder, and registers our listeners.
func (s *Supervisor) openAgents() (*agents, error) {
	if user := s.config.User; user != nil {
		if dir := user.barrier(s.notifyDir); dir != "" {
			return nil, fmt.Errorf(
				"workers run as %s, but this user cannot access hotreload's sockets in %s: set TMPDIR to a folder that "+
					"all users can access",
				user.Name,
				dir,
			)
		}
	}
	a := &agents{sockets: host.NewSockets()}
	if err := a.keep(s.sockets.open); err != nil {
		a.sockets.Close()
		return nil, err
	}
	var err error
	a.host, err = host.New(filepath.Join(s.notifyDir, "agent"), s.config.Policy.Grace, a.sockets, func(e host.Event) {
		if !s.config.Browser.heard(e) {
			s.send(agentInput{e})
		}
	})
	if err != nil {
		a.sockets.Close()
		return nil, err
	}
	a.openBrowser(s.config.Browser)
	if user := s.config.User; user != nil {
		a.host.AllowUser(user.Uid)
		_ = user.own(filepath.Join(s.notifyDir, "agent")) // on an error, the agent reports the failed connection
	}
	return a, nil
}

// keep registers our listeners, so that workers get the shared socket when they listen on the same address.
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

// release removes the listeners registered by keep.
func (a *agents) release(these listeners) {
	if a == nil {
		return
	}
	for _, l := range these {
		_ = a.sockets.Release(l.socket.(syscall.Conn)) // fails only for an unregistered socket
	}
}

// admit returns the variables for a worker's environment. A worker without an agent gets none, and unused sockets are
// closed, because the worker has to bind their addresses itself.
func (a *agents) admit(w Worker, plan Plan, hold bool) []string {
	switch {
	case a == nil:
		return nil
	case !plan.Agent:
		a.requeue()
		a.sockets.DropUnused()
		return nil
	}
	env := a.host.Admit(w.ID, w.Generation)
	if hold {
		a.host.Hold(w.ID)
	}
	return env
}

// requeue gives the connections that wait at addresses of Config.Listen to workers without an agent.
func (a *agents) requeue() {
	if a != nil {
		a.host.Requeue()
	}
}

// letGo lets a held worker go on.
func (a *agents) letGo(id int) {
	if a != nil {
		a.host.Release(id)
	}
}

// awaitLast waits for the last reports of a dead worker's agent.
func (a *agents) awaitLast(id int) {
	if a != nil {
		a.host.AwaitLast(id, drainLimit)
	}
}

func (a *agents) forget(id int) {
	if a != nil {
		a.host.Forget(id)
	}
}

// ask sends a request to an agent. It returns false if there is no agent.
func (a *agents) ask(id int, what request, alone bool) bool {
	switch {
	case a == nil:
		return false
	case what == toDrain && alone:
		return a.host.DrainAlone(id)
	case what == toDrain:
		return a.host.Drain(id)
	case what == toLeave:
		return a.host.Leave(id)
	}
	return false
}

// endStreams tells an agent to end the streams: without an end, a stream lasts until one side closes the connection.
func (a *agents) endStreams(id int) {
	if a != nil {
		a.host.EndStreams(id) // a worker without a connected agent has none
	}
}

// count asks an agent for its counters. It returns false if there is no agent.
func (a *agents) count(id int, inquiry uint32) bool { return a != nil && a.host.Count(id, inquiry) }

// mend repairs listeners shut down or switched to blocking mode by a worker.
func (a *agents) mend() (mended []ListenerMended) {
	if a == nil {
		return nil
	}
	for _, m := range a.sockets.Mend() {
		mended = append(mended, ListenerMended{Address: addressOf(m.Network, m.Address), Blocking: m.Blocking, Err: m.Err})
	}
	return mended
}

// close closes the connections to all agents, and the listeners. close waits for pending inputs, so the loop must not
// call close while accepting inputs.
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

// hearAgent handles an agent's event.
func (l *loop) hearAgent(e host.Event, now time.Time) {
	m := l.machine
	switch e := e.(type) {
	case host.Hello:
		m.hello(e.Worker, true, now)
		if w := l.workers[e.Worker]; w != nil {
			w.program = e.Pid
			w.links++
			_, spent, _ := inspect.Usage(w.Pid())
			w.pulse.feel(spent, w.trail.all, false, now)
			w.Linger(e.Pid, 2*l.config.Policy.Grace+lingerExtra)
			w.hello.Store(int32(e.Pid))
		}
		if e.Held {
			l.hold(e.Worker, e.Pid, now)
		}
	case host.Absent:
		l.tellOnce("absent "+e.Reason, NoAgent{Worker: l.member(e.Worker), Reason: e.Reason})
	case host.Asked:
		if e.Err != nil {
			return // the program gets the error and reports it
		}
		m.gave(e.Worker)
		if path, hidden := pathsOf(e.Network, e.Address); path != "" && e.New {
			process.Bequeath(path)
			process.Bequeath(hidden)
		}
		if e.New {
			l.tell(OwnsListener{Worker: l.member(e.Worker), Address: addressOf(e.Network, e.Address)})
		}
	case host.Opened:
		if w := m.member(e.Worker); w != nil {
			if r := l.workers[e.Worker]; r != nil && w.early() && e.How < Again {
				r.trail.note(e.Path, e.How)
			}
			opened := FileOpened{
				Worker: w.Worker, Path: e.Path, How: e.How, For: e.Purpose, Missing: e.Missing, At: e.At, Late: !w.early(),
				Count: e.Count, Caller: e.Caller,
			}
			l.farewells.opened(opened)
			l.tell(opened)
		}
	case host.Wrote:
		l.tell(FileWritten{
			Worker: l.member(e.Worker), Path: e.Path, Held: e.Held, Only: e.Only, At: e.At, Since: e.Since, Inode: e.Inode,
			Modified: e.Modified,
		})
	case host.Ready:
		m.isReady(e.Worker, ByAccepting, now)
		if w := l.workers[e.Worker]; w != nil {
			w.trail.ready()
			if l.config.Probe.IsZero() {
				w.enough()
			}
			go l.findOwnSockets(w, w.program) // ends by itself after reading some files in /proc
		}
	case host.Released:
		m.release(e.Worker, now)
	case host.Moved:
		m.gaveAway(e.Worker, now)
	case host.Quiet:
		m.quiet(e.Worker, now)
	case host.Idle:
		m.idle(e.Worker, now)
	case host.Counts:
		m.countRequests(e.Worker, int64(e.Served), now)
		l.inquiries.answered(e.Worker, e.ID, itsAgent, func(a *Account) { a.Counters = append(a.Counters, countersOf(e)...) })
	case host.Gone:
		m.hello(e.Worker, false, now)
		l.inquiries.notAsked(e.Worker, itsAgent)
	case host.Rejected:
		l.tellOnce("rejected "+e.Reason, Rejected{Pid: e.Pid, Reason: e.Reason})
	}
}

// ownSocketInput reports a worker's socket that cannot be handed over.
type ownSocketInput struct {
	id      int
	address Address
}

func (in ownSocketInput) happen(l *loop, _ time.Time) { l.machine.hasOwnSocket(in.id, in.address) }

// held returns the sockets possibly received by a worker from the supervisor.
func (s *Supervisor) held(r *running) map[inspect.Inode]bool {
	ours := maps.Clone(r.sockets)
	if ours == nil {
		ours = map[inspect.Inode]bool{}
	}
	for _, number := range s.agents.sockets.Inodes() {
		ours[inspect.Inode(strconv.FormatUint(number, 10))] = true
	}
	return ours
}

// findOwnSockets finds out whether an accepting worker has sockets not held by the supervisor.
func (s *Supervisor) findOwnSockets(r *running, pid int) {
	tcp := func(address Address) bool { return strings.HasPrefix(address.Network, "tcp") }
	report := func(all []Address) {
		for _, address := range all {
			s.send(ownSocketInput{r.worker.ID, address})
		}
	}
	found := s.agents.without(addressesAt(inspect.Bound(pid, s.held(r))))
	report(slices.DeleteFunc(slices.Clone(found), tcp))
	if !slices.ContainsFunc(found, tcp) {
		return
	}
	wait := time.NewTimer(host.ReadyAfter) // a socket from raw system calls is handed over once the program accepts on it
	defer wait.Stop()
	select {
	case <-wait.C:
		found := s.agents.without(addressesAt(inspect.Bound(pid, s.held(r))))
		report(slices.DeleteFunc(found, func(a Address) bool { return !tcp(a) }))
	case <-s.done:
	}
}

// without leaves out the addresses on which the supervisor listens. A child may have other sockets there just after its
// start, but the agent replaces the sockets by ours before the first accept.
func (a *agents) without(all []Address) []Address {
	ours := map[string]bool{}
	for _, one := range a.sockets.Addresses() {
		ours[plain(addressOf(one[0], one[1]))] = true
	}
	delete(ours, "")
	return slices.DeleteFunc(all, func(address Address) bool { return ours[plain(address)] })
}

// plain returns a TCP address in the system's notation; "" for other networks.
func plain(a Address) string {
	host, port, err := net.SplitHostPort(a.Addr)
	if err != nil || !strings.HasPrefix(a.Network, "tcp") {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = ""
	}
	return net.JoinHostPort(host, port)
}

// addressOf converts an address of package host.
func addressOf(network, address string) Address {
	switch network {
	case "unix", "unixpacket":
		return Address{Network: "unix", Addr: address}
	}
	return Address{Network: network, Addr: address}
}

// pathsOf returns the two names of a Unix listener; "" for other networks.
func pathsOf(network, address string) (path, hidden string) {
	if addressOf(network, address).Network != "unix" {
		return "", ""
	}
	return address, host.HiddenPath(address)
}
