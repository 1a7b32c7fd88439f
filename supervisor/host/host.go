//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"hotreload/agent/protocol"
	"hotreload/door"
)

// Host is the socket to which the agents of a service connect. The methods may be called from any goroutine.
type Host struct {
	door    *door.Door
	grace   time.Duration
	former  time.Duration // see awaitFormerLocked
	events  func(Event)
	sockets *Sockets
	leaving sync.Mutex // held while one worker leaves; taken before mu
	telling sync.Mutex // held while reports of a worker and its kin are passed on, to keep their order; taken before mu

	// mu guards all below.
	mu     sync.Mutex
	closed bool
	guests map[int]*guest  // by worker
	last   map[uint32]bool // ids of the listeners on which the newest ready worker accepts
	newest *guest          // the newest ready worker
	moves  moves
	user   int // another user allowed for workers; 0: none

	browser func(generation int) Browser // the agents' configuration for browsers; nil: none
	waiting map[uint32][]int             // connections left by an Attendant for workers, by listener
	relays  map[*net.TCPConn]func()      // what ends the relay of a client; see Requeue
}

// guest is the host's record of a worker, or of its kin (kin.go). Host.mu guards the fields.
type guest struct {
	of         *guest   // the worker, if this guest is kin; nil: this guest is the worker
	kin        []*guest // for the worker itself
	worker     int
	generation int
	token      string
	pid        int           // of the guest's agent, after Hello
	conn       *net.UnixConn // nil before Hello and after Gone
	accepting  map[uint32]bool
	ready      bool
	held       bool        // waits before the program's main until Release
	timer      *time.Timer // ReadyAfter or FirstReadyAfter, once the guest accepts somewhere
	said       said
	told       said          // for the worker itself: the reports about the worker and its kin together
	inquiries  []*inquiry    // for the worker itself: unanswered questions
	heard      chan struct{} // closed when all frames of the guest were handled; nil before Hello
	leaving    protocol.Kind // Drain or Leave, once the guest was asked to accept nothing new; 0 before
	taken      int           // connections taken over from other workers
}

// Limits for connections without a token. Felt right, not measured.
const (
	maxStrangers = 64
	helloTimeout = 5 * time.Second
)

// mostQuestions is how many questions may be open, so questions do not pile up for an agent that answers none.
const mostQuestions = 16

// sendTimeout is how long an agent may take to make room. The queue has room for hundreds of frames: an agent that
// does not read them is stopped (SIGSTOP, a debugger).
const sendTimeout = 100 * time.Millisecond

// New listens at path, in a folder that belongs to the user alone. The agents learn the grace, for the case that the
// connection ends. events is called for each event, in order for each worker, and must return soon; events may call
// the host. The sockets are for workers that ask, and belong to the caller.
func New(path string, grace time.Duration, sockets *Sockets, events func(Event)) (*Host, error) {
	h := &Host{
		grace: grace, former: formerTimeout, events: events, sockets: sockets,
		waiting: map[uint32][]int{}, relays: map[*net.TCPConn]func(){},
		guests: map[int]*guest{}, last: map[uint32]bool{}, moves: moves{all: map[uint32]*move{}},
	}
	var err error
	h.door, err = door.Open(path, door.Rules{
		Strangers: maxStrangers, Expected: h.expected, Within: helloTimeout, Meet: h.receive,
		Crowded: func() {
			events(Rejected{Reason: fmt.Sprintf("%d connections have not said hello yet", maxStrangers)})
		},
	})
	if err != nil {
		return nil, fmt.Errorf("listen for the workers: %w", err)
	}
	h.door.Receive() // until Close
	return h, nil
}

// Admit expects a worker of a generation, and returns the variables for its environment.
func (h *Host) Admit(worker, generation int) []string {
	token := door.Token(worker)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.guests[worker] = &guest{worker: worker, generation: generation, token: token, accepting: map[uint32]bool{}}
	return []string{protocol.PathVariable + "=" + h.door.Path(), protocol.TokenVariable + "=" + token}
}

// expected counts the workers that may connect.
func (h *Host) expected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.guests)
}

// Forget ends the connection and the token of a worker that has exited.
func (h *Host) Forget(worker int) {
	h.mu.Lock()
	g := h.guests[worker]
	delete(h.guests, worker)
	conns := g.connsLocked()
	h.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
	}
}

// Hold makes an expected worker wait before the program's main until Release, so a debugger can set breakpoints.
// Descendants of hotreload's process may trace the worker.
func (h *Host) Hold(worker int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.guests[worker]; g != nil {
		g.held = true
	}
}

// Release lets a held worker go on.
func (h *Host) Release(worker int) bool { return h.ask(worker, protocol.Go, nil) }

// Drain asks a worker to accept nothing new, to give away its idle connections and to finish: Released, Moved and
// Quiet will come. Drain returns false if there is no agent to ask.
func (h *Host) Drain(worker int) bool { return h.ask(worker, protocol.Drain, nil) }

// DrainAlone is Drain if no other worker serves before this worker has exited: its connections stay with it.
func (h *Host) DrainAlone(worker int) bool { return h.ask(worker, protocol.Drain, protocol.Numbers(1)) }

// Leave asks a worker without a successor to accept nothing new and to finish its requests: Released and Idle will
// come. Leave returns false if there is no agent to ask.
func (h *Host) Leave(worker int) bool { return h.ask(worker, protocol.Leave, nil) }

// EndStreams asks a worker to end its streams: event streams, and connections taken over by a handler. It returns
// false if there is no agent to ask.
func (h *Host) EndStreams(worker int) bool { return h.ask(worker, protocol.EndStreams, nil) }

// Count asks a worker's agent for its counts: Counts will come, with the same id. Count returns false if there is no
// agent to ask.
//
// An agent that has not answered the last questions is not asked again: the agent may be stopped, and its queue is
// limited.
func (h *Host) Count(worker int, id uint32) bool {
	h.mu.Lock()
	g := h.guests[worker]
	there := g != nil && g.conn != nil
	behind := there && len(g.inquiries) >= mostQuestions
	if there && !behind {
		g.inquireLocked(id)
	}
	h.mu.Unlock()
	return behind || there && h.ask(worker, protocol.Count, protocol.Numbers(id))
}

func (h *Host) ask(worker int, kind protocol.Kind, body []byte) bool {
	h.mu.Lock()
	var conns []*net.UnixConn
	if g := h.guests[worker]; g != nil && g.conn != nil {
		conns = g.connsLocked()
		if kind == protocol.Drain || kind == protocol.Leave {
			for _, one := range g.familyLocked() {
				one.leaving = kind
			}
		}
	}
	h.mu.Unlock()
	ok := false
	for i, conn := range conns {
		sent := send(conn, kind, body, -1) == nil
		ok = ok || i == 0 && sent // the worker's own agent
	}
	return ok
}

// Close ends all connections, so the workers drain and exit.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	var all []*net.UnixConn
	for _, g := range h.guests {
		all = append(all, g.connsLocked()...)
	}
	h.mu.Unlock()
	h.door.Shut()
	for _, conn := range all {
		conn.Close()
	}
	h.door.Wait() // ends soon: every read ends with its connection
	h.hangUp()
}

// receive handles one connection until it ends.
func (h *Host) receive(conn *net.UnixConn) {
	in := newReader(conn)
	peer := door.PeerOf(conn)
	pid := peer.PID
	g, err := h.greet(in, peer)
	h.mu.Lock()
	asked := protocol.Kind(0)
	if err == nil {
		h.awaitFormerLocked(g, pid)
		switch {
		case h.closed:
			err = errors.New("the supervisor is leaving")
		case h.guests[g.worker] != g:
			err = errors.New("the worker is gone")
		case g.conn != nil:
			g, asked = g.addKinLocked(pid, conn), g.leaving
		default:
			g.conn = conn
			*g = guest{
				kin: g.kin, worker: g.worker, generation: g.generation, token: g.token, pid: pid, conn: conn,
				accepting: map[uint32]bool{}, heard: make(chan struct{}), held: g.held,
			}
		}
	}
	h.mu.Unlock()
	if err != nil {
		refuse(conn, err)
		h.events(Rejected{Pid: pid, Reason: err.Error()})
		return
	}
	h.door.Known(conn)
	err = send(conn, protocol.Welcome, h.welcome(g), -1) // first: the program's start waits for Welcome
	if g.of == nil {
		h.events(Hello{Worker: g.worker, Pid: pid, Held: g.held})
	} else if asked != 0 && err == nil {
		err = send(conn, asked, nil, -1) // the other agents were asked before this one connected
	}
	for err == nil {
		err = h.answer(g, in)
	}
	h.leave(g, conn, in, err)
}

// AwaitLast waits until all frames of a dead worker were handled, but no longer than limit.
func (h *Host) AwaitLast(worker int, limit time.Duration) {
	h.mu.Lock()
	var heard chan struct{}
	if g := h.guests[worker]; g != nil {
		heard = g.heard
	}
	h.mu.Unlock()
	if heard == nil {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-heard:
	case <-timer.C: // a child of the worker holds the connection
	}
}

// AllowUser allows workers to run as this user, too.
func (h *Host) AllowUser(uid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.user = uid
}

// greet waits for Hello and finds the worker.
func (h *Host) greet(in *reader, peer door.Peer) (*guest, error) {
	kind, body, err := in.next()
	switch {
	case errors.Is(err, protocol.ErrVersion):
		return nil, fmt.Errorf("it speaks another version of the protocol than ours, %d", protocol.Version)
	case err != nil:
		return nil, fmt.Errorf("no hello: %w", err)
	}
	claimed, token, ok := protocol.ParseHello(body)
	if kind != protocol.Hello || !ok {
		return nil, errors.New("its first words are not a hello")
	}
	h.mu.Lock()
	user := h.user
	h.mu.Unlock()
	if err := peer.Uninvited(user); err != nil {
		return nil, err
	}
	worker, known := door.Claims(token)
	h.mu.Lock()
	g := h.guests[worker]
	h.mu.Unlock()
	if !known || g == nil || !door.Same(g.token, token) {
		return nil, errors.New("its token is not that of a worker")
	}
	if peer.PID != 0 && peer.PID != claimed {
		return nil, fmt.Errorf("it says that it is pid %d and is pid %d", claimed, peer.PID)
	}
	return g, nil
}

// errDone ends a connection without an error.
var errDone = errors.New("the agent is done")

// answer reads one frame of a worker and handles it.
func (h *Host) answer(g *guest, in *reader) error {
	kind, body, err := in.next()
	if err != nil {
		return err
	}
	number, _ := protocol.Number(body, 0)
	switch kind {
	case protocol.Unable:
		h.events(Absent{Worker: g.worker, Reason: string(body)})
		return errDone
	case protocol.Way:
		paths := strings.Join(h.sockets.makeWay(g), "\x00")
		if len(paths) > protocol.MaxBody {
			paths = "" // dozens of sockets: the worker will report an address in use
		}
		return send(in.conn, protocol.Way, []byte(paths), -1)
	case protocol.Ask:
		return h.give(g, in, string(body))
	case protocol.Accepting:
		h.accepting(g, number)
	case protocol.Closed:
		h.sockets.closed(g, number)
	case protocol.Parked:
		h.says(g, said{released: true})
	case protocol.Quiet:
		h.says(g, said{quiet: true})
	case protocol.Move:
		return h.move(g, in, body)
	case protocol.Took:
		took, _ := protocol.Number(body, 1)
		h.took(g, number, took != 0)
	case protocol.Waiting:
		return h.giveWaiting(in, number)
	case protocol.Visit:
		return h.visit(g, in, body)
	case protocol.Untagged:
		if path, why, ok := protocol.ParseUntagged(body); ok {
			h.events(Untagged{Worker: g.worker, Path: path, Reason: why})
		}
	case protocol.Moved:
		h.says(g, said{moved: true})
	case protocol.Idle:
		h.says(g, said{idle: true})
	case protocol.Counts:
		id, known, ok := protocol.ParseCounts(body)
		if !ok {
			return errors.New("its counts are none")
		}
		h.counted(g, id, known)
	case protocol.Opened:
		if o, ok := protocol.ParseOpened(body); ok {
			h.events(Opened{
				Worker: g.worker, Path: o.Path, How: How(o.How), Purpose: Purpose(o.Purpose), Missing: o.Missing,
				At:    time.Unix(0, o.At),
				Count: int(o.Count), Caller: o.Caller,
			})
		}
	case protocol.Wrote:
		if w, ok := protocol.ParseWrote(body); ok {
			h.events(Wrote{
				Worker: g.worker, Path: w.Path, Held: w.Held, Only: w.Only, At: time.Unix(0, w.At), Since: time.Unix(0, w.Since),
				Inode: w.Inode, Modified: time.Unix(0, w.Modified),
			})
		}
	default:
		return fmt.Errorf("a frame of unknown kind %d", kind)
	}
	return nil
}

// give answers Ask.
func (h *Host) give(g *guest, in *reader, path string) error {
	fd := in.takeFd()
	if fd < 0 {
		return errors.New("it asks for a listener and sends no socket")
	}
	got := h.sockets.ask(g, fd, path) // takes over fd
	defer got.close()
	h.events(Asked{Worker: g.worker, Network: got.network, Address: got.address, New: got.adopted, Err: got.err()})
	with := uint32(0)
	if got.fd >= 0 {
		with = 1
	}
	return send(in.conn, protocol.Listener, protocol.Numbers(uint32(got.errno), got.id, with), got.fd)
}

// accepting records a worker's accept on a listener; 0 is a listener from another source than hotreload. Accepts of a
// worker's kin count as the worker's.
func (h *Host) accepting(g *guest, id uint32) {
	h.mu.Lock()
	if id != 0 {
		g.accepting[id] = true
	}
	g = g.head()
	if g.ready {
		if h.newest == g && id != 0 {
			h.last[id] = true
		}
		h.mu.Unlock()
		return
	}
	wait := h.waitLocked(g)
	if wait > 0 && g.timer == nil {
		g.timer = time.AfterFunc(wait, func() { h.ready(g) }) // stopped in leave
	}
	h.mu.Unlock()
	if wait == 0 {
		h.ready(g)
	}
}

// waitLocked returns how long a worker that has just accepted somewhere may take to accept on further listeners before
// the worker counts as ready.
func (h *Host) waitLocked(g *guest) time.Duration {
	if h.newest == nil { // nobody knows yet how many listeners the program has
		return FirstReadyAfter
	}
	accepts := g.acceptsLocked()
	for id := range h.last {
		if !accepts[id] {
			return ReadyAfter
		}
	}
	return 0
}

func (h *Host) ready(g *guest) {
	h.mu.Lock()
	if g.ready || g.conn == nil {
		h.mu.Unlock()
		return
	}
	g.ready = true
	h.newest, h.last = g, g.acceptsLocked()
	h.mu.Unlock()
	h.events(Ready{Worker: g.worker})
}

// leave ends a connection.
func (h *Host) leave(g *guest, conn *net.UnixConn, in *reader, why error) {
	in.discard()
	if !errors.Is(why, errDone) && door.Faulty(why) {
		refuse(conn, why)
		h.events(Rejected{Reason: fmt.Sprintf("worker %d: %v", g.worker, why)})
	}
	// If two workers leave at the same time, neither of them may count as still serving.
	h.leaving.Lock()
	h.mu.Lock()
	g.conn = nil
	if g.timer != nil {
		g.timer.Stop()
	}
	var serving []*guest
	for _, other := range h.guests {
		if other.conn != nil && other.ready {
			family := slices.DeleteFunc(other.familyLocked(), func(one *guest) bool { return one.said.released })
			serving = append(serving, family...)
		}
	}
	h.mu.Unlock()
	h.sockets.left(g, serving)
	h.leaving.Unlock()
	h.takesNoMore(g)
	if g.of == nil {
		h.events(Gone{Worker: g.worker})
	} else {
		h.kinLeft(g)
	}
	close(g.heard)
}
