package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// dlvClient is `dlv connect`, a client that speaks JSON-RPC, as GoLand does.
type dlvClient struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	done chan struct{} // the client has ended

	mu   sync.Mutex // guards all below
	out  bytes.Buffer
	read int
	news sync.Cond
}

func (c *dlvClient) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.news.Broadcast()
	return c.out.Write(p)
}

// connectDlv runs dlv connect with these commands.
func connectDlv(t *testing.T, address string, commands ...string) *dlvClient {
	t.Helper()
	home := t.TempDir() // without the colours and the history of a person
	c := &dlvClient{t: t, done: make(chan struct{})}
	c.news.L = &c.mu
	c.cmd = exec.Command("dlv", "connect", "--allow-non-terminal-interactive", address)
	c.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, "config"), "NO_COLOR=1")
	c.cmd.Stdout, c.cmd.Stderr = c, c
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); <-c.done })
	go func() { // ends with the client
		_ = c.cmd.Wait()
		close(c.done)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.news.Broadcast()
	}()
	c.tell(commands...)
	return c
}

// tell types commands.
func (c *dlvClient) tell(commands ...string) {
	c.t.Helper()
	for _, command := range commands {
		if _, err := fmt.Fprintln(c.in, command); err != nil {
			c.t.Fatalf("dlv connect is told %q: %v\n%s", command, err, c.out.String())
		}
	}
}

// says waits until the output after the last match matches.
func (c *dlvClient) says(pattern string) {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	alarm := time.AfterFunc(patience, func() { c.mu.Lock(); c.news.Broadcast(); c.mu.Unlock() })
	defer alarm.Stop()
	end := time.Now().Add(patience)
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		text := colour.ReplaceAll(c.out.Bytes(), nil)
		if at := re.FindIndex(text[min(c.read, len(text)):]); at != nil {
			c.read += at[1]
			return
		}
		select {
		case <-c.done:
			c.t.Fatalf("dlv connect has ended, and did not say %q:\n%s", pattern, text)
		default:
		}
		if time.Now().After(end) {
			c.t.Fatalf("dlv connect does not say %q:\n%s", pattern, text)
		}
		c.news.Wait()
	}
}
