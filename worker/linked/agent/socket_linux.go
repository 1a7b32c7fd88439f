package agent

import (
	"runtime"
	"syscall"
)

// What package syscall lacks.
const (
	ipBindAddressNoPort = 24
	setParentDeathSig   = 1
)

const noSignal = syscall.MSG_NOSIGNAL

// outlive undoes that the process dies with the supervisor: without one it finishes what it has. The signal is an
// attribute of the first thread, on which init functions run.
func outlive() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setParentDeathSig, 0, 0) }

// isStream looks at a socket's type, which comes with flags.
func isStream(sotype int) bool {
	switch sotype &^ (syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC) {
	case syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET:
		return true
	}
	return false
}

// prepare makes bind succeed beside the supervisor's listener, and leave the port at 0 if 0 is asked for: the port is
// then chosen when the socket listens or connects, and it can be seen that none was asked for.
func prepare(fd int) {
	reusePort := 15
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		reusePort = 0x200
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort, 1)
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
}

// replace puts the description of from in the place of fd, so that the number stays.
func replace(fd, from int) error {
	for {
		err := syscall.Dup3(from, fd, syscall.O_CLOEXEC)
		if err != syscall.EINTR && err != syscall.EBUSY {
			return err
		}
	}
}

// connect makes the connection to the supervisor. To a Unix socket it is there at once or not at all.
func connect(path string) (int, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func receive(fd int, buf, oob []byte) (n, oobn int, err error) {
	n, oobn, _, _, err = syscall.Recvmsg(fd, buf, oob, syscall.MSG_CMSG_CLOEXEC)
	return n, oobn, err
}
