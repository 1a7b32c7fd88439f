//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apart starts hotreload in a session of its own, without the terminal in which the tests run.
var apart = setup{attr: func(a *syscall.SysProcAttr) { a.Setsid = true }}

func (s *session) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// catches waits until hotreload catches a signal. In the first milliseconds of a process, signals have their default
// effect.
func (s *session) catches(sig syscall.Signal) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("it catches %v", sig), func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		caught := regexp.MustCompile(`SigCgt:\s*([0-9a-f]+)`).FindSubmatch(status)
		if caught == nil {
			return false
		}
		mask, err := strconv.ParseUint(string(caught[1]), 16, 64)
		return err == nil && mask>>(sig-1)&1 == 1
	})
}

func TestSIGUSR1Reloads(t *testing.T) {
	t.Parallel()
	s := apart.start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	before, err := s.get("/pid")
	if err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGUSR1)
	s.waitFor(`generation 2 serves`)
	if after, err := s.get("/pid"); err != nil || after == before {
		t.Errorf("pid %s answers, %v, after %s", after, err, before)
	}
}

// Scenario 36, a fault of amphp's cluster: SIGUSR1 never ends hotreload, neither at its start nor in any phase of a
// replacement.
func TestSIGUSR1AtAnyTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which signals a process catches")
	}
	t.Parallel()
	dir := newModule(t, map[string]string{"version.go": version("v1", "time.Sleep(200 * time.Millisecond)")})
	s := apart.start(t, dir, ".", "{addr}")
	s.catches(syscall.SIGUSR1)
	stop := make(chan struct{})
	defer func() {
		select {
		case <-stop:
		default:
			close(stop)
		}
	}()
	go func() { // ends with the test
		for {
			select {
			case <-stop:
				return
			case <-time.After(7 * time.Millisecond):
				s.signal(syscall.SIGUSR1)
			}
		}
	}()
	for v := 2; v <= 4; v++ {
		s.save("version.go", version(fmt.Sprint("v", v), "time.Sleep(50 * time.Millisecond)"))
		s.eventually("hotreload runs", func() bool { return !s.ended() })
	}
	close(stop)
	s.serves("v4")
	for range 20 { // while the old worker drains, and while all workers stop
		s.signal(syscall.SIGUSR1)
	}
	s.serves("v4")
	s.signal(syscall.SIGTERM)
	for range 20 {
		s.signal(syscall.SIGUSR1)
	}
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestSIGHUPRereadsAndReloads(t *testing.T) {
	t.Parallel()
	s := apart.start(t, newModule(t, map[string]string{"hotreload.toml": "quiet = false\n"}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.signal(syscall.SIGHUP)
	s.waitFor(`hotreload.toml: in effect`)
	s.waitFor(`generation 2 serves`)
	s.save("hotreload.toml", "quiet = 1\n")
	s.waitFor(`the old settings stay in effect`)
	s.signal(syscall.SIGHUP)
	s.waitFor(`the old settings stay in effect`)
	s.save("hotreload.toml", "quiet = false\n")
	s.waitFor(`hotreload.toml: in effect`)
	s.signal(syscall.SIGHUP)
	s.waitFor(`generation 3 serves`) // the broken file has replaced nothing
}

// While the terminal exists, SIGHUP is a command of the user; when the terminal is gone, SIGHUP ends hotreload.
func TestHangup(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true}.start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.signal(syscall.SIGHUP)
	s.waitFor(`generation 2 serves`)
	pid, err := s.get("/pid")
	if err != nil {
		t.Fatal(err)
	}
	s.tty.Close()
	s.save("version.go", version("v2", "")) // ends our own read of the terminal, so that it can be closed
	s.exit()
	number, _ := strconv.Atoi(pid)
	gone(t, number)
}

// A shell that gets SIGHUP signals its jobs, and closes the terminal a moment later.
func TestHangupOfTheShell(t *testing.T) {
	t.Parallel()
	shell := "bash"
	if _, err := exec.LookPath(shell); err != nil {
		t.Skip("bash is not in PATH: ", err)
	}
	s := setup{terminal: true, through: []string{shell, "--norc", "-i"}, env: []string{"PS1=prompt> ",
		"TERM=dumb"}}.start(t, newModule(t, nil))
	s.waitFor(`prompt> `)
	s.press(fmt.Sprintf("%s . %s &\n", os.Args[0], s.addr))
	s.waitFor(`generation 1 serves`)
	pid, err := s.get("/pid")
	if err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGHUP)
	number, _ := strconv.Atoi(pid)
	gone(t, number)
}

func TestSIGTTINAndSIGTTOUScale(t *testing.T) {
	t.Parallel()
	s := apart.start(t, newModule(t, nil), "-l", "{addr}", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.signal(syscall.SIGTTIN)
	s.waitFor(`2 workers now`)
	s.signal(syscall.SIGTTIN)
	s.waitFor(`3 workers now`)
	s.signal(syscall.SIGTTOU)
	s.waitFor(`2 workers now`)
	s.signal(syscall.SIGTTOU)
	s.waitFor(`1 worker now`)
	s.signal(syscall.SIGTTOU) // there is always one
	s.signal(syscall.SIGUSR1)
	s.waitFor(`generation 2 serves`)
	s.serves("v1")
}

// If the user has set tostop, the terminal stops any background process at a write, even a process that uses the signal
// for something else.
func TestTerminalStopsTheBackground(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true, through: []string{"sh", "-i"}, env: []string{"PS1=prompt> ", "ENV=",
		"TERM=dumb"}}.start(t, newModule(t, nil))
	s.waitFor(`prompt> `)
	s.press("stty tostop\n")
	s.press(fmt.Sprintf("%s . %s &\n", os.Args[0], s.addr))
	s.eventually("the first line stops hotreload", func() bool {
		s.press("jobs\n")
		time.Sleep(50 * time.Millisecond) // time for the shell's answer, before the next try
		return s.count(`(?i)stopped`) > 0
	})
	s.press("fg\n")
	s.waitFor(`generation 1 serves`)
	if s.count(`workers now`) > 0 {
		t.Error("hotreload took the terminal's signal for a command")
	}
	s.press("q")
	s.waitFor(`stopping(.|\n)*prompt> `)
	s.press("exit\n")
	s.exit()
}

func TestPidFile(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	path := filepath.Join(dir, "run", "app.pid")
	s := apart.start(t, dir, "--pid-file", path, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	text, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); err != nil || pid != fmt.Sprint(s.cmd.Process.Pid) {
		t.Errorf("the pid file contains %q, %v, want %d", text, err, s.cmd.Process.Pid)
	}
	other := apart.start(t, dir, "--pid-file", path, ".", "{addr}")
	other.waitFor(fmt.Sprintf(`hotreload is already running, pid %d`, s.cmd.Process.Pid))
	if code := other.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	s.signal(syscall.SIGTERM)
	s.exit()
	if _, err := os.Stat(path); err == nil {
		t.Error("the pid file is still there")
	}
}

// K56: a PID file of a killed hotreload, whose pid now belongs to another process. That process is left alone.
func TestStalePidFile(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"app.pid": fmt.Sprintln(os.Getpid())}) // this test's pid
	path := filepath.Join(dir, "app.pid")
	s := apart.start(t, dir, "--pid-file", path, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	if text, _ := os.ReadFile(path); strings.TrimSpace(string(text)) != fmt.Sprint(s.cmd.Process.Pid) {
		t.Errorf("the pid file contains %q, want %d", text, s.cmd.Process.Pid)
	}
	// Another file has taken the place of the PID file and must not be removed.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	save(t, path, "another's\n")
	s.signal(syscall.SIGTERM)
	s.exit()
	if text, err := os.ReadFile(path); string(text) != "another's\n" {
		t.Errorf("have %q, %v, want the other's file", text, err)
	}
}

// After kill -9 the PID file is removed, too.
func TestPidFileAfterKill9(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	path := filepath.Join(dir, "app.pid")
	s := apart.start(t, dir, "--pid-file", path, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.signal(syscall.SIGKILL)
	s.eventually("the pid file is gone", func() bool { _, err := os.Stat(path); return err != nil })
}

func TestPidFileThatIsNone(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	s := apart.start(t, dir, "--pid-file", dir, ".", "{addr}")
	s.waitFor(`pid file`)
	if code := s.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	s = apart.start(t, dir, "--pid-file", "main.go", ".", "{addr}")
	s.waitFor(`main.go does not contain a pid`)
	s.exit()
	if text, err := os.ReadFile(filepath.Join(dir, "main.go")); string(text) != server {
		t.Errorf("the file was overwritten: %q, %v", text, err)
	}
}
