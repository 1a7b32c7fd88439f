package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

// listeners are the listening sockets of a service, from openListeners to close. The supervisor does not accept on
// listeners.
type listeners []*listener

type listener struct {
	Address
	wished Address // the configured address; Address contains the chosen port instead of 0
	socket net.Listener
	path   pathIdentity // identity of a Unix socket's file
}

// PortError means: an address is in use.
type PortError struct {
	Address Address
	Holder  Holder
	Err     error
}

func (e *PortError) Error() string {
	if e.Holder.Pid != 0 {
		return fmt.Sprintf("%s is in use by %s (pid %d)", e.Address, e.Holder.Name, e.Holder.Pid)
	}
	return fmt.Sprintf("%s is in use by another program", e.Address)
}

func (e *PortError) Unwrap() error { return e.Err }

// ErrNotSocket means: the path of a Unix socket leads to another kind of file.
var ErrNotSocket = errors.New("the path exists and is not a socket; hotreload does not replace it")

// openListeners binds all addresses, or none on an error.
func openListeners(addresses []Address, user *User) (listeners, error) {
	var open listeners
	for _, address := range addresses {
		l, err := openListener(address, user)
		if err != nil {
			open.close()
			return nil, err
		}
		open = append(open, l)
	}
	return open, nil
}

// listenFor listens on an address for workers of this user to bind, too. For another user, MPTCP (Go's default) is
// switched off: ownOpen can change the owner of an MPTCP socket, but not of the TCP socket below, and the kernel checks
// the latter.
func listenFor(user *User, network, address string) (net.Listener, error) {
	var config net.ListenConfig
	if user != nil {
		config.SetMultipathTCP(false)
	}
	return config.Listen(context.Background(), network, address)
}

func openListener(a Address, user *User) (*listener, error) {
	if a.FD > 0 {
		return adopted(a)
	}
	if a.Network == "unix" && a.Addr[0] != '@' {
		if err := clearPath(a); err != nil {
			return nil, err
		}
	}
	// Go listens with the backlog of net.core.somaxconn. Connections wait in this queue while no worker accepts.
	l, err := listenFor(user, a.Network, a.Addr)
	if err == nil && a.Network != "unix" {
		l, err = bindPort(a, l, user)
	}
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, &PortError{Address: a, Holder: holderOf(a), Err: err}
		}
		return nil, fmt.Errorf("listen on %s: %w", a, err)
	}
	opened := &listener{Address: a, wished: a, socket: l}
	switch l := l.(type) {
	case *net.UnixListener:
		l.SetUnlinkOnClose(false) // close removes the file if still ours
		opened.path = identify(a.Addr)
		if opened.path.known() {
			process.Bequeath(a.Addr)
		}
	case *net.TCPListener:
		// From now on, a port chosen by the system is an ordinary port.
		if _, port, err := net.SplitHostPort(a.Addr); err == nil && port == "0" {
			host, _, _ := net.SplitHostPort(a.Addr)
			opened.Addr = net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		}
	}
	return opened, nil
}

// bindPort closes a socket with a port chosen by the system, and binds the same port explicitly. Only an explicitly
// bound socket keeps its port after a worker has shut it down and mend has repaired it.
func bindPort(a Address, l net.Listener, user *User) (net.Listener, error) {
	host, port, err := net.SplitHostPort(a.Addr)
	if err != nil || port != "0" {
		return l, nil
	}
	for range 100 { // in the meantime, another program may get the port
		bound := net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		l.Close()
		if l, err = listenFor(user, a.Network, bound); err == nil {
			return l, nil
		}
		if l, err = listenFor(user, a.Network, a.Addr); err != nil {
			return nil, err
		}
	}
	return l, nil // good enough without the explicit binding
}

// mend checks whether the sockets still listen, and repairs them. shutdown(2) by any process ends listening for all
// processes with the socket, and only the supervisor can repair the socket.
func (l listeners) mend() (mended []ListenerMended) {
	for _, one := range l {
		if socket := one.socket.(syscall.Conn); !listens(socket) {
			mended = append(mended, ListenerMended{Address: one.Address, Err: listenAgain(socket)})
		}
	}
	return mended
}

// clearPath removes a stale Unix socket, on which no process listens, and nothing else.
func clearPath(a Address) error {
	info, err := os.Lstat(a.Addr)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("listen on %s: %w", a, err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("listen on %s: %w", a, ErrNotSocket)
	}
	connection, err := net.Dial("unix", a.Addr)
	switch {
	case err == nil:
		holder := inspect.PeerOf(connection)
		connection.Close()
		return &PortError{Address: a, Holder: holder, Err: syscall.EADDRINUSE}
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(a.Addr)
	default: // EAGAIN: a process listens, and its queue is full
		return &PortError{Address: a, Err: err}
	}
}

// addresses lists the addresses of the sockets, with the chosen port instead of 0.
func (l listeners) addresses() []Address {
	var all []Address
	for _, one := range l {
		all = append(all, one.Address)
	}
	return all
}

// inodes lists the inodes of the sockets.
func (l listeners) inodes() map[inspect.Inode]bool {
	all := map[inspect.Inode]bool{}
	for _, one := range l {
		all[inspect.InodeOf(one.socket.(syscall.Conn))] = true
	}
	return all
}

// files returns a duplicate of each socket, for one child. The caller closes the duplicates.
func (l listeners) files() ([]*os.File, error) {
	var files []*os.File
	for _, one := range l {
		file, err := duplicate(one.socket.(syscall.Conn), one.String())
		if err != nil {
			for _, file := range files {
				file.Close()
			}
			return nil, fmt.Errorf("hand over %s: %w", one.Address, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// close closes the sockets. The file of a Unix socket is removed if still ours.
func (l listeners) close() {
	for _, one := range l {
		if one.path.known() && identify(one.Addr) == one.path {
			_ = os.Remove(one.Addr)
		}
		if one.path.known() {
			process.Disinherit(one.Addr)
		}
		one.socket.Close()
	}
}
