//go:build unix

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the child: the variable PLAY names its role.
func TestMain(m *testing.M) {
	if code, ok := Helper(os.Args); ok {
		os.Exit(code)
	}
	if part := os.Getenv("PLAY"); part != "" {
		play(part)
		os.Exit(0)
	}
	// With -race, children are built with -race, too, and each would sleep for a second before its exit.
	must(os.Setenv("GORACE", "atexit_sleep_ms=0"))
	if err := Setup(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func play(part string) {
	switch part {
	case "exit3":
		os.Exit(3)
	case "first":
		playFirst()
	case "sleep":
		fmt.Println("ready")
		time.Sleep(time.Minute)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Minute)
	case "daemon": // starts a child in a new session, prints the child's pid and exits
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "PLAY=deaf")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, _ := cmd.StdoutPipe()
		must(cmd.Start())
		_, _ = bufio.NewReader(out).ReadString('\n') // from here on the child ignores SIGTERM
		fmt.Println(cmd.Process.Pid)
	case "supervisor": // a separate hotreload, with one worker that ignores SIGTERM and has a daemon
		must(Setup())
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "PLAY=daemon-and-stay")
		cmd.Stdout = os.Stdout
		_, err := Start(cmd)
		must(err)
		select {}
	case "lingering-supervisor": // a hotreload with a file and two lingering workers, one of which exits by itself
		must(Setup())
		l, err := net.Listen("unix", os.Getenv("DIR")+"/socket")
		must(err)
		defer l.Close()
		Bequeath(os.Getenv("DIR") + "/socket")
		for _, part := range []string{"lingerer", "deaf-lingerer"} {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), "PLAY="+part)
			cmd.Stdout = os.Stdout
			p, err := Start(cmd)
			must(err)
			if part == "lingerer" {
				p.Linger(p.Pid(), time.Minute)
			} else {
				p.Linger(p.Pid(), guardGrace)
			}
		}
		select {}
	case "lingerer", "deaf-lingerer":
		must(outliveParent())
		parent := os.Getppid()
		fmt.Println(os.Getpid())
		for os.Getppid() == parent || part == "deaf-lingerer" {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(2 * guardGrace) // longer than guardGrace, so only a lingering process gets any further
		must(os.WriteFile(os.Getenv("DIR")+"/finished", nil, 0o600))
	case "daemon-and-stay":
		fmt.Println(os.Getpid())
		play("daemon")
		play("deaf")
	case "port-daemon": // a listening child in a session of its own, and a child in the group
		r, w, err := os.Pipe()
		must(err)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		file, err := l.(*net.TCPListener).File()
		must(err)
		for _, attr := range []*syscall.SysProcAttr{{Setsid: true}, nil} {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), "PLAY=deaf")
			cmd.Stdout, cmd.SysProcAttr, cmd.ExtraFiles = w, attr, []*os.File{file}
			must(cmd.Start())
			_, _ = bufio.NewReader(r).ReadString('\n')
		}
		fmt.Println(l.Addr())
	case "listen":
		fmt.Println(os.Getenv("LISTEN_PID") == fmt.Sprint(os.Getpid()), os.Args[1:])
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func child(part string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PLAY="+part)
	return cmd
}

func start(t *testing.T, cmd *exec.Cmd) (*Process, *bufio.Reader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	p, err := Start(cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); <-p.Done(); p.Sweep(); r.Close() })
	return p, bufio.NewReader(r)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("read a line of the child: %v", err)
	}
	return strings.TrimSpace(text)
}

// gone waits until no process has the pid, or fails the test.
// gone waits until a process has exited.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err := syscall.Kill(pid, 0); err != nil {
			return
		}
	}
	t.Fatalf("process %d still runs after a minute", pid)
}

func TestExit(t *testing.T) {
	p, _ := start(t, child("exit3"))
	<-p.Done()
	if e := p.Exit(); e.Code != 3 || e.Success() || e.String() != "exit code 3" {
		t.Errorf("have %+v (%v), want code 3", e, e)
	}
	p, r := start(t, child("sleep"))
	line(t, r)
	p.Kill()
	<-p.Done()
	if e := p.Exit(); e.Signal != syscall.SIGKILL || e.String() != "killed by SIGKILL" {
		t.Errorf("have %+v (%v), want SIGKILL", e, e)
	}
}

func TestStartOfNothing(t *testing.T) {
	if _, err := Start(exec.Command("/nonexistent/program")); err == nil {
		t.Fatal("no error for a missing program")
	}
}

func TestSweepFindsWhatLeftTheGroup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells from which process an orphan comes")
	}
	p, r := start(t, child("daemon"))
	var pid int
	fmt.Sscan(line(t, r), &pid)
	<-p.Done()
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the daemon should have survived its parent: %v", err)
	}
	p.Sweep()
	gone(t, pid)
}

// When Sweep returns, the processes are gone: no pid is listed twice, and their locks and ports are free.
func TestSweepWaitsForTheEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes: not with -short")
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells from which process an orphan comes")
	}
	for range 10 {
		p, r := start(t, child("port-daemon"))
		address := line(t, r)
		<-p.Done()
		killed := p.Sweep()
		if len(killed) != 2 {
			t.Fatalf("killed %v, want the daemon and the child that stayed in the group", killed)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("after Sweep: %v", err)
		}
		l.Close()
	}
}

// If a shim cannot become its program, hotreload gets the reason, and the worker's stderr stays empty.
func TestShimSaysWhy(t *testing.T) {
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("only Linux tells which program a process runs (/proc/self/exe)")
	}
	text := filepath.Join(t.TempDir(), "text")
	must(os.WriteFile(text, []byte("no program"), 0o755))
	for path, want := range map[string]error{
		"/nonexistent": syscall.ENOENT, text: syscall.ENOEXEC, "/": syscall.EACCES,
	} {
		cmd := exec.Command(path)
		cmd.Err = nil
		must(Activate(cmd))
		p, r := start(t, cmd)
		<-p.Done()
		var path *os.PathError
		if e := p.Exit(); !errors.Is(e.NotRun, want) || !errors.As(e.NotRun, &path) || e.Success() {
			t.Errorf("have %+v (%v), want %v", e, e, want)
		}
		if said, _ := io.ReadAll(r); len(said) > 0 {
			t.Errorf("the shim wrote %q", said)
		}
	}
}

func TestOurs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells whose child a process is")
	}
	p, r := start(t, child("sleep"))
	line(t, r)
	if !Ours(p.Pid()) || Ours(os.Getpid()) || Ours(1) {
		t.Errorf("child %v, self %v, init %v; want true, false, false", Ours(p.Pid()), Ours(os.Getpid()), Ours(1))
	}
}

// A signal for a child that is gone is dropped, because the pid may belong to another process.
func TestSignalAfterTheEnd(t *testing.T) {
	p, _ := start(t, child("exit3"))
	<-p.Done()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	p.Kill()
}

func TestReaperLeavesExitStatusAlone(t *testing.T) {
	for range 50 {
		p, _ := start(t, child("exit3"))
		<-p.Done()
		if p.Exit().Code != 3 {
			t.Fatalf("have %v, want exit code 3: the reaper took the exit status", p.Exit())
		}
	}
}

// The end of a thread must not end the children (golang/go#27505).
func TestChildrenSurviveThreads(t *testing.T) {
	p, r := start(t, child("sleep"))
	line(t, r)
	for range 200 {
		done := make(chan struct{})
		go func() { // the end of a locked goroutine ends its thread
			runtime.LockOSThread()
			close(done)
		}()
		<-done
	}
	select {
	case <-p.Done():
		t.Fatalf("the child died with a thread: %v", p.Exit())
	case <-time.After(50 * time.Millisecond):
	}
}

func TestNothingSurvivesKill9(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a descendant that left its group is found on Linux only")
	}
	cmd := child("supervisor")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	must(cmd.Start())
	w.Close()
	lines := bufio.NewReader(r)
	var worker, daemon int
	fmt.Sscan(line(t, lines), &worker)
	fmt.Sscan(line(t, lines), &daemon)
	line(t, lines) // from now on the worker ignores SIGTERM
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	began := time.Now()
	gone(t, worker)
	gone(t, daemon)
	t.Logf("gone after %v", time.Since(began).Round(time.Millisecond))
}

// A worker that exits by itself after hotreload's end has the announced time to exit, and no more.
func TestLinger(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes: not with -short")
	}
	cmd := child("lingering-supervisor")
	dir := t.TempDir()
	cmd.Env = append(cmd.Env, "DIR="+dir)
	r, w, err := os.Pipe()
	must(err)
	cmd.Stdout = w
	must(cmd.Start())
	w.Close()
	lines := bufio.NewReader(r)
	var one, other int
	fmt.Sscan(line(t, lines), &one)
	fmt.Sscan(line(t, lines), &other)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	gone(t, one)
	gone(t, other)
	for name, want := range map[string]bool{"finished": true, "socket": false} {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", name, err == nil, want)
		}
	}
}

func TestActivateTellsTheTruePid(t *testing.T) {
	cmd := child("listen")
	cmd.Args = append(cmd.Args, "a", "b c")
	must(Activate(cmd))
	_, r := start(t, cmd)
	if have, want := line(t, r), "true [a b c]"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}
