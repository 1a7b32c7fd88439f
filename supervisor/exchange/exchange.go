// Package exchange is the supervisor's side of package worker: it gives each worker a token, keeps the worker's
// connection (the line), and passes on the worker's frames. Package wire documents the protocol.
//
// # Theory of operation
//
// One goroutine reads from each line and ends with the line; the results are Events. Another goroutine writes, so
// nothing waits for a program that does not read. Unsent frames are kept up to a limit; beyond the limit, the line is
// cut.
//
// A program may send more messages than anybody reads. The exchange takes at most Pace messages per second from a
// line, and at most wire.Window at a time until they are acknowledged (Said.Heard). The rest stays with the program,
// which waits. So a flood costs the program's time and not the supervisor's memory, and does not delay the program's
// other frames.
//
// # Invariants
//
//   - A connection without a token never occupies more memory than a Join's length.
//   - No lock is held while an event is passed on, or while waiting for the network.
//
// # What it does not do
//
// This package decides nothing about workers, and does not know who sends messages to them.
package exchange

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"hotreload/door"
	"hotreload/worker/wire"
)

// Event is a frame from a program, or the beginning or end of a connection. Worker is the number given to Admit.
type Event interface{ event() }

type (
	// Joined: the worker has a line.
	Joined struct{ Worker int }

	// Ready, Retires, Heeds, Finished: see package wire.
	Ready    struct{ Worker int }
	Retires  struct{ Worker int }
	Heeds    struct{ Worker int }
	Finished struct{ Worker int }

	// Takes: the worker accepts this many messages more, or fewer, at a time.
	Takes struct{ Worker, More int }

	// Said: a message to all readers of events. Heard must be called when the message is no longer kept.
	Said struct {
		Worker int
		Data   []byte
		Heard  func()
	}

	// Replied: a message to the sender of a message. Heard as above.
	Replied struct {
		Worker int
		ID     uint32
		Data   []byte
		Heard  func()
	}

	// Done: a message has been handled.
	Done struct {
		Worker int
		ID     uint32
	}

	// Answered: the program's report about itself; nil: none.
	Answered struct {
		Worker int
		ID     uint32
		State  *wire.State
	}

	// Throttled: the worker sends more than is read, and waits. The event comes once per worker.
	Throttled struct{ Worker int }

	// Left: the line has ended.
	Left struct{ Worker int }

	// Rejected: a connection was refused.
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

// Pace is how many messages per second are read from a program, after a first burst of as many. A message passes
// through the supervisor's loop, which has other work. Felt right, not measured.
const Pace = 1000

// Limits for connections without a token, and for unsent frames. Felt right, not measured.
const (
	maxStrangers = 64
	joinTimeout  = 5 * time.Second
	maxUnsent    = 4 << 20
)

// Exchange is the socket to which the workers of a service connect. The methods may be called from any goroutine, and
// return at once. A nil Exchange has no workers.
type Exchange struct {
	door   *door.Door
	events func(Event)

	mu       sync.Mutex // guards all below
	closed   bool
	expected map[int]string // worker -> token
	lines    map[int]*line
}

// line is the connection to one worker.
type line struct {
	worker int
	conn   net.Conn
	cut    chan struct{} // closed by hangUp
	heard  chan struct{} // has room for wire.Window: the unacknowledged messages
	wake   chan struct{} // has room for one: there is something to write

	hanging sync.Once
	mu      sync.Mutex // guards unsent
	unsent  []byte
}

// hangUp ends the line and its goroutines.
func (l *line) hangUp() {
	l.hanging.Do(func() {
		close(l.cut)
		l.conn.Close()
	})
}

// New listens at path, in a folder that belongs to the user alone. events is called for each event, in order for each
// worker; events may block, and may call the exchange.
func New(path string, events func(Event)) (*Exchange, error) {
	x := &Exchange{events: events, expected: map[int]string{}, lines: map[int]*line{}}
	var err error
	x.door, err = door.Open(path, door.Rules{
		Strangers: maxStrangers, Expected: x.workers, Within: joinTimeout, Meet: x.receive,
		Crowded: func() {
			events(Rejected{fmt.Sprintf("%d connections for messages have not shown a token yet", maxStrangers)})
		},
	})
	if err != nil {
		return nil, fmt.Errorf("listen for messages of workers: %w", err)
	}
	x.door.Receive() // until Close
	return x, nil
}

// Admit expects a worker, and returns the variables for its environment.
func (x *Exchange) Admit(worker int) []string {
	if x == nil {
		return nil
	}
	token := door.Token(worker)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.expected[worker] = token
	return []string{wire.PathVariable + "=" + x.door.Path(), wire.TokenVariable + "=" + token}
}

// workers counts the workers that may connect.
func (x *Exchange) workers() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.expected)
}

// lastWords is how long to read a worker's last frames after its end. Felt right, not measured.
const lastWords = 2 * time.Second

// Forget ends the token of a worker that has exited, and the worker's line as soon as everything was read. Forget
// returns false if there is no line; then no Left will come.
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

// Drain, Reload, Message and Query send this frame to a worker. They return false if the worker has no line.
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

// say keeps a frame for writing. If too much is unsent, the line ends.
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
	for _, l := range x.lines {
		l.hangUp()
	}
	x.mu.Unlock()
	x.door.Shut()
	x.door.Wait() // ends soon: every read and write ends with its connection
}

// receive handles one connection until it ends.
func (x *Exchange) receive(conn *net.UnixConn) {
	in := bufio.NewReaderSize(conn, 512)
	l, err := x.greet(conn, in)
	if err != nil {
		refuse(conn, err)
		x.events(Rejected{err.Error()})
		return
	}
	x.door.Known(conn)
	x.events(Joined{l.worker})
	x.door.Go(l.write) // ends with the line; Close waits
	err = x.listen(l, in)
	x.mu.Lock()
	delete(x.lines, l.worker)
	x.mu.Unlock()
	if door.Faulty(err) {
		refuse(conn, err)
		x.events(Rejected{fmt.Sprintf("worker %d: %v", l.worker, err)})
	}
	l.hangUp()
	x.events(Left{l.worker})
}

// greet waits for Join and finds the worker.
func (x *Exchange) greet(conn net.Conn, in *bufio.Reader) (*line, error) {
	kind, body, err := wire.Read(in, wire.MaxJoin)
	pid, token, ok := wire.ParseJoin(body)
	worker, _ := door.Claims(token)

	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case errors.Is(err, wire.ErrVersion):
		return nil, fmt.Errorf("it speaks another version of hotreload/worker than ours, %d", wire.Version)
	case err != nil:
		return nil, fmt.Errorf("it has not shown a token: %w", err)
	case kind != wire.Join || !ok:
		return nil, errors.New("its first words show no token")
	case !door.Same(x.expected[worker], token):
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

// write sends the kept frames.
func (l *line) write() {
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
			return // the program is gone; its earlier frames are still read
		}
	}
}

// listen passes on the program's frames, until the line ends.
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

// parse reads a frame that is not a message.
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

// await waits until the line may pass on another message; false if the line has ended.
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

// refuse sends the reason, if possible.
func refuse(conn net.Conn, why error) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(wire.Append(nil, wire.Refused, []byte(why.Error())))
}
