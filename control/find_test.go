//go:build unix

package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A slow hotreload is found, and a silent one does not hide others.
func TestFind(t *testing.T) {
	dir, err := os.MkdirTemp("", "find") // a socket's name must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	sockets, err := folder()
	if err != nil {
		t.Fatal(err)
	}
	listen := func(name string) net.Listener {
		l, err := net.Listen("unix", filepath.Join(sockets, name+".sock"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	serve := func(name string, info Info, after <-chan struct{}) {
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-after
			_ = json.NewEncoder(w).Encode(info)
		})}
		l := listen(name)
		go server.Serve(l) // ends with the listener
		t.Cleanup(func() { server.Close() })
	}
	find := func(limit time.Duration, pid int) (*Client, error) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return Find(ctx, "/project/below", pid)
	}
	if _, err := find(time.Minute, 0); err != ErrNone {
		t.Errorf("in a folder without hotreload: %v", err)
	}

	dead := listen("1")
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	silent := listen("2")
	_, err = find(50*time.Millisecond, 0)
	if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "no answer from pid 2") {
		t.Errorf("next to a silent one: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(sockets, "1.sock")); err == nil {
		t.Error("the socket of a dead hotreload is still there")
	}

	ready, slow := make(chan struct{}), make(chan struct{})
	close(ready)
	serve("3", Info{Pid: 3, Dir: "/other"}, ready)
	serve("4", Info{Pid: 4, Dir: "/project"}, slow)
	time.AfterFunc(300*time.Millisecond, func() { close(slow) })
	if c, err := find(time.Minute, 0); err != nil || c.Pid != 4 {
		t.Errorf("the slow one: %+v, %v", c, err)
	}
	silent.Close() // Find has waited for it once, after the match; see othersTimeout
	if c, err := find(time.Minute, 3); err != nil || c.Pid != 3 {
		t.Errorf("by its pid: %+v, %v", c, err)
	}
	serve("5", Info{Pid: 5, Dir: "/project/below"}, ready)
	var several *SeveralError
	if _, err := find(time.Minute, 0); !errors.As(err, &several) || len(several.Infos) != 2 {
		t.Errorf("with two matches: %v", err)
	}
}
