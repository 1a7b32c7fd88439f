package core

import (
	"runtime"
	"syscall"
)

// Constants that package syscall lacks.
const (
	ipBindAddressNoPort = 24
	setParentDeathSig   = 1
	setPtracer          = 0x59616d61
)

const noSignal = syscall.MSG_NOSIGNAL

// outlive withdraws the setting by which the process dies with the supervisor: without a supervisor the process
// finishes its requests. The signal is an attribute of the first thread, on which init functions run.
func outlive() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setParentDeathSig, 0, 0) }

// allowTracer allows the descendants of a process to trace this one, where only ancestors may (Yama's ptrace_scope
// 1). Without Yama the call does nothing.
func allowTracer(pid int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setPtracer, uintptr(pid), 0)
}

// isStream checks a socket's type, which contains flags.
func isStream(sotype int) bool {
	switch sotype &^ (syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC) {
	case syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET:
		return true
	}
	return false
}

// prepare makes bind succeed beside the supervisor's listener, and keeps the port at 0 if 0 is requested: the kernel
// then chooses the port when the socket listens or connects, and the request for 0 stays visible.
func prepare(fd int) {
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort(), 1)
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
}

// reusePort returns the number of SO_REUSEPORT.
func reusePort() int {
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		return 0x200
	}
	return 15
}

// executable identifies the program of this process.
func executable() string { return identity("/proc/self/exe") }

// replace makes the descriptor fd refer to from's socket.
func replace(fd, from int) error {
	for {
		err := syscall.Dup3(from, fd, syscall.O_CLOEXEC)
		if err != syscall.EINTR && err != syscall.EBUSY {
			return err
		}
	}
}

// connect connects to the supervisor. On a Unix socket, connecting succeeds or fails at once.
func connect(path string) (int, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return connectTo(fd, path)
}

func receive(fd int, buf, oob []byte) (n, oobn int, err error) {
	n, oobn, _, _, err = syscall.Recvmsg(fd, buf, oob, syscall.MSG_CMSG_CLOEXEC)
	return n, oobn, err
}
