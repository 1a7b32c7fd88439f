package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"hotreload/worker/wire"
)

// line is the connection to hotreload.
type line struct {
	conn net.Conn
	in   *bufio.Reader // for hear, once the connection is open

	writing sync.Mutex // held while a frame is written

	credit   chan struct{} // one entry for each message that may be sent
	gone     chan struct{} // closed when the connection has ended
	draining chan struct{} // closed when the worker should exit
	inbox    chan message  // has room for all messages on their way

	mu       sync.Mutex // guards all below
	heeds    bool       // Heed was sent
	told     bool       // draining is closed
	finished bool       // Finished was sent
	drains   []func()   // not called yet
	calling  bool       // drains are being called
	loops    int        // number of loops over messages
	reloads  []func()
	changed  int // reloads for which the functions were not called yet
	query    func(privileged bool) *Status
}

// message is a received message.
type message struct {
	id   uint32
	data []byte
}

// welcomeTimeout is how long the first call may wait for an answer. Without overload the answer takes about 100 µs.
const welcomeTimeout = 30 * time.Second

// maxInbox limits the messages on their way: one per loop, and no program has more loops.
const maxInbox = 1024

// dial connects and sends the token.
func dial(path, token string) (*line, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	l := &line{conn: conn, in: bufio.NewReader(conn), draining: make(chan struct{}),
		inbox: make(chan message, maxInbox), credit: make(chan struct{}, wire.Window), gone: make(chan struct{})}
	for range wire.Window {
		l.credit <- struct{}{}
	}
	_ = conn.SetDeadline(time.Now().Add(welcomeTimeout))
	if _, err = conn.Write(wire.AppendJoin(nil, os.Getpid(), token)); err == nil {
		var kind wire.Kind
		var body []byte
		if kind, body, err = wire.Read(l.in, wire.MaxBody); err == nil && kind != wire.Welcome {
			err = fmt.Errorf("hotreload refuses: %s", body)
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return l, conn.SetDeadline(time.Time{})
}

// errGone is the error for messages after the end of the connection.
var errGone = errors.New("hotreload is gone")

// post sends a message, after hotreload has acknowledged enough earlier ones.
func (l *line) post(kind wire.Kind, body []byte) error {
	select {
	case <-l.credit:
		return l.say(kind, body)
	case <-l.gone:
		return errGone
	}
}

// say sends a frame.
func (l *line) say(kind wire.Kind, body []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	_, err := l.conn.Write(wire.Append(nil, kind, body))
	return err
}

// hear handles hotreload's frames until the connection ends.
func (l *line) hear() {
	for {
		kind, body, err := wire.Read(l.in, wire.MaxBody)
		if err == nil {
			err = l.obey(kind, body)
		}
		if err != nil {
			l.conn.Close()
			close(l.gone)
			l.drain()
			return
		}
	}
}

var errCrowded = errors.New("more messages than are taken")

func (l *line) obey(kind wire.Kind, body []byte) error {
	switch kind {
	case wire.Drain:
		l.drain()
	case wire.Reload:
		l.reload()
	case wire.Message:
		id, data, err := wire.ParseNumbered(body)
		if err != nil {
			return err
		}
		select {
		case l.inbox <- message{id, data}:
		default:
			return errCrowded
		}
	case wire.Query:
		id, flag, err := wire.ParseNumbered(body)
		if err != nil {
			return err
		}
		go l.answer(id, len(flag) > 0 && flag[0] == 1) // ends with the program's function
	case wire.Heard:
		select {
		case l.credit <- struct{}{}:
		default:
		}
	case wire.Refused:
		return errors.New(string(body))
	}
	return nil // a frame of a newer hotreload, unknown to this version
}

// answer sends the worker's status.
func (l *line) answer(id uint32, privileged bool) {
	l.mu.Lock()
	query := l.query
	l.mu.Unlock()
	var state *Status
	if query != nil {
		state = wellFormed(query(privileged)).For(privileged)
	}
	data, err := json.Marshal(state)
	if err != nil || len(data) > wire.MaxData {
		data = []byte("null")
	}
	_ = l.say(wire.Status, wire.Numbered(id, data))
}

// reload calls the program's reload functions, and calls them once more after another reload during the call.
func (l *line) reload() {
	l.mu.Lock()
	l.changed++
	first := l.changed == 1
	l.mu.Unlock()
	if !first {
		return
	}
	go func() { // ends with the program's functions
		for {
			l.mu.Lock()
			seen, all := l.changed, slices.Clone(l.reloads)
			l.mu.Unlock()
			for _, f := range all {
				f()
			}
			l.mu.Lock()
			done := l.changed == seen
			if l.changed = 1; done {
				l.changed = 0
			}
			l.mu.Unlock()
			if done {
				return
			}
		}
	}()
}

// onDrain keeps f for drain, or calls f if drain was called before.
func (l *line) onDrain(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drains = append(l.drains, f)
	l.heedLocked()
	if l.told {
		l.callLocked()
	}
}

// heedLocked tells hotreload, once, to wait for Finished.
func (l *line) heedLocked() {
	if !l.heeds {
		l.heeds = true
		_ = l.say(wire.Heed, nil)
	}
}

// drain tells the program to finish and exit.
func (l *line) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told {
		return
	}
	l.told = true
	close(l.draining)
	l.callLocked()
}

// callLocked calls the OnDrain functions, and then sends Finished.
func (l *line) callLocked() {
	if l.calling {
		return // the running goroutine will call the new one, too
	}
	l.calling = true
	go func() { // ends with the program's functions
		l.mu.Lock()
		defer l.mu.Unlock()
		for len(l.drains) > 0 {
			f := l.drains[len(l.drains)-1]
			l.drains = l.drains[:len(l.drains)-1]
			l.mu.Unlock()
			f()
			l.mu.Lock()
		}
		l.calling = false
		l.finishLocked()
	}()
}

// finishLocked sends Finished, once.
func (l *line) finishLocked() {
	if l.heeds && l.told && !l.calling && l.loops == 0 && !l.finished {
		l.finished = true
		_ = l.say(wire.Finished, nil)
	}
}
