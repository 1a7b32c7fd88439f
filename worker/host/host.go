//go:build linux || darwin

package host

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotreload/worker/linked/protocol"
)

// Host is the socket to which the agents of a service connect. Its methods may be called from any goroutine.
type Host struct {
	listener *net.UnixListener
	grace    time.Duration
	events   func(Event)
	sockets  *Sockets
	done     sync.WaitGroup // of its goroutines
	leaving  sync.Mutex     // held while one worker leaves; taken before mu

	// mu guards all below.
	mu        sync.Mutex
	closed    bool
	strangers map[*net.UnixConn]struct{} // who has not said hello yet
	guests    map[int]*guest             // by worker
	last      map[uint32]bool            // ids of listeners on which the newest ready worker accepts
	newest    *guest                     // that worker
	user      int                        // whom workers may run as, too; 0 as ever
}

// guest is a worker as the host knows it. Its fields are guarded by Host.mu.
type guest struct {
	worker    int
	token     string
	conn      *net.UnixConn // nil before Hello and after Gone
	accepting map[uint32]bool
	ready     bool
	timer     *time.Timer // ReadyAfter, once it accepts somewhere
	released  bool
	quiet     bool
	counting  bool // it was asked for Counts, and has not answered
}

// Limits for those who have not shown a token. Felt right, not measured.
const (
	maxStrangers = 64
	helloTimeout = 5 * time.Second
)

// sendTimeout is how long an agent may take to make room. Its queue has room for hundreds of frames: one that does not
// take them is stopped (SIGSTOP, a debugger).
const sendTimeout = 100 * time.Millisecond

// New listens at path, in a folder that belongs to the user alone. The grace is told to the agents, for when they find
// us gone. events is called for each event, in order for each worker, and must return soon; it may call the host. The
// sockets are given to the workers that ask, and belong to the caller.
func New(path string, grace time.Duration, sockets *Sockets, events func(Event)) (*Host, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		return nil, fmt.Errorf("listen for the workers: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen for the workers: %w", err)
	}
	h := &Host{
		listener: listener, grace: grace, events: events, sockets: sockets,
		strangers: map[*net.UnixConn]struct{}{}, guests: map[int]*guest{}, last: map[uint32]bool{},
	}
	h.done.Add(1)
	go h.accept() // ends with the listener, in Close, which waits
	return h, nil
}

// Admit expects a worker, and returns what has to be in its environment.
func (h *Host) Admit(worker int) []string {
	token := strconv.Itoa(worker) + "." + rand.Text()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.guests[worker] = &guest{worker: worker, token: token, accepting: map[uint32]bool{}}
	return []string{protocol.PathVariable + "=" + h.listener.Addr().String(), protocol.TokenVariable + "=" + token}
}

// Forget ends the connection to a worker that is gone, and its token.
func (h *Host) Forget(worker int) {
	h.mu.Lock()
	g := h.guests[worker]
	delete(h.guests, worker)
	var conn *net.UnixConn
	if g != nil {
		conn = g.conn
	}
	h.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// Drain asks a worker to take nothing new and to finish what it has: Released and Quiet will come. It is false if there
// is no agent to ask.
func (h *Host) Drain(worker int) bool { return h.ask(worker, protocol.Drain, nil) }

// Leave asks a worker, after whom nobody comes, to take nothing new and to finish the requests that it is answering:
// Released and Idle will come. It is false if there is no agent to ask.
func (h *Host) Leave(worker int) bool { return h.ask(worker, protocol.Leave, nil) }

// Count asks a worker's agent for what it knows: Counts will come, with the same id. It is false if there is no agent to
// ask.
//
// An agent that has not answered the last time is not asked again: it may be stopped, and its queue has an end.
func (h *Host) Count(worker int, id uint32) bool {
	h.mu.Lock()
	g := h.guests[worker]
	there := g != nil && g.conn != nil
	was := there && g.counting
	if there {
		g.counting = true
	}
	h.mu.Unlock()
	return was || there && h.ask(worker, protocol.Count, protocol.Numbers(id))
}

func (h *Host) ask(worker int, kind protocol.Kind, body []byte) bool {
	h.mu.Lock()
	var conn *net.UnixConn
	if g := h.guests[worker]; g != nil {
		conn = g.conn
	}
	h.mu.Unlock()
	return conn != nil && send(conn, kind, body, -1) == nil
}

// Close ends all connections, at which the workers drain and leave.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	var all []*net.UnixConn
	for conn := range h.strangers {
		all = append(all, conn)
	}
	for _, g := range h.guests {
		if g.conn != nil {
			all = append(all, g.conn)
		}
	}
	h.mu.Unlock()
	h.listener.Close()
	for _, conn := range all {
		conn.Close()
	}
	h.done.Wait() // has an end: every read ends with its connection
}

// accept admits connections until the listener is closed.
func (h *Host) accept() {
	defer h.done.Done()
	for {
		conn, err := h.listener.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // no descriptors left: who waits in the queue stays there
			continue
		}
		h.mu.Lock()
		crowded := len(h.strangers) >= maxStrangers
		refuse := crowded || h.closed
		if !refuse {
			h.strangers[conn] = struct{}{}
			h.done.Add(1)
		}
		h.mu.Unlock()
		if refuse {
			conn.Close()
			if crowded {
				h.events(Rejected{Reason: fmt.Sprintf("%d connections have not said hello yet", maxStrangers)})
			}
			continue
		}
		go h.receive(conn) // ends with the connection; Close waits
	}
}

// receive talks with one connection until it ends.
func (h *Host) receive(conn *net.UnixConn) {
	defer h.done.Done()
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout))
	in := newReader(conn)
	pid, uid, known := peerOf(conn)
	g, err := h.greet(in, pid, uid, known)
	h.mu.Lock()
	delete(h.strangers, conn)
	if err == nil {
		switch {
		case h.closed:
			err = errors.New("the supervisor is leaving")
		case h.guests[g.worker] != g:
			err = errors.New("the worker is gone")
		case g.conn != nil:
			err = fmt.Errorf("worker %d has an agent already", g.worker)
		default:
			g.conn = conn
			*g = guest{worker: g.worker, token: g.token, conn: conn, accepting: map[uint32]bool{}}
		}
	}
	h.mu.Unlock()
	if err != nil {
		refuse(conn, err)
		h.events(Rejected{Pid: pid, Reason: err.Error()})
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	milliseconds := uint32(h.grace / time.Millisecond)
	err = send(conn, protocol.Welcome, protocol.Numbers(milliseconds), -1) // first: the program's start waits for it
	h.events(Hello{Worker: g.worker, Pid: pid})
	for err == nil {
		err = h.answer(g, in)
	}
	h.leave(g, conn, in, err)
}

// AllowUser lets workers be somebody else than we.
func (h *Host) AllowUser(uid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.user = uid
}

// greet waits for Hello and finds out whose it is.
func (h *Host) greet(in *reader, pid, uid int, known bool) (*guest, error) {
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
	if known && uid != os.Getuid() && uid != 0 && uid != user {
		return nil, fmt.Errorf("it belongs to another user (uid %d)", uid)
	}
	number, _, _ := strings.Cut(token, ".")
	worker, err := strconv.Atoi(number)
	h.mu.Lock()
	g := h.guests[worker]
	h.mu.Unlock()
	if err != nil || g == nil || subtle.ConstantTimeCompare([]byte(g.token), []byte(token)) != 1 {
		return nil, errors.New("its token is not that of a worker")
	}
	if known && pid != claimed {
		return nil, fmt.Errorf("it says that it is pid %d and is pid %d", claimed, pid)
	}
	return g, nil
}

// errDone ends a conversation without a fault.
var errDone = errors.New("the agent is done")

// answer takes one frame from a worker and does what it asks for.
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
			paths = "" // dozens of sockets: the worker will say that one is in use
		}
		return send(in.conn, protocol.Way, []byte(paths), -1)
	case protocol.Ask:
		return h.give(g, in, string(body))
	case protocol.Accepting:
		h.accepting(g, number)
	case protocol.Closed:
		h.sockets.closed(g, number)
	case protocol.Parked:
		if h.once(&g.released) {
			h.events(Released{Worker: g.worker})
		}
	case protocol.Quiet:
		if h.once(&g.quiet) {
			h.events(Quiet{Worker: g.worker})
		}
	case protocol.Idle:
		h.events(Idle{Worker: g.worker})
	case protocol.Counts:
		id, known, ok := protocol.ParseCounts(body)
		if !ok {
			return errors.New("its counts are none")
		}
		h.mu.Lock()
		g.counting = false
		h.mu.Unlock()
		h.events(Counts{Worker: g.worker, ID: id, Known: known})
	case protocol.Opened:
		if how, at, path, ok := protocol.ParseOpened(body); ok {
			h.events(Opened{Worker: g.worker, Path: path, How: How(how), At: time.Unix(0, at)})
		}
	default:
		return fmt.Errorf("a frame of unknown kind %d", kind)
	}
	return nil
}

// once sets a flag of a guest and reports whether it was not set.
func (h *Host) once(flag *bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := *flag
	*flag = true
	return !was
}

// give answers Ask.
func (h *Host) give(g *guest, in *reader, path string) error {
	fd := in.takeFd()
	if fd < 0 {
		return errors.New("it asks for a listener and sends no socket")
	}
	got := h.sockets.ask(g, fd, path) // owns fd
	defer got.close()
	h.events(Asked{Worker: g.worker, Network: got.network, Address: got.address, New: got.adopted, Err: got.err()})
	return send(in.conn, protocol.Listener, protocol.Numbers(uint32(got.errno), got.id), got.fd)
}

// accepting notes that a worker accepts on a listener; 0 is one that it did not get from us.
func (h *Host) accepting(g *guest, id uint32) {
	h.mu.Lock()
	if id != 0 {
		g.accepting[id] = true
	}
	if g.ready {
		if h.newest == g && id != 0 {
			h.last[id] = true
		}
		h.mu.Unlock()
		return
	}
	all := true
	for id := range h.last {
		all = all && g.accepting[id]
	}
	if !all {
		if g.timer == nil {
			g.timer = time.AfterFunc(ReadyAfter, func() { h.ready(g) }) // stopped in leave
		}
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	h.ready(g)
}

func (h *Host) ready(g *guest) {
	h.mu.Lock()
	if g.ready || g.conn == nil {
		h.mu.Unlock()
		return
	}
	g.ready = true
	h.newest, h.last = g, map[uint32]bool{}
	for id := range g.accepting {
		h.last[id] = true
	}
	h.mu.Unlock()
	h.events(Ready{Worker: g.worker})
}

// leave ends a conversation.
func (h *Host) leave(g *guest, conn *net.UnixConn, in *reader, why error) {
	in.discard()
	if faulty(why) {
		refuse(conn, why)
		h.events(Rejected{Reason: fmt.Sprintf("worker %d: %v", g.worker, why)})
	}
	// Two that leave at the same time must not each take the other for the one that serves on.
	h.leaving.Lock()
	h.mu.Lock()
	g.conn = nil
	if g.timer != nil {
		g.timer.Stop()
	}
	var serving []*guest
	for _, other := range h.guests {
		if other.conn != nil && other.ready && !other.released {
			serving = append(serving, other)
		}
	}
	h.mu.Unlock()
	h.sockets.left(g, serving)
	h.leaving.Unlock()
	h.events(Gone{Worker: g.worker})
}
