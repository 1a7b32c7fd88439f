package core

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// ownLoop is a listener of package net, a duplicate of the listener, and an epoll with the duplicate and this data.
func ownLoop(t *testing.T, data int32) (l *net.TCPListener, duplicate, epoll int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	l = listener.(*net.TCPListener)
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { duplicate, err = syscall.Dup(int(fd)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(duplicate) })
	if epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(epoll) })
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: data, Pad: -data}
	if err = syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, duplicate, &event); err != nil {
		t.Fatal(err)
	}
	return l, duplicate, epoll
}

func numberOf(t *testing.T, c syscall.Conn) (number int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { number = int(fd) })
	return number
}

// TestSwapped: a loop that loses its listener gets no event of later connections, a late accept finds nothing, and
// the loop's use of its epoll works as before. Package net still accepts.
func TestSwapped(t *testing.T) {
	l, duplicate, epoll := ownLoop(t, 4711)
	link := numberOf(t, l) // like our link, in the runtime's epoll
	loops, own := findLoops(link)
	if in := loops[duplicate]; !own || len(in) != 1 || in[0].epoll != epoll {
		t.Fatalf("have %v, %v, want %d in %d", loops, own, duplicate, epoll)
	}
	if _, has := loops[link]; has {
		t.Error("the runtime's epoll counts as one of the program's")
	}
	a := &agent{state: newState()}
	a.swapped(duplicate, loops[duplicate])
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	events := make([]syscall.EpollEvent, 4)
	if n, err := syscall.EpollWait(epoll, events, 50); n != 0 || err != nil {
		t.Errorf("the loop is woken: %d, %v, %v", n, err, events[0])
	}
	if _, _, err := syscall.Accept4(duplicate, 0); err != syscall.EAGAIN {
		t.Errorf("a late accept: have %v, want EAGAIN", err)
	}
	if in, _ := findLoops(link); len(in[duplicate]) != 1 || in[duplicate][0] != loops[duplicate][0] {
		t.Errorf("have %v in the epoll, want %v", in, loops)
	}
	if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_DEL, duplicate, &syscall.EpollEvent{}); err != nil {
		t.Errorf("the loop removes it: %v", err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
}

// TestUnknownConnections: connections accepted by a system call are found, and whether the client waits for an
// answer.
func TestUnknownConnections(t *testing.T) {
	l, duplicate, _ := ownLoop(t, 1)
	a := &agent{state: newState(), link: &link{}}
	a.link.raw, _ = l.SyscallConn()
	at := ownAddresses()
	check := func(when string, open, busy int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			haveOpen, haveBusy := a.unknownConnections(at)
			if haveOpen == open && haveBusy == busy {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: have %d, %d busy, want %d, %d", when, haveOpen, haveBusy, open, busy)
			}
		}
	}
	check("nobody", 0, 0)
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	check("in the queue", 0, 0)
	accepted, _, err := syscall.Accept4(duplicate, 0)
	if err != nil {
		t.Fatal(err)
	}
	check("accepted", 1, 0)
	if _, err = dialled.Write([]byte("request")); err != nil {
		t.Fatal(err)
	}
	check("asked", 1, 1)
	if _, err = syscall.Read(accepted, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	check("read", 1, 1)
	if _, err = syscall.Write(accepted, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	check("answered", 1, 0)
	a.enter(duplicate)
	a.leave(duplicate, accepted)
	check("package net has it", 0, 0)
	a.closing(accepted)
	check("or not", 1, 0)
	_ = syscall.Close(accepted)
	check("closed", 0, 0)
}
