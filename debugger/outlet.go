package debugger

import (
	"net"
	"sync"
	"time"
)

// outlet sends messages without blocking the caller: the other side may be stopped.
type outlet struct {
	conn net.Conn

	mu       sync.Mutex // guards all below
	queue    [][]byte
	size     int
	finished bool
	wake     chan struct{} // has room for one
}

// An outlet is closed if the other side lets more than mostUnsent bytes wait.
const (
	mostUnsent  = 64 << 20
	finishLimit = time.Second // for the last messages
)

func newOutlet(conn net.Conn) *outlet {
	o := &outlet{conn: conn, wake: make(chan struct{}, 1)}
	go o.run() // ends after finish, or with the connection
	return o
}

func (o *outlet) send(m message) { o.write(m.encoded()) }

func (o *outlet) write(text []byte) {
	o.mu.Lock()
	if !o.finished {
		o.queue, o.size = append(o.queue, text), o.size+len(text)
	}
	full := o.size > mostUnsent
	o.mu.Unlock()
	if full {
		o.conn.Close()
	}
	o.stir()
}

// finish closes the connection after the last message.
func (o *outlet) finish() {
	o.mu.Lock()
	first := !o.finished
	o.finished = true
	o.mu.Unlock()
	if first {
		_ = o.conn.SetWriteDeadline(time.Now().Add(finishLimit))
	}
	o.stir()
}

func (o *outlet) stir() {
	select {
	case o.wake <- struct{}{}:
	default: // run is awake
	}
}

func (o *outlet) run() {
	defer o.conn.Close()
	for range o.wake {
		o.mu.Lock()
		queue, finished := o.queue, o.finished
		o.queue, o.size = nil, 0
		o.mu.Unlock()
		for _, text := range queue {
			if _, err := o.conn.Write(text); err != nil {
				o.mu.Lock()
				o.finished = true // nothing is kept any more
				o.mu.Unlock()
				return
			}
		}
		if finished {
			return
		}
	}
}
