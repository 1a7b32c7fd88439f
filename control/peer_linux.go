package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// uidOf is the user at the other end of a Unix connection; known is false if the system does not tell.
func uidOf(conn *net.UnixConn) (uid int, known bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	var peer *unix.Ucred
	_ = raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || peer == nil {
		return 0, false
	}
	return int(peer.Uid), true
}
