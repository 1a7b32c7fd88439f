package supervisor

import (
	"net"
	"strings"
)

// listenForWord makes the socket of one worker for sd_notify(3). One for each worker: who speaks is known by where,
// also when it is a child of the worker (systemd-notify) that has exited before we could look it up. The folder is
// ours alone, so a stranger cannot reach it.
func listenForWord(path string) (*net.UnixConn, error) {
	return net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
}

// hear waits for READY=1 until the socket is closed. Everything else that programs tell systemd is for systemd.
func (s *Supervisor) hear(socket *net.UnixConn, r *running) {
	message := make([]byte, 4096)
	for {
		n, err := socket.Read(message)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(message[:n])) {
			if strings.TrimRight(line, "\n") == "READY=1" {
				s.send(readyInput{r.worker.ID, ByWord})
			}
		}
	}
}
