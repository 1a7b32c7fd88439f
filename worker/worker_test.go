//go:build unix

package worker

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/supervisor/exchange"
	"hotreload/worker/wire"
)

// limit is far above the usual time, even on a busy machine.
const limit = 30 * time.Second

func TestMain(m *testing.M) {
	if name := os.Getenv("TEST_LISTENER"); name != "" {
		serveOnce(name)
		return
	}
	os.Exit(m.Run())
}

// TestAlone: without hotreload every call succeeds and does nothing.
func TestAlone(t *testing.T) {
	if path != "" {
		t.Skip("this test is for a program that hotreload does not run, and hotreload runs these tests")
	}
	called := func() { t.Error("a function was called") }
	Ready()
	Retire()
	OnDrain(called)
	OnReload(called)
	Report("well", Counter{Name: "x", Value: 1})
	OnQuery(func(bool) *Status { called(); return nil })
	if err := Send(1); err != nil {
		t.Error(err)
	}
	if err := Send(func() {}); err == nil {
		t.Error("what cannot be JSON was sent")
	}
	if ID() != 0 || Generation() != 0 {
		t.Errorf("have %d, %d", ID(), Generation())
	}
	select {
	case <-Draining():
		t.Error("it drains")
	default:
	}
	l, err := Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Listener("web"); err == nil {
		t.Error("there is a socket")
	}
}

// TestMessagesAlone: without hotreload no message comes, and the loop ends with a signal.
func TestMessagesAlone(t *testing.T) {
	caught := make(chan os.Signal, 100)
	signal.Notify(caught, syscall.SIGTERM) // otherwise the first signal could end the tests
	defer signal.Stop(caught)
	done := make(chan struct{})
	go func() {
		for range Messages() {
			t.Error("a message came")
		}
		close(done)
	}()
	for end := time.Now().Add(limit); time.Now().Before(end); {
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
	}
	t.Error("it does not end")
}

func TestNotify(t *testing.T) {
	name := filepath.Join(t.TempDir(), "n")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	Ready()
	_ = socket.SetReadDeadline(time.Now().Add(limit))
	buf := make([]byte, 100)
	n, err := socket.Read(buf)
	if string(buf[:n]) != "READY=1" || err != nil {
		t.Errorf("have %q, %v", buf[:n], err)
	}
}

// serveOnce is the test binary as a program with an inherited socket.
func serveOnce(name string) {
	l, err := Listener(name)
	if err == nil {
		var same net.Listener
		if same, err = Listen("tcp", l.Addr().String()); err == nil {
			l.Close() // each listener is independent
			var conn net.Conn
			if conn, err = same.Accept(); err == nil {
				fmt.Fprintf(conn, "%q", os.Getenv("LISTEN_FDS"))
				conn.Close()
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=other:web", "TEST_LISTENER=web")
	cmd.ExtraFiles = []*os.File{os.Stderr, file}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	buf := make([]byte, 10)
	n, err := conn.Read(buf)
	if string(buf[:n]) != `""` || err != nil {
		t.Errorf("it answers %q, %v; want an environment without LISTEN_FDS", buf[:n], err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// stage is a supervisor for this process.
type stage struct {
	*exchange.Exchange
	t *testing.T
	*line

	mu      sync.Mutex // guards all below
	events  []exchange.Event
	deaf    bool
	unheard []func()
}

// newStage connects the package's functions to the stage.
func newStage(t *testing.T) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t}
	if s.Exchange, err = exchange.New(filepath.Join(dir, "say"), s.add); err != nil {
		t.Fatal(err)
	}
	env := s.Admit(1)
	if s.line, err = dial(strings.TrimPrefix(env[0], wire.PathVariable+"="),
		strings.TrimPrefix(env[1], wire.TokenVariable+"=")); err != nil {
		t.Fatal(err)
	}
	go s.hear() // ends with the exchange
	before := join
	join = func() *line { return s.line }
	t.Cleanup(func() {
		join = before
		s.Exchange.Close()
		os.RemoveAll(dir)
	})
	return s
}

func (s *stage) add(e exchange.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var heard func()
	switch e := e.(type) {
	case exchange.Said:
		heard = e.Heard
		s.events = append(s.events, exchange.Said{Worker: e.Worker, Data: e.Data})
	case exchange.Replied:
		heard = e.Heard
		s.events = append(s.events, exchange.Replied{Worker: e.Worker, ID: e.ID, Data: e.Data})
	default:
		s.events = append(s.events, e)
	}
	if heard == nil {
		return
	}
	if s.deaf {
		s.unheard = append(s.unheard, heard)
	} else {
		heard()
	}
}

func (s *stage) has(want exchange.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.events, func(e exchange.Event) bool { return reflect.DeepEqual(e, want) })
}

func (s *stage) expect(want exchange.Event) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%T %+v", want, want), func() bool { return s.has(want) })
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func TestWords(t *testing.T) {
	s := newStage(t)
	Ready()
	Retire()
	if err := Send(map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []exchange.Event{exchange.Ready{Worker: 1}, exchange.Retires{Worker: 1},
		exchange.Said{Worker: 1, Data: []byte(`{"a":1}`)}} {
		s.expect(want)
	}
	if err := Send(strings.Repeat("x", wire.MaxData)); err == nil {
		t.Error("a message that is too long was sent")
	}
}

// TestDrain: the OnDrain functions are called, the last one first; Finished follows their end.
func TestDrain(t *testing.T) {
	s := newStage(t)
	var mu sync.Mutex // guards called
	var called []int
	goOn := make(chan struct{})
	for i := range 3 {
		OnDrain(func() {
			if i == 0 {
				<-goOn
			}
			mu.Lock()
			called = append(called, i)
			mu.Unlock()
		})
	}
	s.expect(exchange.Heeds{Worker: 1})
	s.Exchange.Drain(1)
	<-Draining()
	eventually(t, "two were called", func() bool { mu.Lock(); defer mu.Unlock(); return len(called) == 2 })
	s.Exchange.Drain(1) // a second Drain has no effect
	if s.has(exchange.Finished{Worker: 1}) {
		t.Error("it is done before the last has returned")
	}
	close(goOn)
	s.expect(exchange.Finished{Worker: 1})
	if want := []int{2, 1, 0}; !slices.Equal(called, want) {
		t.Errorf("called %v, want %v", called, want)
	}
	late := make(chan struct{})
	OnDrain(func() { close(late) })
	<-late // at once
}

// TestHotreloadIsGone: the end of hotreload tells the worker to exit.
func TestHotreloadIsGone(t *testing.T) {
	s := newStage(t)
	called := make(chan struct{})
	OnDrain(func() { close(called) })
	loop := make(chan struct{})
	go func() {
		for range Messages() {
		}
		close(loop)
	}()
	s.Exchange.Close()
	<-Draining()
	<-called
	<-loop
	if err := func() (err error) {
		for range wire.Window + 1 {
			err = Send(1)
		}
		return err
	}(); err == nil {
		t.Error("somebody has heard a message")
	}
}

// TestReload: the function is called, and once more after further changes during the call, but not for each change.
func TestReload(t *testing.T) {
	s := newStage(t)
	var mu sync.Mutex // guards calls
	calls := 0
	begun, goOn := make(chan struct{}, 100), make(chan struct{})
	OnReload(func() {
		mu.Lock()
		calls++
		mu.Unlock()
		begun <- struct{}{}
		<-goOn
	})
	s.Reload(1)
	<-begun
	for range 10 {
		s.Reload(1)
	}
	s.Query(1, 1, false) // an answer means: the changes have arrived
	s.expect(exchange.Answered{Worker: 1, ID: 1})
	close(goOn)
	eventually(t, "it is told again", func() bool { mu.Lock(); defer mu.Unlock(); return calls == 2 })
	s.Query(1, 2, false)
	s.expect(exchange.Answered{Worker: 1, ID: 2})
	mu.Lock()
	defer mu.Unlock()
	if calls != 2 {
		t.Errorf("it was told %d times, want 2", calls)
	}
}

func TestStatus(t *testing.T) {
	s := newStage(t)
	ask := func(id uint32, privileged bool, want *Status) {
		t.Helper()
		s.Query(1, id, privileged)
		s.expect(exchange.Answered{Worker: 1, ID: id, State: want})
	}
	ask(1, true, nil)
	low := 0.0
	open, secret := Counter{Name: "open", Value: 1, Unit: "c", Min: &low},
		Counter{Name: "secret", Value: 2, Privileged: true}
	Report("well", open, secret, Counter{Name: "none", Value: math.NaN()}, Counter{Value: 7})
	ask(2, true, &Status{Text: "well", Counters: []Counter{open, secret}})
	ask(3, false, &Status{Text: "well", Counters: []Counter{open}})
	OnQuery(func(privileged bool) *Status {
		return &Status{Text: fmt.Sprint(privileged), Counters: []Counter{secret}}
	})
	ask(4, true, &Status{Text: "true", Counters: []Counter{secret}})
	ask(5, false, &Status{Text: "false"})
	OnQuery(func(bool) *Status { return nil })
	ask(6, true, nil)
}

// TestLoops: each loop gets one message at a time; the program gets all messages sent before the end.
func TestLoops(t *testing.T) {
	s := newStage(t)
	got, goOn := make(chan string, 10), make(chan struct{})
	var loops sync.WaitGroup
	for range 2 {
		loops.Go(func() {
			for m := range Messages() {
				var text string
				if err := m.Decode(&text); err != nil {
					t.Error(err)
				}
				got <- text
				<-goOn
				if err := m.Reply(json.RawMessage(`{"to":"` + text + `"}`)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	eventually(t, "two loops", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		n := 0
		for _, e := range s.events {
			if e == (exchange.Takes{Worker: 1, More: 1}) {
				n++
			}
		}
		return n == 2
	})
	s.Message(1, 1, []byte(`"a"`))
	s.Message(1, 2, []byte(`"b"`))
	if first, second := <-got, <-got; first == second {
		t.Errorf("have %q twice", first)
	}
	s.Message(1, 3, []byte(`"c"`))
	s.Exchange.Drain(1)
	<-Draining()
	if s.has(exchange.Finished{Worker: 1}) {
		t.Error("it is done, and has messages")
	}
	close(goOn)
	loops.Wait()
	for i, text := range []string{"a", "b", "c"} {
		s.expect(exchange.Replied{Worker: 1, ID: uint32(i + 1), Data: []byte(`{"to":"` + text + `"}`)})
		s.expect(exchange.Done{Worker: 1, ID: uint32(i + 1)})
	}
	s.expect(exchange.Takes{Worker: 1, More: -1})
	s.expect(exchange.Finished{Worker: 1})
}

// TestSendWaits: Send waits for the readers; other frames are not delayed.
func TestSendWaits(t *testing.T) {
	s := newStage(t)
	s.mu.Lock()
	s.deaf = true
	s.mu.Unlock()
	sent := make(chan int, 100)
	go func() {
		for i := range wire.Window + 5 {
			if Send(i) == nil {
				sent <- i
			}
		}
		close(sent)
	}()
	eventually(t, "the window is full",
		func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.unheard) == wire.Window })
	Ready()
	s.expect(exchange.Ready{Worker: 1})
	s.mu.Lock()
	if len(s.unheard) != wire.Window {
		t.Errorf("%d are on their way, want %d", len(s.unheard), wire.Window)
	}
	s.deaf = false
	for _, heard := range s.unheard {
		heard()
	}
	s.mu.Unlock()
	count := 0
	for range sent {
		count++
	}
	if count != wire.Window+5 {
		t.Errorf("%d were sent, want %d", count, wire.Window+5)
	}
}

func TestEnvironmentIsRemoved(t *testing.T) {
	t.Setenv("TEST_TOKEN", "secret")
	if taken("TEST_TOKEN") != "secret" || os.Getenv("TEST_TOKEN") != "" {
		t.Error("it is still there")
	}
}

// FuzzObey: the program survives any input from hotreload.
func FuzzObey(f *testing.F) {
	f.Add(byte(wire.Message), []byte("\x00\x00\x00\x01{}"))
	f.Add(byte(wire.Query), []byte("\x00\x00\x00\x01\x01"))
	f.Add(byte(wire.Heard), []byte{})
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		here, there := net.Pipe()
		there.Close()
		l := &line{conn: here, draining: make(chan struct{}), inbox: make(chan message, 1),
			credit: make(chan struct{}, 1)}
		for range 3 {
			_ = l.obey(wire.Kind(kind), body)
		}
	})
}
