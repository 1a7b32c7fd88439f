package host

import "golang.org/x/sys/unix"

// steer makes the kernel give all new connections to the first listener of fd's group with SO_REUSEPORT: the listener
// that has listened there for the longest time, hotreload's. So sockets that workers add by their own system calls
// get no connection before hotreload's socket replaces them. If the first listener ends, the last one takes its
// place.
func steer(fd int) error {
	first := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	program := unix.SockFprog{Len: 1, Filter: &first}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &program)
}
