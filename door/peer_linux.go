package door

import "golang.org/x/sys/unix"

func peerOf(fd int) Peer {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}
	}
	return Peer{Known: true, UID: int(peer.Uid), PID: int(peer.Pid)}
}
