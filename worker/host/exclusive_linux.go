package host

import "golang.org/x/sys/unix"

// exclusive reports whether nobody listens on the address to which fd is bound. The worker could bind it beside a
// stranger's listener that has SO_REUSEPORT, as that of a second hotreload has, and would get some of its connections;
// without us it could not have. So a socket without the option is bound to the same address for a moment: by
// SO_REUSEADDR, which Go's listeners have, this fails if there is a listener, and not because of fd.
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
