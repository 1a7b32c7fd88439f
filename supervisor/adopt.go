package supervisor

import (
	"net"
	"os"
	"strconv"
	"strings"
)

// Given returns the addresses of the sockets inherited by LISTEN_FDS, from systemd or a similar program, and errors
// about unusable ones. A service with such an address uses the inherited socket.
func Given(env []string) (all []Address, faults []error) {
	vars := map[string]string{}
	for _, entry := range env {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "LISTEN_") {
			vars[name] = value
		}
	}
	n, err := strconv.Atoi(vars["LISTEN_FDS"])
	if err != nil || vars["LISTEN_PID"] != strconv.Itoa(os.Getpid()) {
		return nil, nil // the variables are meant for another process
	}
	names := strings.Split(vars["LISTEN_FDNAMES"], ":")
	for i := range n {
		l, err := inherit(firstGiven + i)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		a := addressOfSocket(l)
		a.FD = firstGiven + i
		if i < len(names) && names[i] != "unknown" {
			a.Name = names[i]
		}
		_ = l.Close() // a duplicate
		all = append(all, a)
	}
	return all, faults
}

// firstGiven is the first descriptor after stdin, stdout and stderr.
const firstGiven = 3

// addressOfSocket returns the address of a listening socket.
func addressOfSocket(l net.Listener) Address {
	if unix, is := l.(*net.UnixListener); is {
		unix.SetUnlinkOnClose(false) // the path belongs to the socket's creator
		return Address{Network: "unix", Addr: l.Addr().String()}
	}
	return Address{Network: "tcp", Addr: l.Addr().String()}
}

// adopted returns the listener for an inherited socket.
func adopted(a Address) (*listener, error) {
	l, err := inherit(a.FD)
	if err != nil {
		return nil, err
	}
	if unix, is := l.(*net.UnixListener); is {
		unix.SetUnlinkOnClose(false)
	}
	return &listener{Address: a, wished: a, socket: l}, nil
}
