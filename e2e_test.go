//go:build unix

package main

import (
	"bytes"
	"flag"
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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// These tests run hotreload as a user does: a process of its own, in a module of its own, whose files are saved while
// clients ask the server. They look at what a user would notice: answers, lines, exit codes, what is left behind.

// The test binary is hotreload when this is in its environment.
const beHotreload = "HOTRELOAD_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beHotreload) != "" {
		main()
	}
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", "4") // sessions wait more than they compute
	}
	os.Exit(m.Run())
}

// patience is the limit of every wait for a fact: far above what it takes, also with -race on a busy machine.
const patience = 60 * time.Second

// server is the program under test: it binds its own port, as most do.
const server = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	boot()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	http.HandleFunc("/crash", func(w http.ResponseWriter, r *http.Request) { os.Exit(3) })
	log.Println("listening on", os.Args[1])
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// version is the file that tests edit: what the server answers, and what it does before it listens.
func version(v, boot string) string {
	imports := ""
	for _, name := range []string{"os", "time"} {
		if strings.Contains(boot, name+".") {
			imports += fmt.Sprintf("import %q\n", name)
		}
	}
	return fmt.Sprintf("package main\n\n%s\nconst version = %q\n\nfunc boot() { %s }\n", imports, v, boot)
}

// session is a running hotreload.
type session struct {
	t    *testing.T
	dir  string
	addr string
	cmd  *exec.Cmd
	tty  *os.File // our end of its terminal
	done chan struct{}

	mu   sync.Mutex // guards all below
	news sync.Cond
	out  bytes.Buffer
	read int // how far waitFor has come
}

// newModule makes a module with these files, and version v1 of the server unless they hold another.
func newModule(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"go.mod":     "module example.com/app\n\ngo 1.25\n",
		"main.go":    server,
		"version.go": version("v1", ""),
	}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		save(t, filepath.Join(dir, name), content)
	}
	return dir
}

func save(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// lastPort is the last one that freeAddr gave away.
var lastPort atomic.Int32

// freeAddr finds an address that nobody listens on. It is below the ports that systems give to callers, so that no
// connection of a test that runs beside takes it.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := 10_000 + (os.Getpid()*37+int(lastPort.Add(1)))%20_000
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// setup is how hotreload is started where it is not as start does it.
type setup struct {
	env      []string
	terminal bool     // stdin, stdout and stderr are a terminal of its own
	stdin    *os.File // else: what it reads,
	stdout   *os.File // and where stdout goes, if not to the session
	stderr   *os.File
	mortal   bool     // though we may be root, files can be closed to it
	through  []string // the command that runs it
	attr     func(*syscall.SysProcAttr)
}

// start runs hotreload in dir. {addr} in args is an address of the session's own.
func start(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	return setup{}.start(t, dir, args...)
}

func (u setup) start(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	s := &session{t: t, dir: dir, addr: freeAddr(t), done: make(chan struct{})}
	s.news.L = &s.mu
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "{addr}", s.addr)
	}
	command := append(append(slices.Clone(u.through), os.Args[0]), args...)
	if u.terminal && u.through != nil { // a shell: it is told what to run
		command = u.through
	}
	s.cmd = exec.Command(command[0], command[1:]...)
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), beHotreload+"=1", "HOTRELOAD_CACHE="+filepath.Join(dir, "..", "cache"))
	if u.terminal {
		s.cmd.Env = append(s.cmd.Env, "NO_COLOR=1") // so that lines are found
	}
	s.cmd.Env = append(s.cmd.Env, u.env...)
	s.cmd.WaitDelay = time.Second
	s.cmd.SysProcAttr = &syscall.SysProcAttr{}
	shown := make(chan struct{})
	if u.terminal {
		theirs := s.openTerminal()
		s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = theirs, theirs, theirs
		s.cmd.SysProcAttr.Setsid, s.cmd.SysProcAttr.Setctty = true, true
		defer theirs.Close()
		go func() { // ends when the last process has closed the terminal
			defer close(shown)
			_, _ = io.Copy(s, s.tty)
		}()
	} else {
		close(shown)
		s.cmd.Stdout, s.cmd.Stderr = s, s
		if u.stdin != nil {
			s.cmd.Stdin = u.stdin
		}
		if u.stdout != nil {
			s.cmd.Stdout = u.stdout
		}
		if u.stderr != nil {
			s.cmd.Stderr = u.stderr
		}
	}
	if u.attr != nil {
		u.attr(s.cmd.SysProcAttr)
	}
	begin := s.cmd.Start
	if u.mortal {
		begin = func() error { return asMortal(s.cmd.Start) }
	}
	if err := begin(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with hotreload; the clean-up waits for it
		_ = s.cmd.Wait()
		<-shown
		close(s.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.news.Broadcast()
	}()
	t.Cleanup(func() {
		stop := syscall.SIGTERM
		if u.terminal && u.through != nil {
			stop = syscall.SIGHUP // a shell
		}
		_ = s.cmd.Process.Signal(stop)
		select {
		case <-s.done:
		case <-time.After(15 * time.Second):
			t.Errorf("hotreload does not stop")
			_ = s.cmd.Process.Kill()
			<-s.done
		}
		if s.tty != nil {
			s.tty.Close()
		}
		if t.Failed() {
			t.Logf("hotreload %v said:\n%s", args, s.text())
		}
	})
	return s
}

// Write takes hotreload's output, its own lines and the server's. Of a terminal, lines end as everywhere else.
func (s *session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news.Broadcast()
	for _, b := range p {
		if s.tty != nil && b == '\n' && bytes.HasSuffix(s.out.Bytes()[s.read:], []byte{'\r'}) {
			s.out.Truncate(s.out.Len() - 1)
		}
		s.out.WriteByte(b)
	}
	return len(p), nil
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// waitFor waits until the output, from where the last call ended, matches; it returns the match and its groups.
func (s *session) waitFor(pattern string) []string {
	s.t.Helper()
	return s.waitForWithin(patience, pattern)
}

// waitForWithin is waitFor with a limit of its own.
func (s *session) waitForWithin(limit time.Duration, pattern string) []string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	alarm := time.AfterFunc(limit, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.news.Broadcast()
	})
	defer alarm.Stop()
	deadline := time.Now().Add(limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		rest := s.out.Bytes()[s.read:]
		if at := re.FindSubmatchIndex(rest); at != nil {
			var groups []string
			for i := 0; i < len(at); i += 2 {
				group := ""
				if at[i] >= 0 {
					group = string(rest[at[i]:at[i+1]])
				}
				groups = append(groups, group)
			}
			s.read += at[1]
			return groups
		}
		if time.Now().After(deadline) || s.ended() {
			s.t.Fatalf("no line like %q", pattern)
		}
		s.news.Wait()
	}
}

func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// count tells how often the whole output matches.
func (s *session) count(pattern string) int {
	return len(regexp.MustCompile(pattern).FindAllString(s.text(), -1))
}

func (s *session) get(path string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.addr + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// serves waits until the server answers with want.
func (s *session) serves(want string) {
	s.t.Helper()
	var have string
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end) && !s.ended(); time.Sleep(2 * time.Millisecond) {
		if have, err = s.get("/"); err == nil && have == want {
			return
		}
	}
	s.t.Fatalf("the server answers %q (%v), want %q", have, err, want)
}

func (s *session) pid() int {
	s.t.Helper()
	text, err := s.get("/pid")
	if err != nil {
		s.t.Fatal(err)
	}
	var pid int
	fmt.Sscan(text, &pid)
	return pid
}

func (s *session) save(name, content string) {
	s.t.Helper()
	save(s.t, filepath.Join(s.dir, name), content)
}

// exit waits for the end and returns the exit code.
func (s *session) exit() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatal("hotreload does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

// gone waits until no process with this pid runs. A zombie is gone: who should reap it is not ours to say.
func gone(t *testing.T, pid int, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && bytes.Contains(stat, []byte(") Z ")) {
			return
		}
	}
	t.Errorf("process %d is still there after %v", pid, within)
}

func TestSaveIsServed(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.serves("v1")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.waitFor(`generation 2 serves: version.go → rebuild`)
	if s.count("address already in use") > 0 {
		t.Error("the new worker met the old one's port")
	}
}

func TestWhatChangesNothingReplacesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"other/other.go": "package other\n"}), "-v", ".", "{addr}")
	s.serves("v1")
	s.waitFor(`generation 1 serves`)
	pid := s.pid()
	s.save("version.go", version("v1", "")) // the same content
	s.save("version.go", version("v1", "")+"\n// a comment at the end moves no line\n")
	s.waitFor(`version.go → rebuild: the program is the same`)
	s.save("version_test.go", "package main\n")
	s.waitFor(`version_test.go created → none: a test`)
	s.save("other/other.go", "package other\n\nvar X int\n")
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves: version.go`)
	if s.count("generation 3") > 0 || s.count("other.go") > 0 {
		t.Error("a file outside the build was acted on")
	}
	if s.pid() == pid {
		t.Error("the worker was not replaced")
	}
}

func TestCompileErrorKeepsTheOldOneServing(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	pid := s.pid()
	s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() {}\n")
	s.waitFor(`build failed .*generation 1, now stale, keeps serving\nversion.go:3:17: undefined: undefined`)
	if now := s.pid(); now != pid {
		t.Errorf("the worker changed from %d to %d", pid, now)
	}
	s.save("version.go", version("v2", ""))
	s.serves("v2")
}

func TestFirstBuildFails(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"version.go": "package main\n\nfunc boot() {\n"}), ".", "{addr}")
	s.waitFor(`build failed .*: waiting for a change\nversion.go:\d+:\d+: `)
	s.save("version.go", version("v1", ""))
	s.serves("v1")
}

func TestCrashAtTheStartHurtsNobody(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	pid := s.pid()
	s.save("version.go", version("v2", "os.Exit(7)"))
	s.waitFor(`generation 2 died before it was ready: exit code 7 after .*: generation 1, now stale, serves`)
	if now := s.pid(); now != pid {
		t.Errorf("the worker changed from %d to %d", pid, now)
	}
	s.save("version.go", version("v3", ""))
	s.serves("v3")
	s.waitFor(`generation 3 serves`)
}

func TestCrashAtTheStartBringsTheOldOneBack(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), "--no-agent", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", "os.Exit(7)"))
	s.waitFor(`generation 2 died before it was ready: exit code 7 after .*: generation 1, now stale, serves`)
	s.waitFor(`generation 1 is back`)
	s.serves("v1")
	s.save("version.go", version("v3", ""))
	s.serves("v3")
	s.waitFor(`generation 3 serves`)
}

func TestCrashComesBack(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	pid := s.pid()
	_, _ = s.get("/crash")
	s.waitFor(`died: exit code 3 after`)
	gone(t, pid, patience)
	s.serves("v1")
}

func TestSaveEndsACrashLoop(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"version.go": version("v1", "os.Exit(1)")}), ".", "{addr}")
	s.waitFor(`died before it was ready: exit code 1 after .*next try in`)
	s.waitFor(`2 times in a row`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	if n := s.count(`in a row`); n > 2 {
		t.Errorf("the crash loop was told %d times", n)
	}
}

func TestHangBeforeReady(t *testing.T) {
	t.Parallel()
	for _, agent := range []bool{true, false} {
		t.Run(fmt.Sprintf("agent %v", agent), func(t *testing.T) {
			t.Parallel()
			s := start(t, newModule(t, nil), "--start-timeout", "1500ms", fmt.Sprintf("--no-agent=%v", !agent), ".", "{addr}")
			s.serves("v1")
			s.waitFor(`generation 1 serves`)
			s.save("version.go", version("v2", "time.Sleep(time.Hour)"))
			s.waitFor(`generation 2 not ready after 1.5s.*generation 1, now stale, serves`)
			if !agent {
				s.waitFor(`generation 1 is back`)
			}
			s.serves("v1")
			s.save("version.go", version("v3", ""))
			s.serves("v3")
		})
	}
}

func TestTwoHundredSaves(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.serves("v1")
	tick := time.NewTicker(20 * time.Millisecond) // the pace of the scenario, not a wait
	defer tick.Stop()
	for i := range 200 {
		<-tick.C
		s.save("version.go", version(fmt.Sprint("save ", i+1), ""))
	}
	s.serves("save 200")
	s.waitFor(`generation \d+ serves`)
	s.serves("save 200")
}

func TestBranchSwitch(t *testing.T) {
	t.Parallel()
	branch := func(name string) map[string]string {
		files := map[string]string{"version.go": version(name, "")}
		imports := ""
		for p := range 20 {
			for f := range 100 {
				files[fmt.Sprintf("p%d/f%d.go", p, f)] = fmt.Sprintf("package p%d\n\n// %s\nconst C%d = %q\n", p, name, f, name)
			}
			imports += fmt.Sprintf("import _ \"example.com/app/p%d\"\n", p)
		}
		files["imports.go"] = "package main\n\n" + imports
		return files
	}
	dir := newModule(t, branch("main"))
	s := start(t, dir, ".", "{addr}")
	s.serves("main")
	s.waitFor(`generation 1 serves`)
	for name, content := range branch("feature") {
		save(t, filepath.Join(dir, name), content)
	}
	s.serves("feature")
	s.waitFor(`generation \d+ serves`)
}

func TestKill9LeavesNothing(t *testing.T) {
	t.Parallel()
	boot := `
		cmd := exec.Command("sleep", "600")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil { panic(err) }
		println("grandchild", cmd.Process.Pid)`
	code := "package main\n\nimport (\n\"os/exec\"\n\"syscall\"\n)\n\nconst version = \"v1\"\n\nfunc boot() {" + boot + "\n}\n"
	dir := newModule(t, map[string]string{"version.go": code})
	s := start(t, dir, ".", "{addr}")
	var grandchild int
	fmt.Sscan(s.waitFor(`grandchild (\d+)`)[1], &grandchild)
	s.serves("v1")
	worker := s.pid()
	_ = s.cmd.Process.Kill()
	<-s.done
	gone(t, worker, time.Second)
	gone(t, grandchild, time.Second)
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
	again := start(t, dir, ".", "{addr}")
	again.serves("v1")
}

func TestPortInUseByAnotherProgram(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := start(t, dir, ".", l.Addr().String())
	s.waitFor(fmt.Sprintf(`%s is in use by \S+ \(pid %d\)`, l.Addr(), os.Getpid()))
	s.waitFor(`hint: `)
	l.Close()
	s.addr = l.Addr().String()
	s.serves("v1")
	if n := s.count("is in use by"); n > 2 {
		t.Errorf("told %d times", n)
	}
}

func TestCtrlC(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.serves("v1")
	pid := s.pid()
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.waitFor(fmt.Sprintf(`stopping: waiting for the worker \(pid %d\)`, pid))
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	gone(t, pid, time.Second)
}

func TestSecondCtrlCKills(t *testing.T) {
	t.Parallel()
	code := "package main\n\nimport (\n\"os/signal\"\n\"syscall\"\n)\n\nconst version = \"v1\"\n\nfunc boot() { signal.Ignore(syscall.SIGTERM) }\n"
	s := start(t, newModule(t, map[string]string{"version.go": code}), "--grace", "1h", ".", "{addr}")
	s.serves("v1")
	pid := s.pid()
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.waitFor(`stopping: waiting for the worker`)
	time.Sleep(350 * time.Millisecond) // two presses of one key are at least this far apart
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.exit()
	gone(t, pid, time.Second)
}

// Code outside the main module counts as the code that it is.
func TestReplaceAndNewImports(t *testing.T) {
	t.Parallel()
	root := newModule(t, map[string]string{
		"app/go.mod":     "module example.com/app\n\ngo 1.25\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n",
		"app/main.go":    server,
		"app/version.go": "package main\n\nimport \"example.com/lib\"\n\nvar version = lib.Version\n\nfunc boot() {}\n",
		"lib/go.mod":     "module example.com/lib\n\ngo 1.25\n",
		"lib/lib.go":     "package lib\n\nconst Version = \"v1\"\n",
		"lib/deep/d.go":  "package deep\n\nconst Version = \"deep v1\"\n",
	})
	s := start(t, filepath.Join(root, "app"), "-v", ".", "{addr}")
	s.serves("v1")
	save(t, filepath.Join(root, "lib/lib.go"), "package lib\n\nconst Version = \"v2\"\n")
	s.serves("v2")
	// A new import brings a new folder.
	save(t, filepath.Join(root, "lib/lib.go"), "package lib\n\nimport \"example.com/lib/deep\"\n\nconst Version = deep.Version\n")
	s.serves("deep v1")
	save(t, filepath.Join(root, "lib/deep/d.go"), "package deep\n\nconst Version = \"deep v2\"\n")
	s.serves("deep v2")
}

func TestBadUsage(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"lib/lib.go": "package lib\n", "cmd/a/main.go": "package main\n\nfunc main() {}\n", "cmd/b/main.go": "package main\n\nfunc main() {}\n"})
	os.Remove(filepath.Join(dir, "main.go"))
	os.Remove(filepath.Join(dir, "version.go"))
	nowhere := t.TempDir()
	file := filepath.Join(nowhere, "file")
	save(t, file, "")
	cases := []struct {
		name string
		dir  string
		args []string
		code int
		says string
	}{
		{"no such package", dir, []string{"./nothing"}, 2, `nothing`},
		{"not main", dir, []string{"./lib"}, 2, `not (a )?main`},
		{"several", dir, nil, 2, `several main packages(.|\n)*\./cmd/a\n(.|\n)*\./cmd/b\nhint: name one`},
		{"no module", nowhere, []string{"."}, 2, `no Go module`},
		{"unknown flag", dir, []string{"--lisen", ":1", "./cmd/a"}, 2, `lisen`},
		{"bad address", dir, []string{"--listen", "here", "./cmd/a"}, 2, `"here"`},
		{"bad port", dir, []string{"--listen", ":99999", "./cmd/a"}, 2, `port`},
		{"no value", dir, []string{"--listen"}, 2, `needs a value`},
		{"bad duration", dir, []string{"--grace", "5", "./cmd/a"}, 2, `grace`},
		{"bad strategy", dir, []string{"--strategy", "magic", "./cmd/a"}, 2, `magic`},
		{"bad ready", dir, []string{"--ready", "maybe", "./cmd/a"}, 2, `maybe`},
		{"bad signal", dir, []string{"--stop-signal", "KILLALL", "./cmd/a"}, 2, `KILLALL`},
		{"no workers", dir, []string{"--workers", "0", "./cmd/a"}, 2, `at least one`},
		{"workers without sockets", dir, []string{"--workers", "2", "--no-agent", "./cmd/a"}, 2, `--listen`},
		{"-o", dir, []string{"-o", "x", "./cmd/a"}, 2, `-o`},
		{"watch nothing", dir, []string{"--watch", "nothing", "./cmd/a"}, 2, `no such file`},
		{"a regular file for a socket", dir, []string{"--listen", "unix:" + file, "./cmd/a"}, 1, `not a socket`},
		{"long path", dir, []string{"--listen", "unix:/tmp/" + strings.Repeat("x", 200), "./cmd/a"}, 2, `bytes`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.dir, c.args...)
			if code := s.exit(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !regexp.MustCompile(c.says).MatchString(s.text()) {
				t.Errorf("it does not say %q", c.says)
			}
			if s.count(`(?m)^hint: `) != 1 {
				t.Errorf("want one hint")
			}
			if t.Failed() {
				t.Log(s.text())
			}
		})
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the regular file is gone: %v", err)
	}
}
