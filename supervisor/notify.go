package supervisor

import (
	"errors"
	"net"
	"os"
	"strings"
)

// word is the socket on which one worker sends READY=1, as in sd_notify(3). Each worker has its own, so the sender is
// known, even a child of the worker (systemd-notify) with an exit before the supervisor could look up its pid. The
// folder is private, so no other user can reach the socket.
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

// Close also removes the file; package net does not.
func (w *word) Close() error {
	return errors.Join(w.UnixConn.Close(), os.Remove(w.path))
}

// hear waits for READY=1 until the socket is closed. All other notifications are meant for systemd and ignored.
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
