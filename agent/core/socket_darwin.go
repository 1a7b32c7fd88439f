package core

import (
	"os"
	"syscall"
)

// Constants that package syscall lacks.
const soNoSigPipe = 0x1022

const noSignal = 0 // soNoSigPipe has the same effect

// outlive does nothing here.
func outlive() {}

func allowTracer(int) {}

func isStream(sotype int) bool { return sotype == syscall.SOCK_STREAM }

// prepare makes bind succeed beside the supervisor's listener. Whether the program has requested port 0 is unknown
// here.
func prepare(fd int) {
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEPORT, 1)
}

// executable identifies the program of this process.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return identity(path)
}

// replace makes the descriptor fd refer to from's socket.
func replace(fd, from int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for {
		err := syscall.Dup2(from, fd)
		if err != syscall.EINTR && err != syscall.EBUSY {
			if err == nil {
				syscall.CloseOnExec(fd)
			}
			return err
		}
	}
}

// connect connects to the supervisor. On a Unix socket, connecting succeeds or fails at once.
func connect(path string) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soNoSigPipe, 1)
	return connectTo(fd, path)
}

// receive does not wait: the socket is non-blocking, so receive holds the lock only for a moment.
func receive(fd int, buf, oob []byte) (n, oobn int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, oobn, _, _, err = syscall.Recvmsg(fd, buf, oob, 0)
	if err != nil {
		return n, oobn, err
	}
	messages, _ := syscall.ParseSocketControlMessage(oob[:oobn])
	for i := range messages {
		fds, _ := syscall.ParseUnixRights(&messages[i])
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
		}
	}
	return n, oobn, nil
}
