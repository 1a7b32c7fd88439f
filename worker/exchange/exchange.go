// Package exchange is the supervisor's side of the programs that want a say (package worker): it gives each worker a
// token, keeps its line, and passes on what comes through it. Package wire has the conversation.
//
// # Theory of operation
//
// One goroutine reads from each line and ends with it; what it learns leaves as an Event. Another writes, so that
// nobody waits for a program that does not listen: what it has not taken is kept up to a limit, and then it is cut off.
//
// A program may talk more than anybody wants to hear. What it says is taken off its line at most as fast as Pace, and no
// more of it at a time than wire.Window, until each has been heard (Said.Heard); the rest stays with the program, which
// waits. So a flood costs the program's time and not our memory, and what else it has to say is not held up.
//
// # Invariants
//
//   - What a connection without a token sends is never more than a Join's length in memory.
//   - No lock is held while an event is passed on or the network is waited for.
//
// # What it does not do
//
// It decides nothing about workers, and does not know who wants to talk to them.
package exchange

import (
	"bufio"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotreload/worker/wire"
)

// Event is something that a program said. Worker is the number given to Admit.
type Event interface{ event() }

type (
	// Joined: the worker has a line.
	Joined struct{ Worker int }

	// Ready, Retires, Heeds, Finished: see package wire.
	Ready    struct{ Worker int }
	Retires  struct{ Worker int }
	Heeds    struct{ Worker int }
	Finished struct{ Worker int }

	// Takes: so many messages more, or less, can it be given at a time.
	Takes struct{ Worker, More int }

	// Said: a message to everybody. Heard must be called when it is no longer kept.
	Said struct {
		Worker int
		Data   []byte
		Heard  func()
	}

	// Replied: the same to who sent a message.
	Replied struct {
		Worker int
		ID     uint32
		Data   []byte
		Heard  func()
	}

	// Done: a message has been dealt with.
	Done struct {
		Worker int
		ID     uint32
	}

	// Answered: what the program says of itself; nil = nothing.
	Answered struct {
		Worker int
		ID     uint32
		State  *wire.State
	}

	// Throttled: it says more than is listened to, and waits. It is told once for each worker.
	Throttled struct{ Worker int }

	// Left: the line is gone.
	Left struct{ Worker int }

	// Rejected: somebody was turned away.
	Rejected struct{ Reason string }
)

func (Joined) event()    {}
func (Ready) event()     {}
func (Retires) event()   {}
func (Heeds) event()     {}
func (Finished) event()  {}
func (Takes) event()     {}
func (Said) event()      {}
func (Replied) event()   {}
func (Done) event()      {}
func (Answered) event()  {}
func (Throttled) event() {}
func (Left) event()      {}
func (Rejected) event()  {}

// Pace is how many messages in a second are taken from a program, after so many without a wait. A message passes through
// the supervisor's loop, which has other things to do; felt right, not measured.
const Pace = 1000

// Limits for those who have not shown a token, and of what is kept for one who does not listen. Felt right, not
// measured.
const (
	maxStrangers = 64
	joinTimeout  = 5 * time.Second
	maxUnsent    = 4 << 20
)

// Exchange is the socket to which the workers of a service connect. Its methods may be called from any goroutine, and
// return at once. A nil one has no workers.
type Exchange struct {
	listener net.Listener
	events   func(Event)
	done     sync.WaitGroup // of its goroutines

	mu        sync.Mutex // guards all below
	closed    bool
	strangers map[net.Conn]struct{}
	expected  map[int]string // worker -> token
	lines     map[int]*line
}

// line is the connection to one worker.
type line struct {
	worker int
	conn   net.Conn
	cut    chan struct{} // closed by hangUp
	heard  chan struct{} // has room for wire.Window: what is under way
	wake   chan struct{} // has room for one: there is something to write

	hanging sync.Once
	mu      sync.Mutex // guards unsent
	unsent  []byte
}

// hangUp ends the line, with all that is done for it.
func (l *line) hangUp() {
	l.hanging.Do(func() {
		close(l.cut)
		l.conn.Close()
	})
}

// New listens at path, in a folder that belongs to the user alone. events is called for each event, in order for each
// worker; it may block, and may call the exchange.
func New(path string, events func(Event)) (*Exchange, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for messages of workers: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen for messages of workers: %w", err)
	}
	x := &Exchange{
		listener: listener, events: events,
		strangers: map[net.Conn]struct{}{}, expected: map[int]string{}, lines: map[int]*line{},
	}
	x.done.Add(1)
	go x.accept() // ends with the listener, in Close, which waits
	return x, nil
}

// Admit expects a worker, and returns what has to be in its environment.
func (x *Exchange) Admit(worker int) []string {
	if x == nil {
		return nil
	}
	token := strconv.Itoa(worker) + "." + rand.Text()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.expected[worker] = token
	return []string{wire.PathVariable + "=" + x.listener.Addr().String(), wire.TokenVariable + "=" + token}
}

// lastWords is how long we listen to what a worker has said before it was gone. Felt right, not measured.
const lastWords = 2 * time.Second

// Forget ends the token of a worker that is gone, and its line as soon as it has been heard to the end. It is false if
// there is none, and no Left will come.
func (x *Exchange) Forget(worker int) bool {
	if x == nil {
		return false
	}
	x.mu.Lock()
	delete(x.expected, worker)
	l := x.lines[worker]
	x.mu.Unlock()
	if l != nil {
		time.AfterFunc(lastWords, l.hangUp) // a child of the worker may hold the other end
	}
	return l != nil
}

// Drain, Reload, Message and Query say the like to a worker. They are false if it has no line.
func (x *Exchange) Drain(worker int) bool  { return x.say(worker, wire.Drain, nil) }
func (x *Exchange) Reload(worker int) bool { return x.say(worker, wire.Reload, nil) }

func (x *Exchange) Message(worker int, id uint32, data []byte) bool {
	return x.say(worker, wire.Message, wire.Numbered(id, data))
}

func (x *Exchange) Query(worker int, id uint32, privileged bool) bool {
	flag := []byte{0}
	if privileged {
		flag[0] = 1
	}
	return x.say(worker, wire.Query, wire.Numbered(id, flag))
}

func (x *Exchange) say(worker int, kind wire.Kind, body []byte) bool {
	if x == nil {
		return false
	}
	x.mu.Lock()
	l := x.lines[worker]
	x.mu.Unlock()
	return l != nil && l.say(kind, body)
}

// say keeps a frame to be written. A program that has not listened to so much is not one to talk to.
func (l *line) say(kind wire.Kind, body []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.unsent) > maxUnsent {
		l.hangUp()
		return false
	}
	l.unsent = wire.Append(l.unsent, kind, body)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// Close ends all lines.
func (x *Exchange) Close() {
	if x == nil {
		return
	}
	x.mu.Lock()
	x.closed = true
	for conn := range x.strangers {
		conn.Close()
	}
	for _, l := range x.lines {
		l.hangUp()
	}
	x.mu.Unlock()
	x.listener.Close()
	x.done.Wait() // has an end: every read and write ends with its connection
}

func (x *Exchange) accept() {
	defer x.done.Done()
	for {
		conn, err := x.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // no descriptors left: who waits in the queue stays there
			continue
		}
		x.mu.Lock()
		crowded := len(x.strangers) >= maxStrangers
		refuse := crowded || x.closed
		if !refuse {
			x.strangers[conn] = struct{}{}
			x.done.Add(1)
		}
		x.mu.Unlock()
		if refuse {
			conn.Close()
			if crowded {
				x.events(Rejected{fmt.Sprintf("%d connections for messages have not shown a token yet", maxStrangers)})
			}
			continue
		}
		go x.receive(conn) // ends with the connection; Close waits
	}
}

// receive listens to one connection until it ends.
func (x *Exchange) receive(conn net.Conn) {
	defer x.done.Done()
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 512)
	_ = conn.SetReadDeadline(time.Now().Add(joinTimeout))
	l, err := x.greet(conn, in)
	if err != nil {
		refuse(conn, err)
		x.events(Rejected{err.Error()})
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	x.events(Joined{l.worker})
	x.done.Add(1)
	go l.write(&x.done) // ends with the line; Close waits
	err = x.listen(l, in)
	x.mu.Lock()
	delete(x.lines, l.worker)
	x.mu.Unlock()
	if faulty(err) {
		refuse(conn, err)
		x.events(Rejected{fmt.Sprintf("worker %d: %v", l.worker, err)})
	}
	l.hangUp()
	x.events(Left{l.worker})
}

// greet waits for Join and finds out whose it is.
func (x *Exchange) greet(conn net.Conn, in *bufio.Reader) (*line, error) {
	kind, body, err := wire.Read(in, wire.MaxJoin)
	pid, token, ok := wire.ParseJoin(body)
	number, _, _ := strings.Cut(token, ".")
	worker, _ := strconv.Atoi(number)

	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.strangers, conn)
	expected := x.expected[worker]
	switch {
	case errors.Is(err, wire.ErrVersion):
		return nil, fmt.Errorf("it speaks another version of hotreload/worker than ours, %d", wire.Version)
	case err != nil:
		return nil, fmt.Errorf("it has not shown a token: %w", err)
	case kind != wire.Join || !ok:
		return nil, errors.New("its first words show no token")
	case expected == "" || subtle.ConstantTimeCompare([]byte(expected), []byte(token)) != 1:
		return nil, fmt.Errorf("the token of pid %d is not that of a worker", pid)
	case x.closed:
		return nil, errors.New("the supervisor is leaving")
	case x.lines[worker] != nil:
		return nil, fmt.Errorf("worker %d talks to us already, and pid %d wants to do so too", worker, pid)
	}
	l := &line{
		worker: worker, conn: conn,
		cut: make(chan struct{}), heard: make(chan struct{}, wire.Window), wake: make(chan struct{}, 1),
	}
	l.say(wire.Welcome, nil)
	x.lines[worker] = l
	return l, nil
}

// write sends what there is to say.
func (l *line) write(done *sync.WaitGroup) {
	defer done.Done()
	for {
		select {
		case <-l.wake:
		case <-l.cut:
			return
		}
		l.mu.Lock()
		buf := l.unsent
		l.unsent = nil
		l.mu.Unlock()
		if _, err := l.conn.Write(buf); err != nil {
			return // it is gone; what it has said before is still read
		}
	}
}

// listen passes on what the program says, until the line ends.
func (x *Exchange) listen(l *line, in *bufio.Reader) error {
	var pace pace
	told := false
	for {
		kind, body, err := wire.Read(in, wire.MaxBody)
		if err != nil {
			return err
		}
		switch kind {
		case wire.Say, wire.Reply:
			data, id := body, uint32(0)
			if kind == wire.Reply {
				if id, data, err = wire.ParseNumbered(body); err != nil {
					return err
				}
			}
			if err := wire.CheckJSON(data); err != nil {
				return err
			}
			wait := pace.next(time.Now())
			if wait > 0 && !told {
				told = true
				x.events(Throttled{l.worker})
			}
			if !l.await(wait) {
				return net.ErrClosed
			}
			heard := func() {
				<-l.heard
				l.say(wire.Heard, nil)
			}
			if kind == wire.Say {
				x.events(Said{l.worker, data, heard})
			} else {
				x.events(Replied{l.worker, id, data, heard})
			}
		default:
			event, err := parse(l.worker, kind, body)
			if err != nil {
				return err
			}
			x.events(event)
		}
	}
}

// parse reads a frame that is no message.
func parse(worker int, kind wire.Kind, body []byte) (Event, error) {
	switch kind {
	case wire.Ready:
		return Ready{worker}, nil
	case wire.Retire:
		return Retires{worker}, nil
	case wire.Heed:
		return Heeds{worker}, nil
	case wire.Finished:
		return Finished{worker}, nil
	case wire.Take:
		return Takes{worker, 1}, nil
	case wire.TakeLess:
		return Takes{worker, -1}, nil
	case wire.Done:
		id, _, err := wire.ParseNumbered(body)
		return Done{worker, id}, err
	case wire.Status:
		id, data, err := wire.ParseNumbered(body)
		if err != nil {
			return nil, err
		}
		state, err := wire.ParseState(data)
		return Answered{worker, id, state}, err
	}
	return nil, fmt.Errorf("a frame of unknown kind %d", kind)
}

// await waits until the line may pass on another message; false if it has ended.
func (l *line) await(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.cut:
		return false
	}
	select {
	case l.heard <- struct{}{}:
		return true
	case <-l.cut:
		return false
	}
}

// refuse says why, as far as it can.
func refuse(conn net.Conn, why error) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(wire.Append(nil, wire.Refused, []byte(why.Error())))
}

// faulty reports whether a conversation ended by what was said, and not because the worker, or we, had gone.
func faulty(err error) bool {
	var network *net.OpError
	return !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &network)
}
