//go:build unix

package e2e

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

	"hotreload/cli"
	"hotreload/internal/testplace"
	"hotreload/process"
	"hotreload/runner"
)

// These tests run hotreload like a user: as a process of its own, in a module of its own, whose files are saved while
// clients send requests. They check what a user would notice: answers, lines, exit codes, and what remains afterwards.

// The test binary acts as hotreload if this variable is set.
const beHotreload = "HOTRELOAD_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beHotreload) != "" {
		if rules := os.Getenv(withoutRules); rules != "" {
			runner.TestOnlyWithout(strings.Split(rules, ",")...)
		}
		if code, helper := process.Helper(os.Args); helper {
			os.Exit(code)
		}
		os.Exit(cli.Main(os.Args[1:], os.Environ()))
	}
	if err := os.Chdir(".."); err != nil { // the tests use paths relative to the project's root
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", "4") // sessions wait more than they compute
	}
	os.Exit(m.Run())
}

// withoutRules names the variable with rules for hotreload to leave out.
const withoutRules = "HOTRELOAD_TEST_WITHOUT"

// patience is the limit of every wait for a fact: far above the usual time, even with -race on a busy machine.
const patience = 3 * time.Minute

// server is the program under test. The server binds its own port, like most programs.
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

// version is the file for tests to edit: the server's answer, and its actions before listening.
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
	tty  *os.File // our end of the terminal
	done chan struct{}

	mu   sync.Mutex // guards all below
	news sync.Cond
	out  bytes.Buffer
	read int // end of the output matched by waitFor
}

// notShort skips a test that runs hotreload if -short is given, because these tests take minutes.
func notShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short runs no hotreload")
	}
}

// newModule creates a module with these files. go.mod, main.go and version.go default to version v1 of the server.
func newModule(t *testing.T, files map[string]string) string {
	t.Helper()
	notShort(t)
	dir := testplace.Folder(t)
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

// lastPort is the last port returned by freeAddr.
var lastPort atomic.Int32

// freeAddr returns an address on which no process listens. The port is below the ports chosen by systems for clients,
// so no connection of a concurrent test uses the same.
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

// setup describes another start of hotreload than start's.
type setup struct {
	env      []string
	terminal bool     // stdin, stdout and stderr are a terminal
	stdin    *os.File // without a terminal: stdin,
	stdout   *os.File // and the file for stdout; nil = the session
	stderr   *os.File
	mortal   bool     // permissions apply even if the test runs as root
	through  []string // a command to run hotreload
	as       []string // the command for hotreload; nil = the test binary
	attr     func(*syscall.SysProcAttr)
}

// start runs hotreload in dir. {addr} in args stands for the session's address.
func start(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	return setup{}.start(t, dir, args...)
}

func (u setup) start(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	notShort(t)
	s := &session{t: t, dir: dir, addr: freeAddr(t), done: make(chan struct{})}
	s.news.L = &s.mu
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "{addr}", s.addr)
	}
	if u.as == nil {
		u.as = os.Args[:1]
	}
	command := slices.Concat(u.through, u.as, args)
	if u.terminal && u.through != nil { // a shell, which then gets commands
		command = u.through
	}
	s.cmd = exec.Command(command[0], command[1:]...)
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), beHotreload+"=1", "HOTRELOAD_CACHE="+filepath.Join(dir, "..", "cache"),
		"XDG_STATE_HOME="+filepath.Join(dir, "..", "state"))
	if u.terminal {
		s.cmd.Env = append(s.cmd.Env, "NO_COLOR=1") // so that patterns match
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
	go func() { // ends with hotreload; the cleanup waits for it
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
			stop = syscall.SIGHUP // for a shell
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
			t.Logf("hotreload %v printed:\n%s", args, s.text())
		}
	})
	return s
}

// Write collects the output of hotreload and of the server. A terminal's line ends are converted.
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

// waitFor waits until the output after the previous match matches; waitFor returns the match and its groups.
func (s *session) waitFor(pattern string) []string {
	s.t.Helper()
	return s.waitForWithin(patience, pattern)
}

// waitForAll waits until the output after the previous match matches all patterns, in whatever order, and goes on after
// the last of these matches.
func (s *session) waitForAll(patterns ...string) {
	s.t.Helper()
	from, last := s.read, 0
	for _, pattern := range patterns {
		s.seek(from)
		s.waitFor(pattern)
		last = max(last, s.read)
	}
	s.seek(last)
}

// seek makes waitFor go on at an offset of the output.
func (s *session) seek(read int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = read
}

// waitForWithin is waitFor with another limit.
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

// count returns the number of matches in the whole output.
func (s *session) count(pattern string) int {
	return len(regexp.MustCompile(pattern).FindAllString(s.text(), -1))
}

func (s *session) get(path string) (string, error) { return s.getWithin(path, 5*time.Second) }

func (s *session) getWithin(path string, limit time.Duration) (string, error) {
	client := http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true}}
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

// saveAtOnce saves by rename, like many editors, so that hotreload never reads half a file, even on a busy machine.
func (s *session) saveAtOnce(name, content string) {
	s.t.Helper()
	draft := filepath.Join(s.dir, "..", "draft")
	save(s.t, draft, content)
	if err := os.Rename(draft, filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

// exit waits for hotreload's end and returns the exit code.
func (s *session) exit() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatal("hotreload does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

// gone waits until no process with this pid runs. A zombie counts as gone, because its parent may be any process. The
// process would run for longer than patience by itself.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && bytes.Contains(stat, []byte(") Z ")) {
			return
		}
	}
	t.Errorf("process %d still runs after %v", pid, patience)
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
		t.Error("the new worker found the old one's port in use")
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
	s.waitFor(`version.go → rebuild: the program is identical`)
	s.save("version_test.go", "package main\n")
	s.waitFor(`version_test.go created → none: a test`)
	s.save("other/other.go", "package other\n\nvar X int\n")
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves: version.go`)
	if s.count("generation 3") > 0 || s.count("other.go") > 0 {
		t.Error("a file outside the build had an effect")
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
	gone(t, pid)
	s.serves("v1")
}

func TestSaveEndsACrashLoop(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"version.go": version("v1", "os.Exit(1)")}), "--on-exit", "restart",
		".", "{addr}")
	s.waitFor(`died before it was ready: exit code 1 after .*next try in`)
	s.waitFor(`2 times in a row`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	if n := s.count(`in a row`); n > 2 {
		t.Errorf("the crash loop was reported %d times", n)
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
	code := "package main\n\nimport (\n\"os/exec\"\n\"syscall\"\n)\n\nconst version = \"v1\"\n\nfunc boot() {" + boot +
		"\n}\n"
	dir := newModule(t, map[string]string{"version.go": code})
	s := start(t, dir, ".", "{addr}")
	var grandchild int
	fmt.Sscan(s.waitFor(`grandchild (\d+)`)[1], &grandchild)
	s.serves("v1")
	worker := s.pid()
	_ = s.cmd.Process.Kill()
	<-s.done
	gone(t, worker)
	gone(t, grandchild)
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
		t.Errorf("reported %d times", n)
	}
}

// TestPortInUseByAnotherHotreload: the same program in two terminals. The second one says who has the port, takes no
// connection, and serves when the first one has ended.
func TestPortInUseByAnotherHotreload(t *testing.T) {
	t.Parallel()
	first := start(t, newModule(t, nil), ".", "{addr}")
	first.serves("v1")
	second := start(t, newModule(t, map[string]string{"version.go": version("other", "")}), ".", first.addr)
	second.waitFor(regexp.QuoteMeta(first.addr) + ` is in use by .*\nhint: `)
	for range 20 {
		if have, err := first.get("/"); err != nil || have != "v1" {
			t.Errorf("have %q, %v, want v1", have, err)
		}
	}
	first.signal(syscall.SIGTERM)
	first.exit()
	second.addr = first.addr
	second.serves("other")
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
	gone(t, pid)
}

func TestSecondCtrlCKills(t *testing.T) {
	t.Parallel()
	code := "package main\n\nimport (\n\"os/signal\"\n\"syscall\"\n)\n\nconst version = \"v1\"\n\n" +
		"func boot() { signal.Ignore(syscall.SIGTERM) }\n"
	s := start(t, newModule(t, map[string]string{"version.go": code}), "--grace", "1h", ".", "{addr}")
	s.serves("v1")
	pid := s.pid()
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.waitFor(`stopping: waiting for the worker`)
	time.Sleep(350 * time.Millisecond) // two key presses are at least this far apart
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.exit()
	gone(t, pid)
}

// Code in a replaced module outside the main module causes a rebuild.
func TestReplaceAndNewImports(t *testing.T) {
	t.Parallel()
	root := newModule(t, map[string]string{
		"app/go.mod": "module example.com/app\n\ngo 1.25\n\nrequire example.com/lib v0.0.0\n\n" +
			"replace example.com/lib => ../lib\n",
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
	// A new import adds a folder to watch.
	save(t, filepath.Join(root, "lib/lib.go"), "package lib\n\nimport \"example.com/lib/deep\"\n\n"+
		"const Version = deep.Version\n")
	s.serves("deep v1")
	save(t, filepath.Join(root, "lib/deep/d.go"), "package deep\n\nconst Version = \"deep v2\"\n")
	s.serves("deep v2")
}

func TestBadUsage(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"lib/lib.go": "package lib\n", "cmd/a/main.go": "package main\n\n" +
		"func main() {}\n", "cmd/b/main.go": "package main\n\nfunc main() {}\n"})
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
				t.Errorf("%q is missing in the output", c.says)
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
