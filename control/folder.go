package control

import (
	"fmt"
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
func ours(l net.Listener, refused func(from, why string)) net.Listener { return &own{l, refused} }

type own struct {
	net.Listener
	refused func(from, why string)
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
				_ = conn.SetWriteDeadline(time.Now().Add(refusalTimeout))
				_, _ = conn.Write([]byte(refusal))
				conn.Close()
				l.refused("user "+strconv.Itoa(uid), "it is another user")
				continue
			}
		}
		return conn, nil
	}
}

// refusalTimeout is for a socket whose buffer is full, which a new one's is not.
const refusalTimeout = time.Second
