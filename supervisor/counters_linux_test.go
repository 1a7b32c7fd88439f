package supervisor

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	before, spent, known := usageOf(os.Getpid())
	if !known || before < 1<<20 || before > 1<<32 {
		t.Fatalf("%d bytes, %v, %v", before, spent, known)
	}
	// Memory of ours and of a child is counted, and processor time.
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
	after, later, _ := usageOf(os.Getpid())
	if grown := after - before; grown < 60<<20 || !ok || after <= alone.bytes {
		t.Errorf("with 64 MB more and a child it has %d bytes more; alone %d of %d", grown, alone.bytes, after)
	}
	for end := time.Now().Add(time.Minute); later <= spent && time.Now().Before(end); _, later, _ = usageOf(os.Getpid()) {
		held[0]++
	}
	if later <= spent {
		t.Errorf("processor time stands at %v", later)
	}
	input.Close()
	_ = child.Wait()
	if _, _, known := usageOf(child.Process.Pid); known {
		t.Error("a process that is gone takes something")
	}
	held[0]++
}

func TestAcceptQueue(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ours := map[inode]bool{inodeOf(listener.(syscall.Conn)): true}
	expect := func(want int) {
		t.Helper()
		have, known := waitingAt(ours)
		for end := time.Now().Add(time.Minute); have != want && time.Now().Before(end); have, known = waitingAt(ours) {
			time.Sleep(time.Millisecond)
		}
		if have != want || !known {
			t.Errorf("%d wait, want %d; %v", have, want, known)
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
	if _, known := waitingAt(map[inode]bool{"x": true}); known {
		t.Error("a socket that is none has a queue")
	}
}
