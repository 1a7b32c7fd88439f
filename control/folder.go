package control

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// folder is where the sockets lie: in the user's runtime folder, or among the temporary files. It is made if need be,
// and nobody else may have a say in it.
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
	if !private(info) {
		return "", fmt.Errorf("%s belongs to another user, or others can use it", dir)
	}
	return dir, nil
}

// ours turns away connections of other users, and says so; root may.
func ours(l net.Listener, refused func(from, why string)) net.Listener {
	return &own{l, refused, make(chan struct{}, mostRefused)}
}

type own struct {
	net.Listener
	refused  func(from, why string)
	refusing chan struct{} // has room for as many as are told why at once
}

// refusal is what another user hears: curl and our own client understand it.
const refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"denied: it belongs to another user"}` + "\n"

func (l *own) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if unix, ok := conn.(*net.UnixConn); ok {
			if uid, known := uidOf(unix); known && uid != os.Getuid() && uid != 0 {
				l.refuse(unix)
				l.refused("user "+strconv.Itoa(uid), "it is another user")
				continue
			}
		}
		return conn, nil
	}
}

// refuse says so, and lets the other side hang up: one that finds the connection closed before it has asked may take it
// for none, and not look for words. If too many are told already it only hangs up.
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
	refusalTimeout = time.Second // for who neither reads nor hangs up
	mostRefused    = 32          // at once
	mostHeard      = 64 << 10    // bytes that who is refused may send
)
