//go:build !go1.27

package web

import (
	"net"
	"net/http"
)

// tableHTTP2 has nothing to do: until Go 1.26 net/http's HTTP/2 server is in the table.
func tableHTTP2(*http.Server, net.Conn) bool { return false }
