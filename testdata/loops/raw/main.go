// Command raw listens by package net, takes the descriptor, and then accepts, reads and closes like netpoll, by system
// calls without a hook for the agent. An ordinary program, without code for hotreload. Each answer comes after half a
// second, with the generation.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"syscall"
	"time"
)

func main() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		log.Fatal(err)
	}
	fd := int(f.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		log.Fatal(err)
	}
	wait := epoll(fd)
	for {
		wait()
		for {
			c, _, err := syscall.Accept4(fd, syscall.SOCK_CLOEXEC)
			if err != nil {
				if err != syscall.EAGAIN && err != syscall.EINTR {
					log.Fatal(err)
				}
				break
			}
			go answer(c)
		}
	}
}

// epoll watches a descriptor by a separate epoll.
func epoll(fd int) (wait func()) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		log.Fatal(err)
	}
	err = syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
	if err != nil {
		log.Fatal(err)
	}
	events := make([]syscall.EpollEvent, 16)
	return func() {
		if _, err := syscall.EpollWait(ep, events, -1); err != nil && err != syscall.EINTR {
			log.Fatal(err)
		}
	}
}

// answer answers the only request of a connection.
func answer(c int) {
	defer syscall.Close(c)
	if n, _ := syscall.Read(c, make([]byte, 4096)); n <= 0 {
		return
	}
	time.Sleep(500 * time.Millisecond)
	body := os.Getenv("HOTRELOAD_GENERATION")
	fmt.Fprintf(writer(c), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
}

type writer int

func (w writer) Write(p []byte) (int, error) { return syscall.Write(int(w), p) }
