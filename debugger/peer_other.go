//go:build !linux

package debugger

import "net"

// uninvited: only Linux tells whose connection it is. Elsewhere every user of this machine may connect.
func uninvited(net.Conn) error { return nil }
