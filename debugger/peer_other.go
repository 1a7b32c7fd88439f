//go:build !linux

package debugger

import "net"

// uninvited: only Linux tells the user of a connection. On other systems, every user of this machine may connect.
func uninvited(net.Conn) error { return nil }
