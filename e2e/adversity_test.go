//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

// Problems around hotreload produce one sentence and a hint, and break nothing that works.

func TestNoGo(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	for _, args := range [][]string{{"."}, nil} {
		s := setup{env: []string{"PATH=" + t.TempDir()}}.start(t, dir, args...)
		if code := s.exit(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if have := s.text(); !strings.HasPrefix(have, "hotreload: the go command is not in PATH\nhint: install Go") ||
			strings.Count(have, "\n") != 2 {
			t.Errorf("have %q", have)
		}
	}
}

const (
	goodModule   = "module example.com/app\n\ngo 1.25\n"
	brokenModule = "modul example.com/app\n"
)

func TestBrokenModuleFileAtTheStart(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"go.mod": brokenModule}), ".", "{addr}")
	s.waitFor(`build failed .*: waiting for a change\n(.*\n)?go.mod:1: unknown directive: modul\nhint: `)
	s.save("go.mod", goodModule)
	s.serves("v1")
}

func TestBrokenModuleFileWhileRunning(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("go.mod", brokenModule)
	s.waitFor(`build failed .*generation 1, now stale, keeps serving\n(.*\n)?go.mod:1: unknown directive: modul\nhint: `)
	s.serves("v1")
	s.save("version.go", version("v2", "")) // this does not compile yet
	s.save("go.mod", goodModule)
	s.serves("v2")
}

// The watcher ignores a dangling link; the next save shows the meaning of the link for the build.
func TestDanglingSourceFile(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	away, here := filepath.Join(dir, "..", "away.go"), filepath.Join(dir, "extra.go")
	if err := os.Symlink(away, here); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, ".", "{addr}")
	s.waitFor(`build failed .*: waiting for a change\n.*extra.go: no such file`)
	if err := os.Remove(here); err != nil {
		t.Fatal(err)
	}
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.waitFor(`generation 1 serves`)
	if err := os.Symlink(away, here); err != nil {
		t.Fatal(err)
	}
	s.save("version.go", version("v3", ""))
	s.waitFor(`build failed .*now stale, keeps serving\n.*extra.go: no such file`)
	s.serves("v2")
	save(t, away, "package main\n\nfunc init() { println(\"extra\") }\n") // the link's target appears
	s.save("version.go", version("v4", ""))
	s.serves("v4")
}

func TestUnreadableSourceFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" && os.Getuid() == 0 {
		t.Skip("root can read every file, and this test can take that right from hotreload only on Linux")
	}
	dir := newModule(t, nil)
	path := filepath.Join(dir, "version.go")
	s := setup{mortal: true}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	s.save("extra.go", "package main\n")
	s.waitFor(`build failed .*now stale, keeps serving\n.*version.go: permission denied\nhint: `)
	s.serves("v1")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	s.save("extra.go", "package main\n\nfunc init() { println(\"extra\") }\n")
	s.waitFor(`generation 2 serves`)
	s.serves("v1")
}

func TestCacheFolderNotWritable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	save(t, file, "")
	s := setup{env: []string{"HOTRELOAD_CACHE=" + filepath.Join(file, "cache")}}.start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`cannot write to the cache folder: .*\nhint: `)
	s.serves("v1")
	s.save("version.go", version("v2", ""))
	s.serves("v2")

	s = setup{env: []string{"HOTRELOAD_CACHE=" + filepath.Join(file, "cache"),
		"TMPDIR=" + filepath.Join(file, "tmp")}}.start(t, newModule(t, nil), ".", "{addr}")
	if code := s.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if s.count(`(?m)^hotreload: no folder for binaries.*\nhint: `) != 1 {
		t.Error("the message about the missing folder is missing")
	}
}

func TestListenAddressInUse(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket := filepath.Join(t.TempDir(), "s")
	live, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for _, address := range []string{l.Addr().String(), "unix:" + socket} {
		s := start(t, dir, "--listen", address, ".")
		if code := s.exit(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		who := "another program"
		if runtime.GOOS == "linux" {
			who = fmt.Sprintf(`\S+ \(pid %d\)`, os.Getpid())
		}
		if s.count(`^hotreload: `+address+` is in use by `+who+"\nhint: .*\n$") != 1 {
			t.Errorf("the message is %q", s.text())
		}
	}
	if _, err := os.Stat(socket); err != nil {
		t.Error("the live socket's file is gone")
	}
}

func TestStaleSocket(t *testing.T) {
	t.Parallel()
	dir := newModule(t, program("fmt net net/http os", listener))
	socket := filepath.Join(dir, "..", "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	s := start(t, dir, "--listen", "unix:"+socket, ".")
	s.waitFor(`generation 1 serves`)
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
	if answer, _ := io.ReadAll(c); !bytes.HasPrefix(answer, []byte("HTTP/1.0 200")) {
		t.Errorf("have %q", answer)
	}
}

// A program for another architecture: one clear line, and the old generation keeps serving.
func TestBinaryCannotBeExecuted(t *testing.T) {
	t.Parallel()
	arch := "arm64"
	if runtime.GOARCH == arch {
		arch = "amd64"
	}
	dir := newModule(t, map[string]string{"main.go": "package main\n\nfunc main() { println(1) }\n",
		"version.go": "package main\n"})
	s := setup{env: []string{"GOARCH=" + arch, "CGO_ENABLED=0"}}.start(t, dir, ".")
	s.waitFor(`cannot be started: exec format error; waiting for a change\nhint: .*GOARCH`)
	if s.count(dir) > 0 {
		t.Error("the message contains a meaningless path")
	}
	time.Sleep(time.Second) // hotreload may retry, and must not repeat the line
	if n := s.count("cannot be started"); n != 1 {
		t.Errorf("have the line %d times", n)
	}
}

func TestBinaryRemovedByHand(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"data.txt": "old"})
	s := start(t, dir, "-w", filepath.Join(dir, "data.txt"), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	found, err := filepath.Glob(filepath.Join(dir, "..", "cache", "run-*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no binaries: %v", err)
	}
	for _, path := range found {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	s.serves("v1")
	s.save("data.txt", "new") // a restart is not enough: the program must be built again
	s.waitFor(`generation 2 serves`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
}

func TestIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	deaf := func(v string) string {
		return "package main\n\nimport (\n\"os/signal\"\n\"syscall\"\n)\n\nconst version = \"" + v +
			"\"\n\nfunc boot() { signal.Ignore(syscall.SIGTERM) }\n"
	}
	s := start(t, newModule(t, map[string]string{"version.go": deaf("v1")}), "--grace", "400ms", ".", "{addr}")
	s.serves("v1")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", deaf("v2"))
	s.waitFor(`generation 2 serves`)
	s.waitFor(`worker of generation 1 did not exit within 400ms and is killed`)
	s.serves("v2")
	pid := s.pid()
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.waitFor(`worker of generation 2 did not exit within 400ms and is killed`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	gone(t, pid)
}

func TestChildInASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	boot := func(v string) string {
		return "package main\n\nimport (\n\"os/exec\"\n\"syscall\"\n)\n\nconst version = \"" + v + `"

func boot() {
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil { panic(err) }
	println("grandchild", cmd.Process.Pid)
}
`
	}
	s := start(t, newModule(t, map[string]string{"version.go": boot("v1")}), ".", "{addr}")
	var first, second int
	fmt.Sscan(s.waitFor(`grandchild (\d+)`)[1], &first)
	s.serves("v1")
	s.save("version.go", boot("v2"))
	fmt.Sscan(s.waitFor(`grandchild (\d+)`)[1], &second)
	s.serves("v2")
	gone(t, first)
	_ = s.cmd.Process.Signal(os.Interrupt)
	s.exit()
	gone(t, second)
}

// Large output, and output without line ends, is passed on and not kept in memory.
func TestMuchOutput(t *testing.T) {
	t.Parallel()
	const lines = 1 << 30 / 100
	for _, c := range []struct {
		name string
		args []string
		body string
		want int64
	}{
		{"1 GB", nil, fmt.Sprintf(`
			out := bufio.NewWriterSize(os.Stdout, 1<<16)
			line := bytes.Repeat([]byte{'x'}, 100)
			line[99] = '\n'
			for range %d { out.Write(line) }
			out.Flush()
			time.Sleep(time.Hour)`, lines), lines * 100},
		{"10 MB in a line", nil, `
			os.Stdout.Write(bytes.Repeat([]byte{'x'}, 10<<20))
			bufio.NewWriter(os.Stdout).Flush()
			time.Sleep(time.Hour)`, 10 << 20},
		{"10 MB in a line, with prefixes", []string{"--workers", "2", "--listen", "{addr}"}, `
			os.Stdout.Write(bytes.Repeat([]byte{'x'}, 10<<20))
			bufio.NewWriter(os.Stdout).Flush()
			time.Sleep(time.Hour)`, 20 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			var xs atomic.Int64
			go func() { // ends when the last writer has closed the pipe
				buffer := make([]byte, 1<<16)
				for {
					n, err := read.Read(buffer)
					count := n
					if c.args != nil { // prefixes are not counted
						count = bytes.Count(buffer[:n], []byte{'x'})
					}
					xs.Add(int64(count))
					if err != nil {
						return
					}
				}
			}()
			s := setup{stdout: write}.start(t, newModule(t, program("bufio bytes os time", c.body)), append(c.args, ".")...)
			write.Close()
			s.waitFor(`generation 1 is running`)
			s.eventually("all output has arrived", func() bool { return xs.Load() >= c.want })
			if xs.Load() != c.want {
				t.Errorf("%d bytes have arrived, want %d", xs.Load(), c.want)
			}
			if peak := peakMemory(t, s.cmd.Process.Pid); peak > 128<<10 {
				t.Errorf("hotreload used %d kB", peak)
			}
		})
	}
}

// An unreadable folder is reported once, and has no other effect. When it becomes readable, changes in it count.
func TestUnreadableFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" && os.Getuid() == 0 {
		t.Skip("root can read every folder, and this test can take that right from hotreload only on Linux")
	}
	dir := newModule(t, map[string]string{"assets/open.txt": "a", "assets/secret/x.txt": "a"})
	secret := filepath.Join(dir, "assets", "secret")
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(secret, 0o755) })
	s := setup{mortal: true}.start(t, dir, "-w", "assets", ".", "{addr}")
	s.waitFor(`not watched: assets/secret: permission denied`)
	s.waitFor(`generation 1 serves`)
	s.save("assets/open.txt", "b")
	s.waitFor(`generation 2 serves: assets/open.txt → restart`)
	if err := os.Chmod(secret, 0o755); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`generation 3 serves: assets/secret/x.txt → restart`)
	s.save("assets/secret/x.txt", "b")
	s.waitFor(`generation 4 serves: assets/secret/x.txt → restart`)
	if n := s.count("not watched"); n != 1 {
		t.Errorf("the folder was reported %d times", n)
	}
}

// Names that would garble the screen are quoted. Changes of such files count like any other.
func TestNamesThatWouldGarbleTheScreen(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("outside Linux, a file system may refuse names that are not UTF-8")
	}
	dir := newModule(t, map[string]string{"assets/a.txt": "a"})
	s := startControlled(t, dir, "-v", "-w", "assets", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	for i, name := range []string{"two\nlines", "not\xffUTF-8", "clear\x1b[2Jscreen", "right\u202eleft"} {
		s.save(filepath.Join("assets", name), "a")
		said := regexp.QuoteMeta(strconv.Quote(filepath.Join("assets", name)))
		s.waitFor(said + ` created → restart: named by --watch`)
		s.waitFor(fmt.Sprintf(`generation %d serves: %s → restart`, i+2, said))
		if out, code := s.command("explain", filepath.Join("assets", name)); code != 0 ||
			!regexp.MustCompile(`^`+said+` → restart: .* · watched\n$`).MatchString(out) {
			t.Errorf("explain: exit code %d, %q", code, out)
		}
	}
	if text := s.text(); !utf8.ValidString(text) || strings.Contains(text, "\x1b[2J") {
		t.Errorf("the output is %q", text)
	}
}

// If the folder of templates is removed while the program runs, the generation keeps serving. When the folder is back,
// changes in it count again.
func TestTemplateFolderGoesAndComes(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := startControlled(t, dir, ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	before, err := s.get("/")
	if err != nil {
		t.Fatal(err)
	}
	s.knows("templates/page.html")
	if err := os.RemoveAll(filepath.Join(dir, "templates")); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`generation 2 .*generation 1 serves on|generation 2 (.|\n)*now stale`)
	s.serves(before)
	s.save("templates/page.html", "back")
	s.serves("back")
	s.save("templates/page.html", "again")
	s.serves("again")
}
