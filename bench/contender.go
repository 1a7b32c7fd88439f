//go:build unix

package main

import (
	"bytes"
	"context"
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
)

// program is what is measured with.
type program struct {
	dir, pkg, file, find, url string
	args                      []string // {addr} stands for the address to listen on, {data} for a folder to write to
}

// contender is one way from a save to new code.
type contender struct {
	name   string
	binary string                                           // must be on PATH; "" = it is there
	start  func(c *contender, p program) (*exec.Cmd, error) // nil: the build alone is measured, by build
	build  []string

	tree  string
	addr  string
	args  []string
	cmd   *exec.Cmd
	out   syncBuffer
	times []time.Duration
}

// contenders lists who is measured. The other tools' settings follow their README for `go build && run`.
func contenders(hotreload string) []*contender {
	return []*contender{
		{name: "go build", build: []string{"go", "build", "-o", "{bin}"}},
		{name: "go build -w", build: []string{"go", "build", "-buildvcs=false", "-ldflags=-w", "-o", "{bin}"}},
		{name: "hotreload", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command(hotreload, append([]string{p.pkg}, c.args...)...), nil
		}},
		{name: "air", binary: "air", start: func(c *contender, p program) (*exec.Cmd, error) {
			config := fmt.Sprintf("root = \".\"\ntmp_dir = \"tmp\"\n[build]\ncmd = %q\nentrypoint = [\"./tmp/main\"]\nargs_bin = [%s]\n",
				"go build -o ./tmp/main "+p.pkg, quoted(c.args))
			return exec.Command("air", "-c", ".air.toml"), os.WriteFile(filepath.Join(c.tree, ".air.toml"), []byte(config), 0o666)
		}},
		{name: "wgo", binary: "wgo", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command("wgo", append([]string{"run", p.pkg}, c.args...)...), nil
		}},
		{name: "reflex", binary: "reflex", start: func(c *contender, p program) (*exec.Cmd, error) {
			return exec.Command("reflex", "-s", "-r", `\.go$`, "--", "sh", "-c", shell(c, p)), nil
		}},
		{name: "modd", binary: "modd", start: func(c *contender, p program) (*exec.Cmd, error) {
			config := fmt.Sprintf("**/*.go {\n  prep: go build -o ./tmp-main %s\n  daemon +sigterm: ./tmp-main %s\n}\n", p.pkg, strings.Join(c.args, " "))
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

// prepare copies the tree, and starts the tool and waits until its program answers.
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

// replaceIn is what the file is once old stands in it no more but now.
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

// measure saves the file and waits for what comes of it: an answer with text.
func (c *contender) measure(ctx context.Context, p program, file string, content []byte, text string) (time.Duration, error) {
	began := time.Now()
	if err := os.WriteFile(filepath.Join(c.tree, file), content, 0o666); err != nil {
		return 0, err
	}
	if c.start == nil {
		return c.runBuild(ctx, p)
	}
	if err := c.await(ctx, p, text, time.Minute); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func (c *contender) runBuild(ctx context.Context, p program) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, c.build[0], append(c.build[1:], p.pkg)...)
	cmd.Dir = c.tree
	began := time.Now()
	done := make(chan struct{})
	polled := make(chan struct{})
	go func() { // ends with the build: asking costs a build its share of the processor, so all builds are asked
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

// pollAfter is how long after a request the server is asked again for the new code, so long after the save: the
// resolution of what is measured. It is 4 ms at least, and 1 % of what has passed: some servers have much to do for a
// request, and the time of a long build should not be theirs.
func pollAfter(passed time.Duration) time.Duration { return max(4*time.Millisecond, passed/100) }

// ask makes one request on a connection of its own.
func ask(url string) ([]byte, error) {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// await asks until the answer holds text.
func (c *contender) await(ctx context.Context, p program, text string, limit time.Duration) error {
	began := time.Now()
	for ; time.Since(began) < limit; time.Sleep(pollAfter(time.Since(began))) {
		if body, err := ask("http://" + c.addr + p.url); err == nil && bytes.Contains(body, []byte(text)) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("no answer with %q within %v", text, limit)
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

// syncBuffer is a buffer that a process writes to while we read.
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

// copyTree copies a module, without what no build needs.
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
