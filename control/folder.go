package control

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
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

// ours turns away connections of other users; root may.
func ours(l net.Listener) net.Listener { return &own{l} }

type own struct{ net.Listener }

func (l *own) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if unix, ok := conn.(*net.UnixConn); ok {
			if uid, known := uidOf(unix); known && uid != os.Getuid() && uid != 0 {
				conn.Close()
				continue
			}
		}
		return conn, nil
	}
}
