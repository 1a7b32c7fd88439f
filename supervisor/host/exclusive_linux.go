package host

import "golang.org/x/sys/unix"

// exclusive reports whether no other socket listens on the address of fd. With SO_REUSEPORT, the worker could bind
// the address beside another program's listener with the same option, for example a second hotreload's, and would get
// some of the other's connections; without hotreload the bind would have failed. So exclusive binds a socket without
// the option to the same address for a moment. By SO_REUSEADDR, as set on Go's listeners, the bind fails if there is
// a listener, but not because of fd.
func exclusive(fd int) bool {
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return true
	}
	family := unix.AF_INET
	if _, six := bound.(*unix.SockaddrInet6); six {
		family = unix.AF_INET6
	}
	probe, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(probe)
	_ = unix.SetsockoptInt(probe, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); family == unix.AF_INET6 && err == nil {
		_ = unix.SetsockoptInt(probe, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	return unix.Bind(probe, bound) != unix.EADDRINUSE
}
