package agent

import "syscall"

// What package syscall lacks.
const soNoSigPipe = 0x1022

const noSignal = 0 // the option does it

// outlive has nothing to undo here.
func outlive() {}

func isStream(sotype int) bool { return sotype == syscall.SOCK_STREAM }

// prepare makes bind succeed beside the supervisor's listener. Whether port 0 was asked for cannot be seen here.
func prepare(fd int) {
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEPORT, 1)
}

// replace puts the description of from in the place of fd, so that the number stays.
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

// connect makes the connection to the supervisor. To a Unix socket it is there at once or not at all.
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
	if err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// receive does not wait: the socket is non-blocking, so the lock is held for a moment only.
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
