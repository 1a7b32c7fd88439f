//go:build unix

package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lineCounter checks that a worker's output is what writeLines of testdata/worker writes, complete and in order,
// without storing it.
type lineCounter struct {
	mu    sync.Mutex // guards all below
	rest  []byte
	lines int
	bytes int64
	wrong string
}

func (c *lineCounter) Write(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += int64(len(p))
	c.rest = append(c.rest, p...)
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			break
		}
		// comparing numbers without a string for each line, which makes a gigabyte cheap
		if n := number(line); n != c.lines && c.wrong == "" {
			c.wrong = fmt.Sprintf("line %d is %q", c.lines, line)
		}
		c.lines++
		c.rest = rest
	}
	c.rest = append([]byte(nil), c.rest...)
}

func number(line []byte) (n int) {
	for _, digit := range line {
		if digit >= '0' && digit <= '9' {
			n = n*10 + int(digit-'0')
		}
	}
	return n
}

func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// A large output through a pipe arrives complete, in order and before the exit line, and is not kept in memory.
func TestFloodThroughAPipe(t *testing.T) {
	n := size(64<<20, 1<<30)
	var count lineCounter
	s := start(t, Config{Output: Output{Write: func(_ Worker, stream Stream, p []byte) {
		if stream == Stdout {
			count.Write(p)
		}
	}}})
	before := memory()
	s.replace("-write", fmt.Sprint(n), "-exit", "0")
	await[Exited](s, nil)
	// No lock is needed: the output was written before the event.
	if count.bytes != int64(n) || count.wrong != "" {
		t.Errorf("have %d bytes, want %d; %s", count.bytes, n, count.wrong)
	}
	if grown := int64(memory()) - int64(before); grown > 32<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
}

// A destination that is slower than the exit (`| less`) gets everything, with a pipe and with a terminal.
func TestOutputAfterTheExit(t *testing.T) {
	const n = 1407 * 64 // more than one read, less than a pipe and one read can contain
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprint("terminal ", terminal), func(t *testing.T) {
			var count lineCounter
			var first sync.Once
			exited := make(chan struct{})
			s := start(
				t,
				Config{Output: Output{Terminal: [2]bool{terminal, terminal}, Write: func(_ Worker, stream Stream, p []byte) {
					if stream == Stdout {
						first.Do(func() { <-exited })
						count.Write(p)
					}
				}}},
			)
			s.replace("-write", fmt.Sprint(n), "-exit", "0")
			await[Exited](s, nil)
			close(exited)
			eventually(t, "", func() string {
				count.mu.Lock()
				defer count.mu.Unlock()
				if count.bytes != n || count.wrong != "" {
					return fmt.Sprintf("have %d bytes, want %d; %s", count.bytes, n, count.wrong)
				}
				return ""
			})
		})
	}
}

// A slow terminal gets everything.
func TestSlowTerminal(t *testing.T) {
	const n = 4 << 20
	var count lineCounter
	s := start(t, Config{Output: Output{
		Terminal: [2]bool{true, true},
		Write: func(_ Worker, stream Stream, p []byte) {
			if stream == Stdout {
				time.Sleep(2 * time.Millisecond) // 16 MB a second
				count.Write(p)
			}
		},
	}})
	s.replace("-write", fmt.Sprint(n), "-exit", "0")
	await[Exited](s, nil)
	s.end()
	eventually(t, "", func() string {
		count.mu.Lock()
		defer count.mu.Unlock()
		if count.bytes != n || count.wrong != "" {
			return fmt.Sprintf("have %d bytes, want %d; %s", count.bytes, n, count.wrong)
		}
		return ""
	})
	if strings.Contains(s.transcript(), "Dropped") {
		t.Error("dropped")
	}
}

// A line of 10 MB is not broken at the end of a buffer.
func TestLongLine(t *testing.T) {
	const n = 10 << 20
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprint("terminal ", terminal), func(t *testing.T) {
			s := start(t, Config{Output: Output{Terminal: [2]bool{terminal, terminal}}})
			s.replace("-line", fmt.Sprint(n), "-exit", "0")
			await[Exited](s, nil)
			eventually(t, "not a line of 10 MB: ", func() string { // a slow terminal may not have all of it yet
				if have := s.written(Stdout); len(have) != n || have != strings.Repeat("x", n-1)+"\n" {
					return fmt.Sprint(len(have), " bytes")
				}
				return ""
			})
		})
	}
}

// A stopped terminal (Ctrl-S) does not stop a worker: the worker continues to write and exits; output that does not fit
// is dropped, and the gap is marked and reported.
func TestFloodThroughAStoppedTerminal(t *testing.T) {
	n := size(64<<20, 1<<30)
	var stopped sync.Mutex
	stopped.Lock()
	var shown bytes.Buffer // guarded by stopped
	s := start(t, Config{Output: Output{
		Terminal: [2]bool{true, true},
		Size:     func() (rows, columns uint16) { return 24, 80 },
		Write: func(_ Worker, stream Stream, p []byte) {
			if stream == Stdout {
				stopped.Lock()
				defer stopped.Unlock()
				shown.Write(p)
			}
		},
	}})
	before := memory()
	s.replace("-write", fmt.Sprint(n))
	e := await[Exited](s, nil) // the worker has no sockets and no -exit, so it exits
	if e.Exit.Code != 1 || !strings.Contains(e.Exit.Tail, "written") {
		t.Errorf("have %+v", e)
	}
	if grown := int64(memory()) - int64(before); grown > 16<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	stopped.Unlock()
	dropped := await[Dropped](s, nil)
	s.end()
	eventually(t, "the end is missing: ", func() string {
		stopped.Lock()
		defer stopped.Unlock()
		text := shown.String()
		if !strings.HasSuffix(text, fmt.Sprintf("%062d.\n", n/64-1)) {
			return text[max(0, len(text)-200):]
		}
		if !strings.Contains(text, fmt.Sprintf("[hotreload: %d bytes of output dropped", dropped.Bytes)) {
			t.Errorf("the gap of %d bytes is not marked", dropped.Bytes)
		}
		return ""
	})
}

// An unknown process holds stdout open: the exit is reported without waiting for it, and nothing waits afterwards.
func TestStrangerHoldsStdout(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprint("terminal ", terminal), func(t *testing.T) {
			s := start(t, Config{Output: Output{Terminal: [2]bool{terminal, terminal}}, Args: []string{"-listen", freePort(t)}})
			s.replace("-stranger")
			ready := await[BecameReady](s, nil)
			began := time.Now()
			must(t, syscall.Kill(ready.Pid, syscall.SIGKILL))
			await[Exited](s, nil)
			if took := time.Since(began); took > 15*time.Second { // it takes 500 ms; the process stays for 20 s
				t.Errorf("the exit was reported after %v", took)
			}
		})
	}
}

// Workers have a terminal if the destination is one, and its new size reaches them.
func TestTerminal(t *testing.T) {
	var rows atomic.Int32
	rows.Store(24)
	listen := freePort(t)
	s := start(t, Config{
		Args:   []string{"-listen", listen},
		Output: Output{Terminal: [2]bool{true, false}, Size: func() (uint16, uint16) { return uint16(rows.Load()), 80 }},
	})
	await(s, serving(s.replace("-write", "130")))
	at := Address{Network: "tcp", Addr: listen}
	if have := get(t, at, "/terminal"); have != "24x80 no" {
		t.Errorf("have %q, want a terminal of 24x80 for stdout and none for stderr", have)
	}
	rows.Store(50)
	s.Resize()
	eventually(t, "the size is still ", func() string {
		if have := get(t, at, "/terminal"); have != "50x80 no" {
			return have
		}
		return ""
	})
	eventually(t, "a terminal changed what was written: ", func() string {
		if have := s.written(Stdout); have != fmt.Sprintf("%062d.\n%062d.\n0\n", 0, 1) {
			return strconv.Quote(have)
		}
		return ""
	})
}

// Two streams in one channel keep their order.
func TestJoinedOutput(t *testing.T) {
	s := start(t, Config{Output: Output{Joined: true}})
	s.replace("-line", "10", "-exit", "4")
	e := await[Exited](s, nil)
	have := s.written(Stderr)
	if !strings.HasPrefix(have, "xxxxxxxxx\nwritten\n") || !strings.HasSuffix(have, "as told\n") ||
		s.written(Stdout) != "" {
		t.Errorf("have %q and %q", have, s.written(Stdout))
	}
	if e.Exit.Tail != have {
		t.Errorf("Tail is %q", e.Exit.Tail)
	}
}

// Input goes to the newest worker. Early input waits for a worker.
func TestInput(t *testing.T) {
	s := start(
		t, Config{Stdin: true, Listen: []Address{address(t, "127.0.0.1:0")}, Policy: Policy{Ready: ReadyNotify, Workers: 2}},
	)
	typed := make(chan error, 1)
	send := func(text string) { _, err := io.WriteString(s.Input(), text); typed <- err }
	go send("early\n") // ends when there is a worker
	heard := func(want string) {
		t.Helper()
		eventually(t, "no "+want+" in ", func() string {
			if have := s.written(Stdout); !strings.Contains(have, want) {
				return have + "."
			}
			return ""
		})
	}
	await(s, serving(s.replace("-echo", "-ready", "self")))
	must(t, <-typed)
	heard("v1 early\n")
	await(s, replaced(s.replace("-echo", "-ready", "self")))
	send("late\n")
	must(t, <-typed)
	heard("v2 late\n")
	s.end()
	go send("too late\n") // ends at once, because no worker is left
	select {
	case err := <-typed:
		if err == nil {
			t.Error("no error for input without a reader")
		}
	case <-time.After(limit):
		t.Error("a write hangs after the end")
	}
}

func TestQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	q := newQueue(1000, 0)
	var put, took, lost int64
	for range 10000 {
		if random.IntN(3) > 0 {
			n := random.IntN(700)
			q.put(bytes.Repeat([]byte("x"), n))
			put += int64(n)
		}
		q.stopped = random.IntN(2) == 0
		if len(q.data) > 1000 {
			t.Fatalf("%d bytes are kept", len(q.data))
		}
		if random.IntN(10) == 0 && len(q.data) > 0 {
			p, dropped, ok := q.take()
			if !ok {
				t.Fatal("closed")
			}
			took, lost = took+int64(len(p)), lost+dropped
		}
	}
	q.close()
	for {
		p, dropped, ok := q.take()
		if !ok {
			break
		}
		took, lost = took+int64(len(p)), lost+dropped
	}
	if took+lost != put || lost == 0 {
		t.Errorf("%d bytes were put, %d taken and %d lost", put, took, lost)
	}
}

func TestTail(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	c := &capture{stream: Stderr}
	var all []byte
	for i := range 500 {
		p := bytes.Repeat([]byte{byte('a' + i%26)}, random.IntN(size(2000, 9000)))
		c.remember(p)
		all = append(all, p...)
		for _, size := range []int{tailSize, lastSize} {
			if want := all[max(0, len(all)-size):]; c.lastText(size) != string(want) {
				t.Fatalf("after %d bytes: have %q, want %q", len(all), c.lastText(size), want)
			}
		}
		if cap(c.last) > 8*lastSize {
			t.Fatalf("after %d bytes the buffer has %d", len(all), cap(c.last))
		}
	}
}
