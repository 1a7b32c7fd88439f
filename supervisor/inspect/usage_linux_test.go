package inspect

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	before, spent, known := Usage(os.Getpid())
	if !known || before < 1<<20 || before > 1<<32 {
		t.Fatalf("%d bytes, %v, %v", before, spent, known)
	}
	// The memory of this process and of a child is counted, and the CPU time.
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = byte(i)
	}
	child := exec.Command("sh", "-c", "read x")
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	alone, ok := usageOfOne(os.Getpid())
	after, later, _ := Usage(os.Getpid())
	for end := time.Now().Add(time.Minute); after <= alone.bytes && time.Now().Before(end); {
		after, later, _ = Usage(os.Getpid()) // the child has no memory before it has become sh
	}
	if grown := after - before; grown < 60<<20 || !ok || after <= alone.bytes {
		t.Errorf("64 MB and a child added %d bytes; the process alone has %d of %d", grown, alone.bytes, after)
	}
	for end := time.Now().Add(time.Minute); later <= spent && time.Now().Before(end); _, later, _ = Usage(os.Getpid()) {
		held[0]++
	}
	if later <= spent {
		t.Errorf("the CPU time is still %v", later)
	}
	input.Close()
	_ = child.Wait()
	if _, _, known := Usage(child.Process.Pid); known {
		t.Error("an exited process still has memory or CPU time")
	}
	held[0]++
}

func TestAcceptQueue(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ours := map[Inode]bool{InodeOf(listener.(syscall.Conn)): true}
	expect := func(want int) {
		t.Helper()
		have, known := Queued(ours)
		for end := time.Now().Add(time.Minute); have != want && time.Now().Before(end); have, known = Queued(ours) {
			time.Sleep(time.Millisecond)
		}
		if have != want || !known {
			t.Errorf("have %d waiting connections, want %d; known %v", have, want, known)
		}
	}
	expect(0)
	for range 3 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	expect(3)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	expect(2)
	if _, known := Queued(map[Inode]bool{"x": true}); known {
		t.Error("an unknown socket has a queue")
	}
}
