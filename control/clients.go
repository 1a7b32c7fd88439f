package control

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// clients counts connections, so a new client is always served. If there are too many, the connection that has been
// idle longest is closed.
type clients struct {
	most int

	mu  sync.Mutex // guards the one below
	all []client   // the longest connected first
}

type client struct {
	conn net.Conn
	busy bool // a request is being answered
}

// note is the ConnState function of an http.Server.
func (c *clients) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.all, func(one client) bool { return one.conn == conn })
	switch {
	case state == http.StateNew:
		c.all = append(c.all, client{conn: conn})
		if len(c.all) > c.most {
			c.dismiss()
		}
	case i < 0:
	case state == http.StateClosed || state == http.StateHijacked:
		c.all = slices.Delete(c.all, i, i+1)
	default:
		c.all[i].busy = state == http.StateActive
	}
}

// dismiss closes the least useful connection.
func (c *clients) dismiss() {
	i := max(slices.IndexFunc(c.all, func(one client) bool { return !one.busy }), 0)
	_ = c.all[i].conn.Close() // the server then notes the close
	c.all = slices.Delete(c.all, i, i+1)
}
