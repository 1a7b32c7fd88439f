package door

import "net"

// Peer is the process at the other end of a Unix connection, according to the kernel.
type Peer struct {
	Known bool // false: the system does not tell
	UID   int
	PID   int // 0: not known
}

// PeerOf asks the kernel for the peer.
func PeerOf(conn *net.UnixConn) (p Peer) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}
	}
	_ = raw.Control(func(fd uintptr) { p = peerOf(int(fd)) })
	return p
}
