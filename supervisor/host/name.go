//go:build linux || darwin

package host

import (
	"errors"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// key identifies the listener of a request: requests with the same key get the same listener.
type key struct {
	network string // tcp4, tcp6 (IPv6 alone), tcp (both, from one IPv6 socket), unix, unixpacket
	ip      [16]byte
	zone    uint32
	port    int
	nth     int    // for port 0: the number of the request among the worker's requests for port 0, from 1; otherwise 0
	path    string // absolute
}

// portless reports whether the system chooses the socket's port.
func (k key) portless() bool { return k.path == "" && k.port == 0 }

// name is the address of a socket.
type name struct {
	key     key
	address string
}

// nameOf examines a socket from a worker: a stream socket, either bound or IP without a port.
func nameOf(fd int) (name, error) {
	sotype, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return name{}, err
	}
	if sotype != unix.SOCK_STREAM && sotype != unix.SOCK_SEQPACKET {
		return name{}, syscall.ESOCKTNOSUPPORT
	}
	if _, err := unix.Getpeername(fd); err == nil {
		return name{}, syscall.EISCONN
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return name{}, err
	}
	n := name{}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		n.key.network, n.key.port = "tcp4", bound.Port
		copy(n.key.ip[:], bound.Addr[:])
		n.address = net.JoinHostPort(net.IP(bound.Addr[:]).String(), strconv.Itoa(bound.Port))
	case *unix.SockaddrInet6:
		n.key.network, n.key.port, n.key.ip, n.key.zone = "tcp6", bound.Port, bound.Addr, bound.ZoneId
		if only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err == nil && only == 0 {
			n.key.network = "tcp"
		}
		n.address = net.JoinHostPort(net.IP(bound.Addr[:]).String(), strconv.Itoa(bound.Port))
	case *unix.SockaddrUnix:
		n.key.network, n.key.path, n.address = "unix", bound.Name, bound.Name
		if sotype == unix.SOCK_SEQPACKET {
			n.key.network = "unixpacket"
		}
		if bound.Name == "" || bound.Name[0] == '@' || bound.Name[0] == 0 {
			return name{}, syscall.EADDRNOTAVAIL
		}
	default:
		return name{}, syscall.EAFNOSUPPORT
	}
	return n, nil
}

// errnoOf returns the number in an error of a system call.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return syscall.EINVAL
}
