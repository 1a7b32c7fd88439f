//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/runner"
)

// command runs one of hotreload's commands in dir, and returns what it says and its exit code.
func (s *session) command(args ...string) (string, int) {
	s.t.Helper()
	return runCommand(s.t, s.dir, s.runtime(), args...)
}

// runtime is the runtime folder of a session's own.
func (s *session) runtime() string { return runtimeOf(s.t, s.dir) }

// runtimeOf is short, as names of sockets have to be.
var runtimes sync.Map

func runtimeOf(t *testing.T, dir string) string {
	t.Helper()
	made, err := os.MkdirTemp("", "hr")
	if err != nil {
		t.Fatal(err)
	}
	known, loaded := runtimes.LoadOrStore(dir, made)
	if loaded {
		os.Remove(made)
	} else {
		t.Cleanup(func() { os.RemoveAll(made) })
	}
	return known.(string)
}

func runCommand(t *testing.T, dir, runtime string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), beHotreload+"=1", "NO_COLOR=1", "XDG_RUNTIME_DIR="+runtime, "HOTRELOAD_CACHE="+filepath.Join(dir, "..", "cache"))
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// startControlled starts a hotreload that commands find.
func startControlled(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	return setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, args...)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"data.txt": "a", ".reloadignore": "secret.txt\n", "other/other.go": "package other\n",
		"version.go": "package main\n\nimport \"os\"\n\nvar version = func() string { text, _ := os.ReadFile(\"data.txt\"); return string(text) }()\n\nfunc boot() {}\n"})
	s := startControlled(t, dir, ".", "{addr}")
	expect := func(code int, says string, args ...string) {
		t.Helper()
		out, have := s.command(args...)
		if have != code || !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("%v: exit code %d, want %d; it says %q, want %q", args, have, code, out, says)
		}
	}
	s.waitFor(`building`)
	expect(0, `^example.com/app  generation 1, serves\n +slot 0 +generation 1 +pid \d+ +ready`, "wait")
	s.serves("a")
	expect(0, `^example.com/app  generation 1, serves\n(.*\n)+  last build: go build: there is no plan of the program yet\n$`, "status")
	expect(0, `generation 2, serves(.|\n)*slot 0 +generation 2 +pid \d+ +ready`, "reload")
	expect(0, `generation 3, serves`, "rebuild", "--timeout", "1m")
	for _, c := range [][2]string{
		{"main.go", `→ rebuild: compiled into example.com/app · watched`},
		{"data.txt", `→ restart: read by the workers at their start · in the folder of example.com/app · watched`},
		{"go.mod", `→ rebuild: part of the module graph · watched`},
		{"main_test.go", `→ none: a test.* · it does not exist · watched`},
		{"secret.txt", `→ none: ignored · by .*\.reloadignore:1: secret.txt`},
		{"other/other.go", `→ none: not part of the program · not watched`},
		{"/etc/hosts", `/etc/hosts → none: not part of the program · not watched`},
	} {
		expect(0, c[1], "explain", c[0])
	}
	out, _ := s.command("explain", "--json", "main.go", "data.txt")
	var all []runner.Explanation
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 2 || all[1].Class != "restart" || !all[1].Watched {
		t.Errorf("have %s, %v", out, err)
	}

	s.save("version.go", "package main\n\nvar version = undefined\n\nfunc boot() {}\n")
	expect(1, `^hotreload: generation 3 is stale:\n(# .*\n)?\S*version.go:3:15: undefined: undefined`, "wait")
	expect(0, `generation 3, stale\n(# .*\n)?\S*version.go:3:15: undefined`, "status")
	s.save("version.go", version("v4", "os.Exit(7)"))
	expect(1, `stale:\nexit code 7`, "wait")
	s.save("version.go", version("v5", ""))
	expect(0, `generation 5, serves`, "wait")
	if have, err := s.get("/"); have != "v5" {
		t.Errorf("after wait the server answers %q, %v", have, err) // not serves: the answer to wait is that it does
	}
	expect(0, `^$`, "stop")
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	expect(1, `no hotreload runs here\nhint: `, "status")
	expect(0, `data.txt → none: not part of the program(.|\n)*no hotreload runs here`, "explain", "data.txt")
	if left, _ := os.ReadDir(filepath.Join(s.runtime(), "hotreload")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A first start that fails again and again is an outcome, too.
func TestWaitForACrashLoop(t *testing.T) {
	t.Parallel()
	s := startControlled(t, newModule(t, map[string]string{"version.go": version("v1", "println(\"no database\"); os.Exit(3)")}), ".", "{addr}")
	s.waitFor(`died before it was ready`)
	if out, code := s.command("wait"); code != 1 || !strings.Contains(out, "exit code 3\n") || !strings.Contains(out, "no database") {
		t.Errorf("exit code %d, %q", code, out)
	}
	if out, code := s.command("status", "--json"); code != 0 || !json.Valid([]byte(out)) {
		t.Errorf("exit code %d, %q", code, out)
	}
}

func TestSeveralHotreloads(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	a, b := startControlled(t, dir, ".", "{addr}"), startControlled(t, dir, ".", "{addr}")
	a.waitFor(`generation 1 serves`)
	b.waitFor(`generation 1 serves`)
	out, code := a.command("status")
	if code != 2 || !strings.Contains(out, "several hotreloads run here:\n") || !strings.Contains(out, "hint: say which: --pid ") {
		t.Errorf("exit code %d, %q", code, out)
	}
	out, code = a.command("status", "--pid", fmt.Sprint(b.cmd.Process.Pid))
	if code != 0 || !strings.Contains(out, fmt.Sprint("pid ", b.pid())) {
		t.Errorf("exit code %d, %q", code, out)
	}
	_ = a.cmd.Process.Signal(syscall.SIGKILL) // its socket does not stand in the way of the other's
	<-a.done
	if out, code = a.command("status"); code != 0 {
		t.Errorf("exit code %d, %q", code, out)
	}
}

// Whatever is said on the control socket, the others do not notice.
func TestGarbageOnTheControlSocket(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	s := startControlled(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	path := filepath.Join(s.runtime(), "hotreload", fmt.Sprint(s.cmd.Process.Pid)+".sock")
	dial := func() net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	var idle []net.Conn // who say nothing, and keep their places
	for range 100 {
		idle = append(idle, dial())
	}
	for _, garbage := range [][]byte{
		{0}, []byte("\r\n\r\n"), []byte("GET /v1/sta"), []byte("POST /v1/stop HTTP/9.9\r\n\r\n"), bytes.Repeat([]byte("x"), 1<<20),
		[]byte("GET /v1/explain?path=relative HTTP/1.1\r\nHost: x\r\n\r\n"), []byte("GET /v1/stop HTTP/1.1\r\nHost: x\r\n\r\n"),
		[]byte("POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"),
	} {
		conn := dial()
		_, _ = conn.Write(garbage)
		_ = conn.(*net.UnixConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if answer, _ := io.ReadAll(conn); bytes.HasPrefix(answer, []byte("HTTP/1.1 2")) {
			t.Errorf("%.40q is answered by %.80q", garbage, answer)
		}
		conn.Close()
	}
	if out, code := s.command("status"); code != 0 {
		t.Errorf("exit code %d, %q", code, out)
	}
	for _, conn := range idle {
		conn.Close()
	}
	s.serves("v1")
}

// Ten clients at once, while it reloads.
func TestManyClients(t *testing.T) {
	t.Parallel()
	s := startControlled(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	var all sync.WaitGroup
	for i := range 10 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 3 {
				if out, code := s.command([]string{"status", "reload", "wait"}[i%3]); code != 0 {
					t.Errorf("exit code %d, %q", code, out)
				}
			}
		}()
	}
	all.Wait()
	s.serves("v1")
}
