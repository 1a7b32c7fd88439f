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
		peer, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		if err != nil {
			return
		}
		uid = int(peer.Uid)
		pid, err = unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID)
		known = err == nil
	})
	return pid, uid, known
}
