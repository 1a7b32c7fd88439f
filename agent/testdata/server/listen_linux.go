package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func init() {
	more["prefork"] = prefork
	more["late"] = late
	more["twice"] = twice
}

// prefork has two children serve, which are the same program, and each of which listens by itself; as Fiber does it.
func prefork(address string) error {
	if os.Getenv("CHILD") != "" {
		l, err := listenByItself(address)
		if err != nil {
			return err
		}
		return serveRaw(l)
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	ended := make(chan error, 2)
	var children [2]*exec.Cmd
	for i := range children {
		child := exec.Command(os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), "CHILD=1")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := child.Start(); err != nil {
			return err
		}
		children[i] = child
		go func() { ended <- child.Wait() }()
	}
	select {
	case <-term:
		for _, child := range children {
			_ = child.Process.Kill()
		}
		<-ended
		<-ended
		os.Exit(0)
		return nil
	case err := <-ended:
		return fmt.Errorf("a child has ended: %v", err)
	}
}

// twice becomes the same program once more, in the same process, before it serves.
func twice(address string) error {
	if os.Getenv("CHILD") == "" {
		return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "CHILD=1"))
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return serveRaw(l)
}

// late listens, says so, and accepts when it gets SIGUSR1.
func late(address string) error {
	now := make(chan os.Signal, 1)
	signal.Notify(now, syscall.SIGUSR1)
	l, err := listenByItself(address)
	if err != nil {
		return err
	}
	fmt.Println("listens")
	<-now
	return serveRaw(l)
}

// listenByItself makes a listener past net.Listen, beside which others can listen.
func listenByItself(address string) (net.Listener, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	const reusePort = 15
	name := &syscall.SockaddrInet4{Port: to.Port}
	copy(name.Addr[:], to.IP.To4())
	for _, step := range []func() error{
		func() error { return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) },
		func() error { return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort, 1) },
		func() error { return syscall.Bind(fd, name) },
		func() error { return syscall.Listen(fd, 1024) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	file := os.NewFile(uintptr(fd), "")
	defer file.Close()
	return net.FileListener(file)
}
