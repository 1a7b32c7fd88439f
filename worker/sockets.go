package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Listen is net.Listen for programs started by systemd or by hotreload without its agent (--no-agent): if an inherited
// socket is bound to this address, Listen returns this socket.
//
// With the agent Listen is not needed: net.Listen itself returns the listener that outlives the worker.
func Listen(network, address string) (net.Listener, error) {
	for _, one := range inherited() {
		if one.isOf(network, address) {
			return one.listen()
		}
	}
	return net.Listen(network, address)
}

// Listener returns the inherited socket with this name (hotreload's --listen NAME=ADDRESS, systemd's
// FileDescriptorName). Without hotreload and systemd there is none, and Listener returns an error.
func Listener(name string) (net.Listener, error) {
	for _, one := range inherited() {
		if one.name == name {
			return one.listen()
		}
	}
	return nil, fmt.Errorf("the program was not started with a socket named %q", name)
}

// socket is an inherited socket.
type socket struct {
	name string
	file *os.File
	addr net.Addr // nil if it is not a stream socket
}

// firstSocket is the descriptor of the first inherited socket, by systemd's protocol.
const firstSocket = 3

// inherited returns the inherited sockets. It removes their variables, because the program's children do not get these
// sockets.
var inherited = sync.OnceValue(func() (all []socket) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	n, err := strconv.Atoi(count)
	if err != nil || pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name)
	}
	given := strings.Split(names, ":")
	for i := range n {
		one := socket{}
		if i < len(given) {
			one.name = given[i]
		}
		closeOnExec(firstSocket + i)
		one.file = os.NewFile(uintptr(firstSocket+i), one.name)
		if l, err := net.FileListener(one.file); err == nil {
			one.addr = l.Addr()
			keep(l)
			l.Close()
		}
		all = append(all, one)
	}
	return all
})

// keep prevents a Unix listener from removing its path when it is closed: the path belongs to hotreload.
func keep(l net.Listener) {
	if l, ok := l.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
	}
}

func (s socket) listen() (net.Listener, error) {
	l, err := net.FileListener(s.file)
	if err == nil {
		keep(l)
	}
	return l, err
}

// isOf reports whether net.Listen would make such a socket for the address.
func (s socket) isOf(network, address string) bool {
	switch bound := s.addr.(type) {
	case *net.UnixAddr:
		return network == "unix" && address == bound.Name
	case *net.TCPAddr:
		wanted, err := net.ResolveTCPAddr(network, address)
		if err != nil || wanted.Port == 0 || wanted.Port != bound.Port {
			return false
		}
		return wanted.IP.Equal(bound.IP) || len(wanted.IP) == 0 && bound.IP.IsUnspecified()
	}
	return false
}

var errNoNotify = errors.New("nobody reads NOTIFY_SOCKET")

// notify sends a message to NOTIFY_SOCKET, like sd_notify(3).
func notify(words string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return errNoNotify
	}
	conn, err := net.Dial("unixgram", name) // a leading @ means an abstract name for systemd and for package net
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(words))
	return err
}
