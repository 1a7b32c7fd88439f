package host

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf is who made the connection, as the kernel knows.
func peerOf(conn *net.UnixConn) (pid, uid int, known bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid, uid, known = int(peer.Pid), int(peer.Uid), true
		}
	})
	return pid, uid, known
}
