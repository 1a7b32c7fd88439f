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
	in   *bufio.Reader // of hear, once the line is there

	writing sync.Mutex // held for a frame

	credit   chan struct{} // a message may be said for each
	gone     chan struct{} // closed when the connection is
	draining chan struct{} // closed when the worker is to leave
	inbox    chan message  // has room for what may be under way

	mu       sync.Mutex // guards all below
	heeds    bool       // Heed was said
	told     bool       // draining is closed
	finished bool       // Finished was said
	drains   []func()   // not called yet
	calling  bool       // they are being called
	loops    int        // over messages
	reloads  []func()
	changed  int // reloads that were heard of and not told to reloads yet
	query    func(privileged bool) *Status
}

// message is one that has arrived.
type message struct {
	id   uint32
	data []byte
}

// welcomeTimeout is how long the first call may wait for an answer, which takes some 100 µs on a machine that is not
// overloaded.
const welcomeTimeout = 30 * time.Second

// maxInbox is how many messages may be under way: as many as there are loops, and nobody has more of them.
const maxInbox = 1024

// dial connects and shows the token.
func dial(path, token string) (*line, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	l := &line{conn: conn, in: bufio.NewReader(conn), draining: make(chan struct{}), inbox: make(chan message, maxInbox), credit: make(chan struct{}, wire.Window), gone: make(chan struct{})}
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

// errGone is for messages that nobody is there to hear.
var errGone = errors.New("hotreload is gone")

// post sends a message, when hotreload has heard those before it.
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

// hear does what hotreload says, until it is gone.
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
	return nil // what a newer hotreload says beyond that is not for us
}

// answer says what there is to say of the worker.
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

// reload has the program told that the code has changed. What changes while it is told is told once more.
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

// onDrain keeps f for drain, or calls it if that was before.
func (l *line) onDrain(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drains = append(l.drains, f)
	l.heedLocked()
	if l.told {
		l.callLocked()
	}
}

// heedLocked tells hotreload, once, that there will be something to wait for.
func (l *line) heedLocked() {
	if !l.heeds {
		l.heeds = true
		_ = l.say(wire.Heed, nil)
	}
}

// drain has the program told that it is to leave.
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

// callLocked calls what was given to OnDrain, and then says so.
func (l *line) callLocked() {
	if l.calling {
		return // and it will come to what is new
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

// finishLocked says, once, that all is done that there was to do.
func (l *line) finishLocked() {
	if l.heeds && l.told && !l.calling && l.loops == 0 && !l.finished {
		l.finished = true
		_ = l.say(wire.Finished, nil)
	}
}
