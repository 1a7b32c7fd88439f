package control

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// clients keeps account of who is connected, so that however many connect, the next one is heard. When there are too many,
// the one goes that has waited longest without having asked for anything.
type clients struct {
	most int

	mu  sync.Mutex // guards the one below
	all []client   // the longest connected first
}

type client struct {
	conn net.Conn
	busy bool // a request is being answered
}

// note is an http.Server's ConnState.
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

// dismiss closes the connection that is missed least.
func (c *clients) dismiss() {
	i := max(slices.IndexFunc(c.all, func(one client) bool { return !one.busy }), 0)
	_ = c.all[i].conn.Close() // whose server then notes that it is closed
	c.all = slices.Delete(c.all, i, i+1)
}
