// Package door admits programs to private Unix sockets and folders, after the programs have identified themselves.
//
// # Theory of operation
//
// A Door listens at a path in a private folder. A new connection is a stranger until the program has identified itself.
// The number of strangers and their time are limited, so a silent stranger cannot block others. The opener of the door
// decides about the protocol and about admission. This package makes and compares tokens; each worker's environment has
// the worker's token.
//
// # What it does not do
//
// This package speaks no protocol: the opener tells a refused program the reason. If the system does not name the
// process at the other end of a connection (Windows), only the folder's permissions protect the door.
package door

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Rules has the limits of a Door and the functions called by the Door.
type Rules struct {
	Strangers int           // the largest number of strangers, in addition to the result of Expected
	Within    time.Duration // time limit for a stranger to identify itself

	// Expected returns how many programs may come now. Dozens of workers may start together, and none may be refused
	// because of the others. nil: none is expected.
	Expected func() int

	// Meet serves one connection to its end, on a goroutine of its own, and calls Known after the program has
	// identified itself. The Door closes the connection afterwards.
	Meet func(conn *net.UnixConn)

	// Crowded is called for each connection refused because of too many strangers.
	Crowded func()
}

// Door is an open door. Its methods may be called from any goroutine.
type Door struct {
	listener *net.UnixListener
	rules    Rules
	shut     chan struct{}  // closed by Shut
	done     sync.WaitGroup // counts accept, and the goroutines of Meet and Go

	mu        sync.Mutex // guards all below
	closed    bool
	strangers map[*net.UnixConn]struct{}
}

// retryAfter is the pause after a failed accept: without free descriptors, clients stay in the queue.
const retryAfter = 10 * time.Millisecond

// Open listens at path, in a private folder. No connection is accepted before Receive.
func Open(path string, rules Rules) (*Door, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, err
	}
	return &Door{
		listener: listener, rules: rules,
		shut: make(chan struct{}), strangers: map[*net.UnixConn]struct{}{},
	}, nil
}

// Receive accepts connections from now on.
func (d *Door) Receive() { d.Go(d.accept) } // ends with the listener, in Shut

// Path returns the socket's path.
func (d *Door) Path() string { return d.listener.Addr().String() }

// Go runs f, which must end with a connection, on a goroutine counted by Wait.
func (d *Door) Go(f func()) { d.done.Go(f) }

// Known marks a connection as identified: the time limit ends, and Shut leaves the connection open.
func (d *Door) Known(conn *net.UnixConn) {
	_ = conn.SetReadDeadline(time.Time{})
	d.gone(conn)
}

func (d *Door) gone(conn *net.UnixConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.strangers, conn)
}

// Shut closes the listener and the connections of all strangers. The opener closes identified connections; Wait waits
// for their end.
func (d *Door) Shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	close(d.shut)
	d.listener.Close()
	for conn := range d.strangers {
		conn.Close()
	}
}

// Wait waits until all connections have ended.
func (d *Door) Wait() { d.done.Wait() }

func (d *Door) accept() {
	for {
		conn, err := d.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			select {
			case <-time.After(retryAfter):
			case <-d.shut:
			}
		case d.enters(conn):
			_ = conn.SetReadDeadline(time.Now().Add(d.rules.Within))
			d.Go(func() { // ends with the connection
				defer d.gone(conn)
				defer conn.Close()
				d.rules.Meet(conn)
			})
		}
	}
}

// enters registers a stranger, or refuses it.
func (d *Door) enters(conn *net.UnixConn) bool {
	most := d.rules.Strangers
	if d.rules.Expected != nil {
		most += d.rules.Expected()
	}
	d.mu.Lock()
	crowded := len(d.strangers) >= most
	refused := crowded || d.closed
	if !refused {
		d.strangers[conn] = struct{}{}
	}
	d.mu.Unlock()
	if refused {
		conn.Close()
	}
	if crowded {
		d.rules.Crowded()
	}
	return !refused
}

// Faulty reports whether a connection ended because of its contents, and not because one side was gone.
func Faulty(err error) bool {
	var network *net.OpError
	var system syscall.Errno
	return !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &network) &&
		!errors.As(err, &system)
}

// Uninvited returns why a connection of this user is refused; nil if the user is allowed. Root is always allowed, and
// so is everybody on systems that do not tell the user.
func (p Peer) Uninvited(also ...int) error {
	if !p.Known || p.UID == os.Getuid() || p.UID == 0 {
		return nil
	}
	for _, uid := range also {
		if p.UID == uid {
			return nil
		}
	}
	return fmt.Errorf("it belongs to another user (uid %d)", p.UID)
}
