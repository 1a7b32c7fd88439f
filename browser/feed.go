package browser

import (
	"net"
	"sync"
)

// feed is a listener whose connections come from elsewhere.
type feed struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newFeed() *feed { return &feed{conns: make(chan net.Conn), done: make(chan struct{})} }

// add gives the server a connection, and returns at once. Without a server, the connection is closed.
func (f *feed) add(conn net.Conn) {
	go func() { // ends soon: the server accepts at once, or has ended
		select {
		case f.conns <- conn:
		case <-f.done:
			conn.Close()
		}
	}()
}

// Accept waits for the next connection.
func (f *feed) Accept() (net.Conn, error) {
	select {
	case conn := <-f.conns:
		return conn, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

// Close makes Accept return.
func (f *feed) Close() error {
	f.once.Do(func() { close(f.done) })
	return nil
}

// Addr is a name, because a feed has no address.
func (f *feed) Addr() net.Addr { return feedAddr{} }

type feedAddr struct{}

func (feedAddr) Network() string { return "browser" }
func (feedAddr) String() string  { return "browser" }

// handed is a connection that a service's worker, or the supervisor, has handed over.
type handed struct {
	net.Conn
	service  string
	unserved bool // no worker runs; see unserved.go
}
