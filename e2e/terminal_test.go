//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// openTerminal creates a terminal for the session and returns hotreload's end.
func (s *session) openTerminal() (theirs *os.File) {
	s.t.Helper()
	ours, theirs, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	s.tty = ours
	s.resize(24, 100)
	return theirs
}

func (s *session) resize(rows, columns uint16) {
	s.t.Helper()
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		s.t.Fatal(err)
	}
}

// press types keys.
func (s *session) press(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
	ctrlZ = "\x1a"
)

// single reports whether the terminal delivers each key at once without echo, instead of lines.
func (s *session) single() bool {
	s.t.Helper()
	modes, err := unix.IoctlGetTermios(int(s.tty.Fd()), getTermios)
	if err != nil {
		s.t.Fatal(err)
	}
	return modes.Lflag&(unix.ICANON|unix.ECHO) == 0
}

// eventually waits until a fact is true.
func (s *session) eventually(what string, fact func() bool) {
	s.t.Helper()
	eventually(s.t, what, fact)
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// program returns a main.go with these imports and this body.
func program(imports string, body string) map[string]string {
	code := "package main\n\nimport (\n"
	for name := range strings.FieldsSeq(imports) {
		code += fmt.Sprintf("%q\n", name)
	}
	return map[string]string{"main.go": code + ")\n\nfunc main() {\n" + body + "\n}\n", "version.go": "package main\n"}
}

func TestTerminalStaysATerminal(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true}.start(t, newModule(t, program("fmt os os/exec os/signal syscall", `
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		info, _ := f.Stat()
		fmt.Fprintln(f, "a terminal:", info.Mode()&os.ModeCharDevice != 0)
	}
	fmt.Println("\x1b[35mcoloured\x1b[0m")
	for {
		cmd := exec.Command("stty", "size")
		cmd.Stdin = os.Stdout
		size, err := cmd.Output()
		fmt.Printf("size %s%v\n", size, err)
		<-changed
	}`)), ".")
	s.waitFor(`a terminal: true\na terminal: true\n\x1b\[35mcoloured\x1b\[0m\nsize 24 100\n`)
	s.resize(33, 77)
	s.waitFor(`size 33 77\n`)
	if s.count("\r\r") > 0 {
		t.Error("lines have two ends")
	}
}

// noise writes bytes of every kind, and then waits.
const noise = `
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		p := make([]byte, random.IntN(8192))
		for i := range p { p[i] = byte(random.Uint32()) }
		os.Stdout.Write(p)
	}
	os.Stderr.WriteString("written\n")
	time.Sleep(time.Hour)`

func TestOutputThroughAPipeIsExact(t *testing.T) {
	t.Parallel()
	dir := newModule(t, program("math/rand/v2 os time", noise))
	path := filepath.Join(dir, "..", "out")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s := setup{stdout: out}.start(t, dir, ".")
	s.waitFor(`written\n`)
	s.waitFor(`generation 1 is running`)
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := noiseBytes(); !bytes.Equal(have, want) {
		t.Errorf("stdout has %d bytes that differ from the %d that the program wrote", len(have), len(want))
	}
}

func TestOutputInOneFileKeepsItsOrder(t *testing.T) {
	t.Parallel()
	dir := newModule(t, program("fmt os time", `
	for i := range 3000 {
		fmt.Fprintln([]*os.File{os.Stdout, os.Stderr}[i%2], "line", i)
	}
	fmt.Print("half a line")
	time.Sleep(time.Hour)`))
	path := filepath.Join(dir, "..", "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := setup{stdout: log, stderr: log}.start(t, dir, ".")
	var have string
	s.eventually("generation 1 is in the log", func() bool {
		text, _ := os.ReadFile(path)
		have = string(text)
		return strings.Contains(have, "generation 1 is running")
	})
	var want strings.Builder
	want.WriteString("[hotreload] building .\n")
	for i := range 3000 {
		fmt.Fprintln(&want, "line", i)
	}
	want.WriteString("half a line\n[hotreload] generation 1 is running")
	if !strings.HasPrefix(have, want.String()) {
		t.Errorf("lines are in the wrong order, or torn:\n%.2000s\n…\n%s", have, have[max(0, len(have)-300):])
	}
}

// listener takes its socket from hotreload, and writes each line in two pieces.
const listener = `
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil { panic(err) }
	for i := range 300 {
		out := []*os.File{os.Stdout, os.Stderr}[i%2]
		fmt.Fprintf(out, "%d: line %d", os.Getpid(), i)
		fmt.Fprintln(out, " ends")
	}
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) }))`

func TestWorkersHavePrefixes(t *testing.T) {
	t.Parallel()
	dir := newModule(t, program("fmt net net/http os", listener))
	for _, c := range []struct {
		name  string
		setup setup
		line  string
	}{
		{"terminal", setup{terminal: true, env: []string{"TERM=xterm", "NO_COLOR="}},
			`(?m)(?:^|\x1b\[K)(\x1b\[36m\[0\]|\x1b\[35m\[1\])\x1b\[0m \d+: line \d+ ends$`},
		{"pipe", setup{}, `(?m)^\[[01]\] \d+: line \d+ ends$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.setup.start(t, dir, "--listen", "{addr}", "--workers", "2", ".")
			s.waitFor(`generation 1 serves`)
			// A worker can be ready before the last part of its output is shown.
			s.eventually("there are 600 lines", func() bool {
				return s.count(`line \d+`) >= 600 &&
					strings.HasSuffix(s.text(), "\n")
			})
			if have := s.count(c.line); have != 600 {
				t.Errorf("%d whole lines, want 600; torn:", have)
				for line := range strings.Lines(s.text()) {
					if strings.Contains(line, "line") && !regexp.MustCompile(c.line).MatchString(line) {
						t.Errorf("%q", line)
					}
				}
			}
		})
	}
}

func TestQuietAndVerbose(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	s := start(t, dir, "-q", ".", "{addr}")
	s.serves("v1")
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	if s.count(`hotreload\]`) > 0 {
		t.Error("-q prints a line without an error")
	}
	s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() {}\n")
	s.waitFor(`build failed .*\nversion.go:3:17: undefined`)
	s.save("version.go", version("v3", ""))
	s.serves("v3")
	v := start(t, dir, "-v", ".", "{addr}")
	v.waitFor(`example.com/app: \d+ packages, 1 folder watched`)
	v.waitFor(`worker of generation 1 started, pid \d+`)
	v.save("version.go", version("v4", ""))
	v.waitFor(`version.go written → rebuild: compiled into example.com/app`)
}

func TestColors(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	for _, c := range []struct {
		name  string
		setup setup
		args  []string
		want  bool
	}{
		{"pipe", setup{}, nil, false},
		{"terminal", setup{terminal: true, env: []string{"TERM=xterm", "NO_COLOR="}}, nil, true},
		{"dumb terminal", setup{terminal: true, env: []string{"TERM=dumb", "NO_COLOR="}}, nil, false},
		{"NO_COLOR", setup{terminal: true, env: []string{"TERM=xterm", "NO_COLOR=1"}}, nil, false},
		{"never", setup{terminal: true, env: []string{"TERM=xterm", "NO_COLOR="}}, []string{"--color", "never"}, false},
		{"always", setup{env: []string{"NO_COLOR=1"}}, []string{"--color=always"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.setup.start(t, dir, append(c.args, ".", "{addr}")...)
			s.waitFor(`generation 1 serves`)
			if have := colour.MatchString(s.text()); have != c.want {
				t.Errorf("colours: %v, want %v", have, c.want)
			}
		})
	}
}

// chatty prints lines on request.
const chatty = `
	http.HandleFunc("/lines", func(http.ResponseWriter, *http.Request) {
		for i := range 20 { fmt.Println("line", i) }
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "here") })
	http.ListenAndServe(os.Args[1], nil)`

func TestFailureIsSaidAgain(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true}.start(t, newModule(t, program("fmt net/http os", chatty)), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", "package main\n\nvar x = undefined\n")
	failure := `build failed.*now stale, keeps serving.*\n.*version.go:3:9.*: undefined: undefined\n`
	s.waitFor(failure)
	_, _ = s.get("/lines")
	s.waitFor(`line 19\n(.|\n)*` + failure)
	s.save("version.go", "package main\n\nvar x = 1\n")
	s.waitFor(`generation 2 serves|the program is identical`)
	_, _ = s.get("/lines")
	s.waitFor(`line 19\n`)
	s.press("h")
	s.waitFor(`R rebuild`)
	time.Sleep(time.Second) // twice the usual time
	if n := s.count(failure); n != 2 {
		t.Errorf("the failure was printed %d times, want 2", n)
	}
}

// slow returns a -toolexec that delays the compiler until a file is removed.
func slow(t *testing.T, dir string) (flag, brake string) {
	t.Helper()
	brake = filepath.Join(dir, "..", "brake")
	script := filepath.Join(dir, "..", "slow.sh")
	text := fmt.Sprintf("#!/bin/sh\ncase \"$1 $2\" in *-V=full) ;; */compile*) while [ -e %s ]; do sleep 0.05; done ;; "+
		"esac\nexec \"$@\"\n", brake)
	if err := os.WriteFile(script, []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	return "-toolexec=" + script, brake
}

func TestLongBuildCountsSeconds(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{true, false} {
		t.Run(fmt.Sprint("terminal ", terminal), func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, nil)
			flag, brake := slow(t, dir)
			s := setup{terminal: terminal}.start(t, dir, flag, ".", "{addr}")
			s.waitFor(`generation 1 serves`)
			save(t, brake, "")
			// Code that was never compiled before, not even by this test: otherwise go takes it from its cache and runs no
			// compiler to delay.
			s.save("version.go", version(fmt.Sprint("v2 of ", time.Now()), ""))
			if terminal {
				s.waitFor(`building … 1 s`)
				s.waitFor(`\r\x1b\[K.*building … 2 s`)
			} else {
				time.Sleep(1500 * time.Millisecond) // a build that takes longer than one second would be announced
			}
			if err := os.Remove(brake); err != nil {
				t.Fatal(err)
			}
			if terminal {
				s.waitFor(`\r\x1b\[K`)
			}
			s.waitFor(`generation 2 serves: version.go`)
			if !terminal && s.count(`building …`) > 0 {
				t.Error("seconds are counted although the output is a pipe")
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	s := setup{terminal: true}.start(t, dir, "--kill-switch", "disabled.json", ".", "{addr}")
	s.waitFor(`generation 1 serves.*h for keys`)
	s.press("h")
	s.waitFor(`r reload · R rebuild and reload · p pause, resume · d debugger · t tests · c clear · q quit · h help\n`)
	pid := s.pid()
	s.press("r")
	line := s.waitFor(`generation 2 serves.*`)[0]
	if strings.Contains(line, "built") {
		t.Errorf("r builds: %s", line)
	}
	s.serves("v1")
	if s.pid() == pid {
		t.Error("the key r has not replaced the worker")
	}
	s.press("R\n") // with Enter
	s.waitFor(`generation 3 serves.*built in`)
	s.press("p") // the kill switch
	s.waitFor(`everything is disabled: no worker is started; running workers are left alone\r?\n` +
		`hint: press p, or run hotreload enable`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`version.go → rebuild: generation 4 waits: everything is disabled`)
	if now, _ := s.get("/"); now != "v1" {
		t.Errorf("starts are disabled, and %q serves", now)
	}
	s.press("p\n")
	s.waitFor(`starting workers is on again`)
	s.serves("v2")
	s.waitFor(`generation 4 serves`)
	s.press("p")
	s.waitFor(`everything is disabled`)
	s.press("c")
	s.waitFor(`\x1b\[H\x1b\[2J`)
	s.press("x") // not a key of hotreload: nothing happens
	s.press("q")
	s.waitFor(`stopping: waiting for the worker`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d after q", code)
	}
	if s.single() {
		t.Error("the terminal was not restored")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "disabled.json")); err != nil ||
		!strings.Contains(string(text), `"global": false`) {
		t.Errorf("the kill switch contains %s (%v), want the state from before p", text, err)
	}
}

func TestNoKeysWithoutATerminal(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	s := setup{stdin: read}.start(t, newModule(t, nil), ".", "{addr}")
	line := s.waitFor(`generation 1 serves.*`)[0]
	if strings.Contains(line, "h for keys") {
		t.Error("a line about keys is printed")
	}
	fmt.Fprint(write, "q\nq\n")
	s.save("version.go", version("v2", ""))
	s.serves("v2")
}

// However hotreload ends, the terminal has its previous settings.
func TestTerminalIsRestored(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"version.go": "package main\n\nimport (\n\"os/signal\"\n\"syscall\"\n)\n\n" +
		"const version = \"v1\"\n\nfunc boot() { signal.Ignore(syscall.SIGTERM) }\n"})
	signal := func(sig syscall.Signal) func(s *session) {
		return func(s *session) { _ = s.cmd.Process.Signal(sig) }
	}
	for _, c := range []struct {
		name string
		end  func(s *session)
		code int
	}{
		{"q", func(s *session) { s.press("q") }, 0},
		{"Ctrl-D", func(s *session) { s.press(ctrlD) }, 0},
		{"Ctrl-C", func(s *session) { s.press(ctrlC) }, 0},
		{"Ctrl-C twice", func(s *session) {
			s.press(ctrlC)
			s.waitFor(`stopping`)
			time.Sleep(350 * time.Millisecond) // two key presses are at least this far apart
			s.press(ctrlC)
		}, 0},
		{"SIGTERM", signal(syscall.SIGTERM), 0},
		{"SIGQUIT", signal(syscall.SIGQUIT), 0},
		{"SIGABRT", signal(syscall.SIGABRT), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			grace := "300ms"
			if c.name == "Ctrl-C twice" {
				grace = "1h"
			}
			s := setup{terminal: true}.start(t, dir, "--grace", grace, ".", "{addr}")
			s.waitFor(`generation 1 serves`)
			s.eventually("keys are single", s.single)
			c.end(s)
			if code := s.exit(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if s.single() {
				t.Error("the terminal was not restored")
			}
			if c.code == 0 && !strings.HasSuffix(s.text(), "\n") {
				t.Error("the prompt would not begin at the left edge")
			}
		})
	}
}

// A shell with job control: start in the background, come to the foreground, stop, continue in the background and in
// the foreground.
func TestJobControl(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true, through: []string{"sh", "-i"}, env: []string{"PS1=prompt> ", "ENV=", "TERM=dumb"}}.
		start(t, newModule(t, nil))
	s.waitFor(`prompt> `)
	s.press("stty tostop\n") // the user forbids background processes to write
	s.press("stty -tostop\n")
	s.press(fmt.Sprintf("%s . %s &\n", os.Args[0], s.addr))
	s.waitFor(`generation 1 serves`)
	s.press("jobs\n")
	s.waitFor(`(?i)running`)
	s.press("fg\n")
	s.eventually("keys are single", s.single)
	s.press("h")
	s.waitFor(`R rebuild`)
	s.press(ctrlZ)
	s.waitFor(`(?i)stopped`)
	s.press("stty -a\n")
	s.waitFor(`[^-]icanon(.|\n)*[^-]echo `)
	s.press("bg\n")
	s.press("echo still $((40+2))\n")
	s.waitFor(`still 42`)
	s.save("version.go", version("v2", ""))
	s.serves("v2") // the terminal did not stop hotreload
	s.waitFor(`generation 2 serves`)
	s.press("fg\n")
	s.eventually("keys are single", s.single)
	s.press("h")
	s.waitFor(`R rebuild`)
	s.press("q")
	s.waitFor(`stopping(.|\n)*prompt> `)
	s.press("exit\n")
	s.exit()
}

func TestFirstCtrlCNamesForWhomItWaits(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true}.start(t, newModule(t, program("net os os/signal syscall fmt net/http",
		"signal.Ignore(syscall.SIGTERM)\n"+listener)),
		"--workers", "2", "--listen", "{addr}", "--grace", "1h", ".")
	s.waitForAll(`generation 1 serves`, `\[0\] \d+: line 0`, `\[1\] \d+: line 0`) // both ignore SIGTERM now
	s.press(ctrlC)
	groups := s.waitFor(`stopping: waiting for worker 0 \(pid (\d+)\), worker 1 \(pid (\d+)\) · Ctrl-C again kills`)
	s.waitFor(`waiting for 2 workers … 1 s`)
	s.press(ctrlC)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, text := range groups[1:] {
		var pid int
		fmt.Sscan(text, &pid)
		gone(t, pid)
	}
}

func TestSecondSIGTERMDoesNotKill(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, program("fmt os os/signal syscall time", `
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("here")
	<-asked
	fmt.Println("asked")
	time.Sleep(1500 * time.Millisecond) // in this time a second signal would kill the program
	fmt.Println("finished in peace")`)), "--grace", "1m", ".")
	s.waitFor(`generation 1 is running`)
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.waitFor(`asked\n`)
	time.Sleep(350 * time.Millisecond) // as far apart as two key presses
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.waitFor(`finished in peace`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// reader prints its input.
const reader = `
	fmt.Println("reads")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() { fmt.Printf("%s: %q\n", name, lines.Text()) }
	fmt.Println(name, "end of input")
	time.Sleep(time.Hour)`

func readerModule(t *testing.T) string {
	files := program("bufio fmt os time", reader)
	files["version.go"] = "package main\n\nconst name = \"one\"\n"
	return newModule(t, files)
}

func TestStdinPiped(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	s := setup{stdin: read}.start(t, readerModule(t), "--stdin", ".")
	fmt.Fprintln(write, "early") // before there is a worker
	s.waitFor(`one: "early"`)
	s.waitFor(`generation 1 is running`)
	s.save("version.go", "package main\n\nconst name = \"two\"\n")
	s.waitFor(`generation 2 is running`)
	fmt.Fprintln(write, "late")
	s.waitFor(`two: "late"`)
	write.Close()
	s.waitFor(`two end of input`)
}

func TestStdinTyped(t *testing.T) {
	t.Parallel()
	s := setup{terminal: true}.start(t, readerModule(t), "--stdin", ".")
	line := s.waitFor(`generation 1 is running.*`)[0]
	if !strings.Contains(line, "Ctrl-] h for keys") {
		t.Errorf("the line about the prefix is missing: %q", line)
	}
	s.press("q\n")
	s.waitFor(`q\n(.|\n)*one: "q"`) // echoed by the program's terminal
	s.press(ctrlD)
	s.waitFor(`one end of input`)
	s.press(ctrlC) // the program has not taken this key
	s.waitFor(`stopping`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s.single() {
		t.Error("the terminal was not restored")
	}
}

// noiseBytes returns the output of the program noise.
func noiseBytes() []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var all []byte
	for range 1000 {
		p := make([]byte, random.IntN(8192))
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		all = append(all, p...)
	}
	return all
}
