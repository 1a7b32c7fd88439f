//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"hotreload/bench/load"
)

// program is the program for the measurements.
type program struct {
	dir, pkg, file, find, url string
	args                      []string // {addr} stands for the address to listen on, {data} for a writable folder

	own   bool   // the tools' own settings are those of the program: .air.toml, and what hotreload makes of it
	fixed string // the address in the program's Go files: each copy has its own in place
}

// contender is one way from a save to new code.
type contender struct {
	name   string
	binary string                                           // must be on PATH; "": no search is needed
	start  func(c *contender, p program) (*exec.Cmd, error) // nil: build is measured alone
	build  []string

	tree  string
	addr  string
	args  []string
	cmd   *exec.Cmd
	out   syncBuffer
	times []time.Duration

	requests, failed int // of the steady client, in rounds in which the new code came to serve
	unserved         int // rounds with -own in which it did not
}

// contenders lists what is measured. The other tools' settings follow their README for `go build && run`.
func contenders(hotreload string) []*contender {
	return []*contender{
		{name: "go build", build: []string{"go", "build", "-o", "{bin}"}},
		{name: "go build -w", build: []string{"go", "build", "-buildvcs=false", "-ldflags=-w", "-o", "{bin}"}},
		{name: "hotreload", start: func(c *contender, p program) (*exec.Cmd, error) {
			if p.own { // as a user comes from air: hotreload.toml is made of .air.toml
				made := exec.Command(hotreload, "init", "--write")
				made.Dir = c.tree
				out, err := made.CombinedOutput()
				if err != nil {
					return nil, fmt.Errorf("hotreload init --write: %w\n%s", err, out)
				}
				return exec.Command(hotreload), nil
			}
			return exec.Command(hotreload, append([]string{p.pkg}, c.args...)...), nil
		}},
		{name: "air", binary: "air", start: func(c *contender, p program) (*exec.Cmd, error) {
			if p.own {
				return exec.Command("air"), nil
			}
			config := fmt.Sprintf(
				"root = \".\"\ntmp_dir = \"tmp\"\n[build]\ncmd = %q\nentrypoint = [\"./tmp/main\"]\nargs_bin = [%s]\n",
				"go build -o ./tmp/main "+p.pkg, quoted(c.args))
			return exec.Command("air", "-c", ".air.toml"), os.WriteFile(filepath.Join(c.tree, ".air.toml"),
				[]byte(config), 0o666)
		}},
		{name: "wgo", binary: "wgo", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command("wgo", append([]string{"run", p.pkg}, c.args...)...), nil
		}},
		{name: "reflex", binary: "reflex", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command("reflex", "-s", "-r", `\.go$`, "--", "sh", "-c", shell(c, p)), nil
		}},
		{name: "modd", binary: "modd", start: func(c *contender, p program) (*exec.Cmd, error) {
			config := fmt.Sprintf(
				"**/*.go {\n  prep: go build -o ./tmp-main %s\n  daemon +sigterm: ./tmp-main %s\n}\n", p.pkg,
				strings.Join(c.args, " "))
			return exec.Command("modd"), os.WriteFile(filepath.Join(c.tree, "modd.conf"), []byte(config), 0o666)
		}},
		{name: "watchexec", binary: "watchexec", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command("watchexec", "-r", "-e", "go", "--", "sh", "-c", shell(c, p)), nil
		}},
	}
}

func shell(c *contender, p program) string {
	return "go build -o ./tmp-main " + p.pkg + " && exec ./tmp-main " + strings.Join(c.args, " ")
}

func quoted(args []string) string {
	var all []string
	for _, a := range args {
		all = append(all, fmt.Sprintf("%q", a))
	}
	return strings.Join(all, ", ")
}

// prepare copies the tree, starts the tool, and waits until the program answers.
func (c *contender) prepare(ctx context.Context, p program, tree string) error {
	c.tree = tree
	if err := copyTree(p.dir, tree); err != nil {
		return err
	}
	if mod := filepath.Join(tree, "go.mod"); missing(mod) {
		if err := os.WriteFile(mod, []byte("module example.com/program\n\ngo 1.25\n"), 0o666); err != nil {
			return err
		}
	}
	for i, word := range c.build {
		c.build[i] = strings.ReplaceAll(word, "{bin}", filepath.Join(tree, "tmp-main"))
	}
	if c.start == nil {
		_, err := c.runBuild(ctx, p)
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.addr = l.Addr().String()
	l.Close()
	for _, arg := range p.args {
		c.args = append(c.args, strings.NewReplacer("{addr}", c.addr, "{data}", tree+"-data").Replace(arg))
	}
	if err := moveTo(c.addr, p.fixed, tree); err != nil {
		return err
	}
	if c.cmd, err = c.start(c, p); err != nil {
		return err
	}
	c.cmd.Dir = tree
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Second
	if err := c.cmd.Start(); err != nil {
		return err
	}
	if err := c.await(ctx, p, p.find, 5*time.Minute); err != nil {
		return fmt.Errorf("%w\n%s", err, c.log())
	}
	return nil
}

// moveTo puts an address in the place of the fixed one in the Go files of a tree.
func moveTo(addr, fixed, tree string) error {
	if fixed == "" {
		return nil
	}
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		moved := bytes.ReplaceAll(source, []byte(fmt.Sprintf("%q", fixed)), []byte(fmt.Sprintf("%q", addr)))
		if bytes.Equal(source, moved) {
			return nil
		}
		return os.WriteFile(path, moved, 0o666)
	})
}

// replaceIn returns the file's content with now in place of old.
func (c *contender) replaceIn(file, old, now string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(c.tree, file))
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(source, []byte(old)) {
		return nil, fmt.Errorf("%s does not hold %q", file, old)
	}
	return bytes.ReplaceAll(source, []byte(old), []byte(now)), nil
}

// measure saves the file and waits for the result: an answer that contains text.
func (c *contender) measure(ctx context.Context, p program, file string, content []byte,
	text string) (time.Duration, error) {
	began := time.Now()
	if err := os.WriteFile(filepath.Join(c.tree, file), content, 0o666); err != nil {
		return 0, err
	}
	if c.start == nil {
		return c.runBuild(ctx, p)
	}
	limit := time.Minute
	if p.own {
		limit = 30 * time.Second
	}
	if err := c.await(ctx, p, text, limit); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// steadily does something while a client sends one request after the other, each on its own connection, and counts
// those without a right answer.
func (c *contender) steadily(ctx context.Context, p program, do func() error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reports := make(chan load.Report)
	go func() { // ends with stop
		reports <- load.Run(ctx, load.Options{Network: "tcp", Address: c.addr, Path: p.url, Clients: 1,
			Habits: []load.Habit{{Pause: 5 * time.Millisecond}}})
	}()
	err := do()
	pause(ctx, time.Second) // tools that stop the old program first may do so after the new answer
	stop()
	if report := <-reports; err == nil {
		c.requests += report.All.Requests
		c.failed += report.Lost()
	}
	return err
}

// errUnserved: the new code did not come to serve.
var errUnserved = errors.New("no answer of the new code")

func (c *contender) runBuild(ctx context.Context, p program) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, c.build[0], append(c.build[1:], p.pkg)...)
	cmd.Dir = c.tree
	began := time.Now()
	done := make(chan struct{})
	polled := make(chan struct{})
	go func() { // ends with the build: requests take processor time, so every build gets requests
		defer close(polled)
		asked := httptest.NewServer(http.NotFoundHandler())
		defer asked.Close()
		for {
			select {
			case <-done:
				return
			case <-time.After(pollAfter(time.Since(began))):
				ask(asked.URL)
			}
		}
	}()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	close(done)
	<-polled
	if err != nil {
		return 0, fmt.Errorf("%v\n%s", err, out)
	}
	return took, nil
}

// pollAfter is the pause between two requests for the new code, for the time since the save. It limits the precision of
// the measurement. It is at least 4 ms, and 1 % of the time so far: some servers need much time for a request, and a
// long build should not pay for it.
func pollAfter(passed time.Duration) time.Duration { return max(4*time.Millisecond, passed/100) }

// ask sends one request on its own connection.
func ask(url string) ([]byte, error) {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// await sends requests until the answer contains text.
func (c *contender) await(ctx context.Context, p program, text string, limit time.Duration) error {
	began := time.Now()
	for ; time.Since(began) < limit; pause(ctx, pollAfter(time.Since(began))) {
		if body, err := ask("http://" + c.addr + p.url); err == nil && bytes.Contains(body, []byte(text)) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%w: %q within %v", errUnserved, text, limit)
}

func (c *contender) stop() {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT)
		done := make(chan struct{})
		go func() { _ = c.cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(8 * time.Second):
			_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		}
	}
}

func (c *contender) log() string {
	text := c.out.String()
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return text
}

// syncBuffer is a buffer that one goroutine may write while another one reads.
type syncBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return os.IsNotExist(err)
}

// copyTree copies a module, without files that no build needs.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o777)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o666)
	})
}
