package control

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hotreload/door"
)

// folder returns the folder of the sockets: in the user's runtime folder, or in the folder for temporary files. It
// creates the folder if needed. No other user may have access.
func folder() (string, error) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir != "" {
		dir = filepath.Join(dir, "hotreload")
	} else {
		dir = filepath.Join(os.TempDir(), "hotreload-"+strconv.Itoa(os.Getuid())+"-run")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a folder for the control socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !door.Private(info) {
		return "", fmt.Errorf("%s belongs to another user, or other users can access it", dir)
	}
	return dir, nil
}

// ours refuses connections of other users, with a message; root is allowed.
func ours(l net.Listener, refused func(from, why string)) net.Listener {
	return &own{l, refused, make(chan struct{}, mostRefused)}
}

type own struct {
	net.Listener
	refused  func(from, why string)
	refusing chan struct{} // has room for all refusals that are sent at once
}

// refusal is the answer to another user: curl and hotreload's client understand it.
const refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"denied: it belongs to another user"}` + "\n"

func (l *own) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if unix, ok := conn.(*net.UnixConn); ok {
			if peer := door.PeerOf(unix); peer.Uninvited() != nil {
				l.refuse(unix)
				l.refused("user "+strconv.Itoa(peer.UID), "it is another user")
				continue
			}
		}
		return conn, nil
	}
}

// refuse sends the refusal and lets the other side close. A client that finds the connection closed before its request
// might not read the answer. If too many refusals are being sent, the connection is only closed.
func (l *own) refuse(conn *net.UnixConn) {
	select {
	case l.refusing <- struct{}{}:
	default:
		conn.Close()
		return
	}
	go func() { // ends with the connection, within refusalTimeout
		defer func() { <-l.refusing }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(refusalTimeout))
		if _, err := conn.Write([]byte(refusal)); err == nil && conn.CloseWrite() == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(conn, mostHeard))
		}
	}()
}

const (
	refusalTimeout = time.Second // for clients that neither read nor close
	mostRefused    = 32          // at once
	mostHeard      = 64 << 10    // bytes that a refused client may send
)
