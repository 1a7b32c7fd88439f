package control

import (
	"net"
	"sync"
)

// place is a connection that frees its place when it is closed.
type place struct {
	net.Conn
	once sync.Once
	free func()
}

func (p *place) Close() error {
	p.once.Do(p.free)
	return p.Conn.Close()
}
