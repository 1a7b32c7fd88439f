//go:build unix

package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotreload/process"
)

// soak selects the full sizes: HOTRELOAD_SOAK=1 go test ./supervisor
var soak = os.Getenv("HOTRELOAD_SOAK") != ""

// size returns the usual size of a test, or the full one.
func size(usual, full int) int {
	if soak {
		return full
	}
	return usual
}

// limit is how long a test waits for a fact before it fails. A passing test never waits for so long.
const limit = 30 * time.Second

// workerProgram is testdata/worker, built once and removed by TestMain.
var workerProgram string

func TestMain(m *testing.M) {
	if code, ok := process.Helper(os.Args); ok {
		os.Exit(code)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "worker-")
	if err == nil {
		defer os.RemoveAll(dir)
		workerProgram = filepath.Join(dir, "worker")
		build := exec.Command("go", "build", "-o", workerProgram, "../testdata/worker")
		build.Stderr = os.Stderr
		err = build.Run() // before Setup, whose reaper would take the exit status
	}
	if err == nil {
		// With -race, the shim has the race detector, too, and would sleep for a second before its exit.
		err = os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	if err == nil {
		err = process.Setup()
	}
	if err == nil { // the first Start begins a goroutine that never ends: not a leak of the first test
		var first *process.Process
		if first, err = process.Start(exec.Command("true")); err == nil {
			<-first.Done()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { os.RemoveAll(unchanged.dir) }()
	return m.Run()
}

// service is a Supervisor with programs to run, and a listener that collects its events.
type service struct {
	*Supervisor
	t          *testing.T
	dir        string // of the programs
	generation int

	mu     sync.Mutex // guards all below
	events []Event
	cursor int // number of events that await has consumed
	heard  chan struct{}
	ended  bool
	output map[Stream]*bytes.Buffer
}

// start starts a supervisor. At the end of the test it stops the supervisor and checks that nothing is left.
func start(t *testing.T, config Config) *service {
	t.Helper()
	if testing.Short() {
		t.Skip("-short builds and starts no workers")
	}
	leaks := goleak.IgnoreCurrent()
	fds := openFiles()
	// t.TempDir has names that are too long for sockets.
	temp, err := os.MkdirTemp("", "hr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	must(t, os.Chmod(temp, 0o755)) // like /tmp
	t.Setenv("TMPDIR", temp)
	s := &service{
		t:      t,
		dir:    t.TempDir(),
		heard:  make(chan struct{}),
		output: map[Stream]*bytes.Buffer{Stdout: {}, Stderr: {}},
	}
	if config.Name == "" {
		config.Name = "program"
	}
	if config.Env == nil {
		config.Env = os.Environ()
	}
	if config.Output.Write == nil {
		config.Output.Write = s.write
	}
	if config.Policy.Grace == 0 {
		config.Policy.Grace = 5 * time.Second
	}
	if config.Policy.AliveFor == 0 {
		config.Policy.AliveFor = limit // a slow machine must not make a worker count as ready
	}
	if s.Supervisor, err = New(config); err != nil {
		t.Fatal(err)
	}
	go s.listen() // ends when Events is closed, for which end waits
	t.Cleanup(func() {
		s.end()
		s.nothingIsLeft(temp, fds)
		if err := goleak.Find(leaks); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("events:\n%s\noutput:\n%s", s.transcript(), s.written(Stderr))
		}
	})
	return s
}

func (s *service) write(_ Worker, stream Stream, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.output[stream].Write(p)
}

func (s *service) written(stream Stream) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output[stream].String()
}

func (s *service) listen() {
	for event := range s.Events() {
		s.mu.Lock()
		s.events = append(s.events, event)
		close(s.heard)
		s.heard = make(chan struct{})
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.ended = true
	close(s.heard)
	s.mu.Unlock()
}

// all returns the events so far.
func (s *service) all() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func (s *service) transcript() string {
	var lines []string
	for _, e := range s.all() {
		lines = append(lines, fmt.Sprintf("%T %+v", e, e))
	}
	return strings.Join(lines, "\n")
}

// end stops the supervisor, by Kill if necessary.
func (s *service) end() {
	s.t.Helper()
	s.Stop()
	if !s.waitEnd(limit) {
		s.t.Error("the supervisor does not stop")
		s.Kill()
		s.waitEnd(limit)
	}
	events := s.all()
	if last := events[len(events)-1]; last != (Stopped{}) {
		s.t.Errorf("the last event is %T, want Stopped", last)
	}
}

func (s *service) waitEnd(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		s.mu.Lock()
		ended, heard := s.ended, s.heard
		s.mu.Unlock()
		if ended {
			return true
		}
		select {
		case <-heard:
		case <-timer.C:
			return false
		}
	}
}

// await returns the next matching event of type E after the events that earlier calls returned.
func await[E Event](s *service, match func(E) bool) E {
	s.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		for s.cursor < len(s.events) {
			event := s.events[s.cursor]
			s.cursor++
			if e, ok := event.(E); ok && (match == nil || match(e)) {
				s.mu.Unlock()
				return e
			}
		}
		ended, heard := s.ended, s.heard
		s.mu.Unlock()
		var want E
		if ended {
			s.t.Fatalf("the supervisor has ended without a %T", want)
		}
		select {
		case <-heard:
		case <-timer.C:
			s.t.Fatalf("no %T after %v", want, limit)
		}
	}
}

func serving(generation int) func(Serving) bool {
	return func(e Serving) bool { return e.Generation == generation }
}

func replaced(generation int) func(Replaced) bool {
	return func(e Replaced) bool { return e.Generation == generation }
}

// program creates a version of the worker with these flags, and returns its path.
func (s *service) program(version string, flags ...string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, version)
	_ = os.Remove(path)
	if err := os.Link(workerProgram, path); err != nil {
		must(s.t, copyFile(workerProgram, path)) // the folder may be on another disk
	}
	must(s.t, os.WriteFile(path+".flags", []byte(strings.Join(flags, " ")), 0o666))
	return path
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o777)
}

// replace requests the next generation, vN, with these flags.
func (s *service) replace(flags ...string) int {
	s.t.Helper()
	return s.replaceBy(s.program("v"+strconv.Itoa(s.generation+1), flags...))
}

func (s *service) replaceBy(path string) int {
	s.generation++
	s.Replace(Plan{Generation: s.generation, Path: path})
	return s.generation
}

// nothingIsLeft fails the test if a process, a descriptor or a file remains.
func (s *service) nothingIsLeft(temp string, fds []string) {
	s.t.Helper()
	eventually(s.t, "processes are left: ", func() string {
		var left []string
		for _, pid := range allProcesses() {
			if process.Ours(pid) {
				left = append(left, fmt.Sprint(pid))
			}
		}
		return strings.Join(left, " ")
	})
	if runtime.GOOS == "linux" {
		eventually(s.t, "descriptors are left: ", func() string { return strings.Join(surplus(openFiles(), fds), " ") })
	}
	if files, _ := filepath.Glob(filepath.Join(temp, "hotreload-*")); len(files) > 0 {
		s.t.Errorf("files are left: %v", files)
	}
}

// eventually waits until problem returns "".
func eventually(t *testing.T, what string, problem func() string) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(2 * time.Millisecond) {
		have := problem()
		if have == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(what + have)
		}
	}
}

func allProcesses() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// openFiles returns the targets of the test's descriptors.
func openFiles() (files []string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			files = append(files, target)
		}
	}
	return files
}

// surplus returns the elements of have that are not in before.
func surplus(have, before []string) (more []string) {
	before = slices.Clone(before)
	for _, file := range have {
		if i := slices.Index(before, file); i >= 0 {
			before = slices.Delete(before, i, i+1)
		} else {
			more = append(more, file)
		}
	}
	return more
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// address parses a valid address.
func address(t *testing.T, text string) Address {
	t.Helper()
	a, err := ParseAddress(text)
	must(t, err)
	return a
}

// get sends a request for path on a new connection, and returns the answer without the line's end.
func get(t *testing.T, a Address, path string) string {
	t.Helper()
	answer, err := ask(a, path)
	must(t, err)
	return answer
}

func ask(a Address, path string) (string, error) {
	client := http.Client{
		Timeout: limit,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			Dial: func(string, string) (net.Conn, error) {
				return net.DialTimeout(a.Network, dialableIn(a), limit)
			},
		},
	}
	response, err := client.Get("http://worker" + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return strings.TrimSuffix(string(body), "\n"), err
}

func dialableIn(a Address) string {
	if hosts := dialable(a); len(hosts) > 0 {
		return hosts[0]
	}
	return a.Addr
}

// freePort returns an address on which no process listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// stranger starts a program outside the supervisor, and returns its pid once it has printed "here" or serves.
func stranger(t *testing.T, listen string) int {
	t.Helper()
	cmd := exec.Command(workerProgram, "-listen", listen)
	p, err := process.Start(cmd)
	must(t, err)
	t.Cleanup(func() { p.Kill(); <-p.Done() })
	a := Address{Network: "tcp", Addr: listen}
	if strings.Contains(listen, "/") {
		a.Network = "unix"
	}
	eventually(t, "the program does not answer: ", func() string {
		if _, err := ask(a, "/"); err != nil {
			return err.Error()
		}
		return ""
	})
	return p.Pid()
}

// linux reports whether the system tells who listens where.
func linux() bool { return runtime.GOOS == "linux" }
