package supervisor

import (
	"errors"
	"net"
	"os"
	"strings"
)

// word is the socket through which one worker says that it is ready, sd_notify(3). One for each worker: who speaks is
// known by where, also when it is a child of the worker (systemd-notify) that has exited before we could look it up.
// The folder is ours alone, so a stranger cannot reach it.
type word struct {
	*net.UnixConn
	path string
}

func listenForWord(path string) (*word, error) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		return nil, err
	}
	return &word{socket, path}, nil
}

// Close also removes the file, which the net package leaves.
func (w *word) Close() error {
	return errors.Join(w.UnixConn.Close(), os.Remove(w.path))
}

// hear waits for READY=1 until the socket is closed. Everything else that programs tell systemd is for systemd.
func (s *Supervisor) hear(socket *word, r *running) {
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
