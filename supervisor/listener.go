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
)

// listeners are the sockets of a service. They are bound and listening from openListeners to close, and nobody accepts
// on them here.
type listeners []*listener

type listener struct {
	Address
	wished Address // what it was opened for: Address has the number of a port that was 0
	socket net.Listener
	path   pathIdentity // of a Unix socket with a path
}

// PortError says that an address is taken.
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

// ErrNotSocket says that something else is where a Unix socket should be made.
var ErrNotSocket = errors.New("a file that is not a socket is there, and it is left alone")

// openListeners binds all addresses or none.
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

// listenFor listens where workers of this user will bind beside us. The owner of an MPTCP socket, as Go opens them, can be
// changed, but not that of the TCP socket below it, on which it depends: see ownOpen.
func listenFor(user *User, network, address string) (net.Listener, error) {
	var config net.ListenConfig
	if user != nil {
		config.SetMultipathTCP(false)
	}
	return config.Listen(context.Background(), network, address)
}

func openListener(a Address, user *User) (*listener, error) {
	if a.Network == "unix" && a.Addr[0] != '@' {
		if err := clearPath(a); err != nil {
			return nil, err
		}
	}
	// Go listens with the backlog that net.core.somaxconn allows: the queue is where callers wait while no worker
	// accepts.
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
		l.SetUnlinkOnClose(false) // we do it, if the path is still ours
		opened.path = identify(a.Addr)
		if opened.path.known() {
			process.Bequeath(a.Addr)
		}
	case *net.TCPListener:
		// A port that the system chose is an ordinary port from here on.
		if _, port, err := net.SplitHostPort(a.Addr); err == nil && port == "0" {
			host, _, _ := net.SplitHostPort(a.Addr)
			opened.Addr = net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		}
	}
	return opened, nil
}

// bindPort makes a port that the system chose into one that was asked for: only such a socket finds its port again
// after a worker has shut it down, see mend.
func bindPort(a Address, l net.Listener, user *User) (net.Listener, error) {
	host, port, err := net.SplitHostPort(a.Addr)
	if err != nil || port != "0" {
		return l, nil
	}
	for range 100 { // in between, another program can be given the port
		bound := net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		l.Close()
		if l, err = listenFor(user, a.Network, bound); err == nil {
			return l, nil
		}
		if l, err = listenFor(user, a.Network, a.Addr); err != nil {
			return nil, err
		}
	}
	return l, nil // bound by the system it is good enough
}

// mend looks whether the sockets still listen. Any holder's shutdown(2) ends that for all holders, and only we are left
// to undo it.
func (l listeners) mend() (mended []ListenerMended) {
	for _, one := range l {
		if socket := one.socket.(syscall.Conn); !listens(socket) {
			mended = append(mended, ListenerMended{Address: one.Address, Err: listenAgain(socket)})
		}
	}
	return mended
}

// clearPath removes a socket that nobody listens on any more, and nothing else.
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
		holder := peerOf(connection)
		connection.Close()
		return &PortError{Address: a, Holder: holder, Err: syscall.EADDRINUSE}
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(a.Addr)
	default: // EAGAIN: somebody listens whose queue is full
		return &PortError{Address: a, Err: err}
	}
}

// addresses lists where the sockets are bound now: a port that was 0 has its number.
func (l listeners) addresses() []Address {
	var all []Address
	for _, one := range l {
		all = append(all, one.Address)
	}
	return all
}

// inodes are the numbers under which the system knows them.
func (l listeners) inodes() map[inode]bool {
	all := map[inode]bool{}
	for _, one := range l {
		all[inodeOf(one.socket.(syscall.Conn))] = true
	}
	return all
}

// files returns a duplicate of each socket for one child. The caller closes them.
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

// close gives the addresses back. A Unix path is removed if it still leads to our own socket.
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
