//go:build linux || darwin

package agent_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/supervisor/host"
)

func TestMain(m *testing.M) {
	if code, ok := process.Helper(os.Args); ok {
		os.Exit(code)
	}
	if err := process.Setup(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// limit is for steps of milliseconds, on a busy machine.
const limit = 20 * time.Second

// built is the server of testdata, with the agent and without it. HOTRELOAD_TEST_FLAGS can have build flags for the
// server with the agent: under -race a worker that finds a race fails the test.
var built struct {
	once        sync.Once
	dir         string
	with, plain string
	err         error
}

func binaries(t testing.TB) (with, plain string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds and starts workers: not with -short")
	}
	built.once.Do(func() {
		built.dir, built.err = os.MkdirTemp("", "hotreload-worker-")
		if built.err != nil {
			return
		}
		built.with, built.plain = filepath.Join(built.dir, "with"), filepath.Join(built.dir, "plain")
		dir, err := filepath.Abs("testdata/server")
		if err == nil {
			p := gobuild.Program{Dir: dir, Flags: strings.Fields(os.Getenv("HOTRELOAD_TEST_FLAGS"))}
			if err = build(p, built.plain, false); err == nil {
				err = build(p, built.with, true)
			}
		}
		built.err = err
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.with, built.plain
}

func build(p gobuild.Program, out string, agent bool) error {
	args := []string{"."}
	flags := p.Flags
	if agent {
		g, err := gobuild.Load(context.Background(), p)
		if err != nil {
			return err
		}
		a, reason, err := gobuild.NewAgent(g, out+".agent")
		if a == nil {
			return fmt.Errorf("no agent: %s %v", reason, err)
		}
		flags, args = a.Flags("", p.Flags), a.Args(args)
	}
	cmd := exec.Command("go", append(append([]string{"build", "-buildvcs=false", "-o", out}, flags...), args...)...)
	cmd.Dir, cmd.Env = p.Dir, p.Env
	if text, err := combinedOutput(cmd); err != nil {
		return fmt.Errorf("go build: %v\n%s", err, text)
	}
	return nil
}

// service is a small supervisor: one worker at a time, replaced in the way of strategy "parallel".
type service struct {
	*host.Host
	t       testing.TB
	sockets *host.Sockets
	path    string // of the workers' program
	args    []string
	last    int
	current *process_
	grace   time.Duration

	generation int            // of workers that start; 0: a new generation for each
	visit      func(net.Conn) // takes connections of browsers

	mu      sync.Mutex // guards all below
	events  []host.Event
	changed chan struct{} // closed when events grow
}

type process_ struct {
	worker int
	cmd    *exec.Cmd
	out    *output
	done   chan struct{}
}

type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func newService(t testing.TB, args ...string) *service {
	t.Helper()
	with, _ := binaries(t)
	dir, err := os.MkdirTemp("", "hr") // short: there is little room in the address of a Unix socket
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, path: with, args: args, sockets: host.NewSockets(), changed: make(chan struct{}),
		grace: 2 * time.Second}
	if s.Host, err = host.New(filepath.Join(dir, "agent"), s.grace, s.sockets, s.hear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.current != nil {
			_ = s.current.cmd.Process.Kill()
			<-s.current.done
		}
		s.Host.Close()
		s.sockets.Close()
		os.RemoveAll(dir)
	})
	return s
}

func (s *service) hear(e host.Event) {
	if visit, is := e.(host.Visited); is {
		s.visit(visit.Conn)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	close(s.changed)
	s.changed = make(chan struct{})
}

// await waits for an event.
func (s *service) await(want host.Event) {
	s.t.Helper()
	if !s.awaitFor(want, limit) {
		s.t.Fatalf("have events %v\nwant %T%v", s.heard(), want, want)
	}
}

func (s *service) awaitFor(want host.Event, limit time.Duration) bool {
	return s.awaitAny(func(events []host.Event) bool { return slices.Contains(events, want) }, limit)
}

// awaitThat waits until a condition is true of all events so far.
func (s *service) awaitThat(is func([]host.Event) bool) {
	s.t.Helper()
	if !s.awaitAny(is, limit) {
		s.t.Fatalf("have events %v", s.heard())
	}
}

func (s *service) awaitAny(is func([]host.Event) bool, limit time.Duration) bool {
	timeout := time.After(limit)
	for {
		s.mu.Lock()
		changed, done := s.changed, is(s.events)
		s.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-timeout:
			return false
		}
	}
}

func (s *service) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	for _, e := range s.events {
		fmt.Fprintf(&text, "\n\t%T%v", e, e)
	}
	return text.String()
}

// start starts a worker, without waiting.
func (s *service) start() *process_ {
	s.t.Helper()
	s.last++
	p := &process_{worker: s.last, cmd: exec.Command(s.path, s.args...), out: &output{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), s.Admit(p.worker, cmp.Or(s.generation, p.worker))...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { // ends with the process
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// replace starts a worker, waits until the worker is ready, and ends the current worker: after a drain, or at once.
func (s *service) replace(drain bool) {
	s.t.Helper()
	p := s.start()
	if !s.awaitFor(host.Ready{Worker: p.worker}, limit) {
		s.t.Fatalf("worker %d is not ready; events %v\noutput %s", p.worker, s.heard(), p.out)
	}
	old := s.current
	s.current = p
	if old == nil {
		return
	}
	if drain {
		if !s.Drain(old.worker) {
			s.t.Fatalf("worker %d has no agent", old.worker)
		}
		s.await(host.Released{Worker: old.worker})
		s.awaitFor(host.Quiet{Worker: old.worker}, s.grace)
	}
	s.end(old)
}

// end asks a worker to exit, and then kills the worker.
func (s *service) end(p *process_) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(s.grace):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	s.await(host.Gone{Worker: p.worker})
	s.Forget(p.worker)
	if text := p.out.String(); strings.Contains(text, "DATA RACE") {
		s.t.Error(text)
	}
}

// visitKey is the key in the paths of the supervisor's pages.
const visitKey = "0123456789abcdef"
