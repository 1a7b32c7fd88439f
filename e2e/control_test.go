//go:build unix

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/runner"
)

// command runs one of hotreload's commands in dir, and returns its output and exit code.
func (s *session) command(args ...string) (string, int) {
	s.t.Helper()
	return runCommand(s.t, s.dir, s.runtime(), args...)
}

// runtime returns the session's own runtime folder.
func (s *session) runtime() string { return runtimeOf(s.t, s.dir) }

// runtimeOf returns a folder with a short name, because socket paths have a limit.
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
		t.Cleanup(func() {
			runtimes.Delete(dir) // the next test may have a folder of the same name
			os.RemoveAll(made)
		})
	}
	return known.(string)
}

func runCommand(t *testing.T, dir, runtime string, args ...string) (string, int) {
	t.Helper()
	return runCommandWith(t, dir, runtime, nil, args...)
}

func runCommandWith(t *testing.T, dir, runtime string, env []string, args ...string) (string, int) {
	t.Helper()
	notShort(t)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), beHotreload+"=1", "NO_COLOR=1", "XDG_RUNTIME_DIR="+runtime,
		"HOTRELOAD_CACHE="+filepath.Join(dir, "..", "cache"), "XDG_STATE_HOME="+filepath.Join(dir, "..", "state"))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// startControlled starts a hotreload that commands can find.
func startControlled(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	return setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, args...)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"data.txt": "a", ".reloadignore": "secret.txt\n",
		"other/other.go": "package other\n",
		"version.go": "package main\n\nimport \"os\"\n\nvar version = func() string { text, _ := " +
			"os.ReadFile(\"data.txt\"); return string(text) }()\n\nfunc boot() {}\n"})
	s := startControlled(t, dir, ".", "{addr}")
	expect := func(code int, says string, args ...string) {
		t.Helper()
		out, have := s.command(args...)
		if have != code || !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("%v: exit code %d, want %d; output %q, want %q", args, have, code, out, says)
		}
	}
	s.waitFor(`building`)
	expect(0, `^example.com/app  generation 1, serves\n +slot 0 +generation 1 +pid \d+ +ready`, "wait")
	s.serves("a")
	expect(0, `^example.com/app  generation 1, serves\n(.*\n)+`+
		`  last build: go build: the program has no build plan yet\n$`, "status")
	expect(0, `generation 2, serves(.|\n)*slot 0 +generation 2 +pid \d+ +ready`, "reload")
	expect(0, `generation 3, serves`, "rebuild", "--timeout", "1m")
	expect(0, `generation \d`, "reload", "--wait=false")
	expect(0, `generation 4, serves`, "wait")
	for _, c := range [][2]string{
		{"main.go", `→ rebuild: compiled into example.com/app · reaches 1 package and 1 worker · watched`},
		{"data.txt", `→ restart: read by the workers at their start · in the folder of example.com/app · ` +
			`reaches 1 worker · watched`},
		{"go.mod", `→ rebuild: part of the module graph · reaches 1 worker · watched`},
		{"main_test.go", `→ none: a test.* · it does not exist · watched`},
		{"secret.txt", `→ none: ignored · by .*\.reloadignore:1: secret.txt`},
		{"other/other.go", `→ none: not part of the program · not watched`},
		{"/etc/hosts", `/etc/hosts → none: not part of the program · not watched`},
	} {
		expect(0, c[1], "explain", c[0])
	}
	out, _ := s.command("explain", "--json", "main.go", "data.txt")
	var all []runner.Explanation
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 2 || all[1].Class != "restart" ||
		!all[1].Watched ||
		!slices.Equal(all[0].Reaches, []string{"example.com/app"}) || !slices.Equal(all[1].Workers, []int{0}) {
		t.Errorf("have %s, %v", out, err)
	}

	s.save("version.go", "package main\n\nvar version = undefined\n\nfunc boot() {}\n")
	expect(1, `^hotreload: generation 4 is stale:\n(# .*\n)?\S*version.go:3:15: undefined: undefined`, "wait")
	expect(0, `generation 4, stale\n(# .*\n)?\S*version.go:3:15: undefined`, "status")
	s.save("version.go", version("v4", "os.Exit(7)"))
	expect(1, `stale:\nexit code 7`, "wait")
	s.save("version.go", version("v5", ""))
	expect(0, `generation 6, serves`, "wait")
	if have, err := s.get("/"); have != "v5" { // not s.serves, because wait has promised this
		t.Errorf("after wait the server answers %q, %v", have, err)
	}
	expect(0, `^$`, "stop")
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	expect(1, `no hotreload runs here\nhint: `, "status")
	expect(0, `data.txt → none: not part of the program(.|\n)*no hotreload runs here`, "explain", "data.txt")
	expect(0, `main.go → rebuild: compiled into example.com/app · reaches 1 package · watched\n`+
		`.*secret.txt → none: ignored · by .*\.reloadignore:1: secret.txt · .*not watched\n`,
		"explain", "main.go", "secret.txt")
	out, _ = s.command("explain", "--json", "main.go")
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || all[0].Class != "rebuild" ||
		!all[0].Watched || len(all[0].Workers) != 0 {
		t.Errorf("without a running hotreload: have %s, %v", out, err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.runtime(), "hotreload")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// A first start that fails again and again is an outcome, too.
func TestWaitForACrashLoop(t *testing.T) {
	t.Parallel()
	code := version("v1", "println(\"no database\"); os.Exit(3)")
	s := startControlled(t, newModule(t, map[string]string{"version.go": code}), ".", "{addr}")
	s.waitFor(`died before it was ready`)
	if out, code := s.command("wait"); code != 1 || !strings.Contains(out, "exit code 3\n") ||
		!strings.Contains(out, "no database") {
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
	if code != 2 || !strings.Contains(out, "several hotreloads run here:\n") ||
		!strings.Contains(out, "hint: choose one: --pid ") {
		t.Errorf("exit code %d, %q", code, out)
	}
	out, code = a.command("status", "--pid", fmt.Sprint(b.cmd.Process.Pid))
	if code != 0 || !strings.Contains(out, fmt.Sprint("pid ", b.pid())) {
		t.Errorf("exit code %d, %q", code, out)
	}
	_ = a.cmd.Process.Signal(syscall.SIGKILL) // its leftover socket must not hide the other one
	<-a.done
	if out, code = a.command("status"); code != 0 {
		t.Errorf("exit code %d, %q", code, out)
	}
}

// Garbage on the control socket does not disturb other clients.
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
	var idle []net.Conn // silent clients that keep their connections
	for range 100 {
		idle = append(idle, dial())
	}
	for _, garbage := range [][]byte{
		{0}, []byte("\r\n\r\n"), []byte("GET /v1/sta"), []byte("POST /v1/stop HTTP/9.9\r\n\r\n"),
		bytes.Repeat([]byte("x"), 1<<20),
		[]byte("GET /v1/explain?path=relative HTTP/1.1\r\nHost: x\r\n\r\n"), []byte("GET /v1/stop HTTP/1.1\r\nHost: x\r\n" +
			"\r\n"),
		[]byte("POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"),
	} {
		conn := dial()
		_, _ = conn.Write(garbage)
		_ = conn.(*net.UnixConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if answer, _ := io.ReadAll(conn); bytes.HasPrefix(answer, []byte("HTTP/1.1 2")) {
			t.Errorf("the answer to %.40q is %.80q", garbage, answer)
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

// Ten clients at the same time, during a reload.
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

// TestEventsAndLogs: events and workers' output, as lines for programs.
func TestEventsAndLogs(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	s := startControlled(t, dir, "--workers", "2", ".", "{addr}")
	s.serves("v1")
	s.expectCommand(0, `serves`, "wait")
	next, wait := s.follow()
	// The stream has begun when it delivers an event; the test repeats the event until then.
	begun := make(chan bool)
	go func() { next("reloaded"); close(begun) }()
	for heard := false; !heard; {
		s.expectCommand(0, `serves`, "reload")
		select {
		case <-begun:
			heard = true
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.save("version.go", version("v2", ""))
	if n := next("changed"); len(n.Files) != 1 || n.Files[0].Class != "rebuild" ||
		!strings.HasSuffix(n.Files[0].Path, "version.go") {
		t.Errorf("have %+v", n)
	}
	if n := next("worker_ready"); n.Worker == nil || n.Worker.Pid == 0 {
		t.Errorf("have %+v", n)
	}
	generation := next("reloaded").Generation
	s.save("version.go", version("v3", "undefined()"))
	if n := next("build_failed"); !strings.Contains(n.Text, "undefined: undefined") || n.Serving != generation {
		t.Errorf("have %+v", n)
	}
	s.expectCommand(0, `(.*listening on .*\n){2}`, "logs")
	s.expectCommand(0, `^\S+ \S+ listening on .*\n$`, "logs", "-n", "1")
	s.expectCommand(0, `"event":"output","worker":{"slot":1,`, "logs", "1", "--json")
	s.expectCommand(2, `no such slot: 2; the service has 2, numbered from 0`, "logs", "2")
	s.expectCommand(2, `no such slot: 9`, "status", "9")
	if out, code := s.command("status", "1"); code != 0 || !strings.Contains(out, "slot 1 ") ||
		strings.Contains(out, "slot 0 ") {
		t.Errorf("exit code %d, %q", code, out)
	}
	s.expectCommand(0, ``, "stop")
	next("stopping")
	if err := wait(); err != nil {
		t.Errorf("at the end of hotreload, events ends with %v", err)
	}
}

func TestConnectionsCommand(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("hotreload can list connections on Linux only")
	}
	s := startControlled(t, newModule(t, nil), ".", "{addr}")
	s.serves("v1")
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	s.expectCommand(0, `SERVICE(.|\n)*-  +0 +1 +\d+ +`+regexp.QuoteMeta(s.addr)+` +`+
		regexp.QuoteMeta(conn.LocalAddr().String())+` +established`, "connections")
	s.expectCommand(0, `"remote": "`+regexp.QuoteMeta(conn.LocalAddr().String())+`"`, "connections", "0", "--json")
}

// TestControlOverTCP: with a token a client can do everything, without it almost nothing; refusals are printed.
func TestControlOverTCP(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	token := filepath.Join(dir, "..", "token")
	s := startControlled(t, dir, "--control", "0", "--control-token", token, ".", "{addr}")
	at := s.waitFor(`commands at (\S+), with the token in (\S+)`)
	if !strings.HasPrefix(at[1], "127.0.0.1:") || at[2] != filepath.Clean(token) {
		t.Errorf("have %q", at)
	}
	s.serves("v1")
	s.expectCommand(0, `generation 1, serves`, "wait", "--at", at[1], "--token-file", token)
	s.expectCommand(0, `generation 2, serves`, "reload", "--at", at[1], "--token-file", token)
	other := filepath.Join(dir, "..", "other")
	text, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	save(t, other, strings.Repeat("0", len(text)-1))
	s.expectCommand(1, `must be your own file, readable by nobody else`, "reload", "--at", at[1], "--token-file", other)
	if err := os.Chmod(other, 0o600); err != nil {
		t.Fatal(err)
	}
	s.expectCommand(0, `^service  generation 2, idle, 1 of 1 worker ready\nmore is shown with --token-file\n$`, "status",
		"--at", at[1], "--token-file", other)
	s.expectCommand(1, `denied: wrong token\nhint: `, "reload", "--at", at[1], "--token-file", other)
	s.waitFor(`a command from 127.0.0.1:\d+ was denied: wrong token`)
	for path, want := range map[string]int{"/v1/status": 401, "/v1/info": 401, "/v1/events": 401, "/v1/public": 200} {
		response, err := http.Get("http://" + at[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want || want == 200 && !strings.Contains(string(body), `"serving":2`) ||
			strings.Contains(string(body), "pid") {
			t.Errorf("%s without a token: %s %s", path, response.Status, body)
		}
	}
	s.waitFor(`a command from 127.0.0.1:\d+ was denied: no token`)
	for _, name := range []string{"cmdline", "environ"} {
		seen, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name))
		if err == nil && strings.Contains(string(seen), strings.TrimSpace(string(text))) {
			t.Errorf("%s contains the token", name)
		}
	}
	s.expectCommand(0, ``, "stop", "--at", at[1], "--token-file", token)
}

// TestAbusedControlSocket: whatever clients do, others get answers, and no memory accumulates.
func TestAbusedControlSocket(t *testing.T) {
	t.Parallel()
	s := startControlled(t, newModule(t, nil), "--build=link", ".", "{addr}") // patches need memory, too
	s.serves("v1")
	path := filepath.Join(s.runtime(), "hotreload", fmt.Sprint(s.cmd.Process.Pid)+".sock")
	dial := func() net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	said := func(conn net.Conn) string {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		text, _ := io.ReadAll(conn)
		return string(text)
	}
	conn := dial()
	fmt.Fprint(conn, "\x00\x01garbage\r\n\r\n")
	if text := said(conn); !strings.Contains(text, "400 Bad Request") {
		t.Errorf("the answer to garbage is %q", text)
	}
	conn = dial()
	fmt.Fprint(conn, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n")
	for range 1 << 10 { // up to a gigabyte
		if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
			break
		}
	}
	conn.Close()
	conn = dial()
	for range 1000 {
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nX: %s\r\n", strings.Repeat("x", 100_000)); err != nil {
			break // an endless header
		}
	}
	conn.Close()
	for range 10 { // half a request, without the rest
		conn := dial()
		defer conn.Close()
		fmt.Fprint(conn, "GET /v1/sta")
	}
	// A thousand silent clients, and ten busy ones.
	for range 1000 {
		defer dial().Close()
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 20 {
				client := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
					DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
				response, err := client.Get("http://hotreload/v1/status")
				if err != nil {
					t.Error(err)
					return
				}
				if response.StatusCode != 200 {
					t.Error(response.Status)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
	all.Wait()
	// A gigabyte was sent. With -race the process needs several times as much memory.
	if now := residentKB(s.cmd.Process.Pid); now > 256<<10 {
		t.Errorf("hotreload has grown to %d KB", now)
	}
	s.expectCommand(0, `generation \d+, serves`, "wait")
	if files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid)); err == nil && len(files) > 300 {
		t.Errorf("hotreload has %d open files", len(files))
	}
}

// residentKB returns the memory of a process; 0 if the system does not tell.
func residentKB(pid int) (kb int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			return kb
		}
	}
	return 0
}
