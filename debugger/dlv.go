package debugger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotreload/process"
)

// Install is the command that installs dlv.
const Install = "go install github.com/go-delve/delve/cmd/dlv@latest"

// ErrNoDlv means that there is no dlv to run.
var ErrNoDlv = errors.New("there is no dlv: " + Install)

// Find returns the path of dlv: from PATH, from the folder of go install, or of the tool that go.mod names.
func Find(ctx context.Context, dir string, env []string) (string, error) {
	if path, err := exec.LookPath("dlv"); err == nil {
		return filepath.Abs(path)
	}
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // go tool may have to build it
		defer cancel()
		var text bytes.Buffer
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env, cmd.Stdout = dir, env, &text
		p, err := process.Start(cmd)
		if err != nil {
			return ""
		}
		select {
		case <-p.Done():
		case <-ctx.Done():
			p.Kill()
			<-p.Done()
		}
		if !p.Exit().Success() {
			return ""
		}
		return text.String()
	}
	lines := strings.Split(run("env", "GOBIN", "GOPATH"), "\n")
	if len(lines) >= 2 {
		folder := strings.TrimSpace(lines[0])
		if folder == "" {
			folder = filepath.Join(filepath.SplitList(strings.TrimSpace(lines[1]) + string(filepath.ListSeparator))[0], "bin")
		}
		if path, err := exec.LookPath(filepath.Join(folder, "dlv")); err == nil {
			return path, nil
		}
	}
	if path := strings.TrimSpace(run("tool", "-n", "dlv")); path != "" {
		return path, nil
	}
	return "", ErrNoDlv
}

// dlv is a backend's process and connection.
type dlv struct {
	keeper *Keeper
	epoch  int
	out    *outlet // owned by the keeper's loop; nil before it has dialed
	gone   chan struct{}
	ended  chan struct{} // closed by end
	once   sync.Once
	now    bool // kill it at once; set before ended is closed
}

func (k *Keeper) newBackend(epoch int) *dlv {
	return &dlv{keeper: k, epoch: epoch, gone: make(chan struct{}), ended: make(chan struct{})}
}

// end sees that the process ends by itself soon, or is killed.
func (b *dlv) end(now bool) { b.once.Do(func() { b.now = now; close(b.ended) }) }

// run runs dlv until it is gone.
func (b *dlv) run() {
	why := b.serve()
	b.keeper.input(func() {
		delete(b.keeper.backends, b.epoch)
		b.keeper.session.lost(b.epoch, why)
	})
	close(b.gone)
}

// serve starts dlv and reads what it says, and returns why this has ended.
func (b *dlv) serve() string {
	k := b.keeper
	path, err := Find(context.Background(), k.config.Dir, k.config.Env)
	if err != nil {
		return err.Error()
	}
	name := filepath.Join(k.dir, strconv.Itoa(b.epoch))
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return "dlv cannot be started: " + err.Error()
	}
	defer listener.Close()
	last := &tail{}
	cmd := exec.Command(path, "dap", "--client-addr", "unix:"+name)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = k.config.Env, k.config.Dir, last, last
	p, err := process.Start(cmd)
	if err != nil {
		return "dlv cannot be started: " + err.Error()
	}
	go func() { // ends with the process
		select {
		case <-b.ended:
			limit := detachLimit
			if b.now {
				limit = 0
			}
			select {
			case <-p.Done():
			case <-time.After(limit):
				p.Kill()
			}
		case <-p.Done():
		}
		<-p.Done()
		listener.Close()
	}()
	_ = listener.SetDeadline(time.Now().Add(dialLimit))
	conn, err := listener.AcceptUnix()
	if err != nil {
		p.Kill()
		<-p.Done()
		return last.with("dlv has ended before it has connected")
	}
	out := newOutlet(conn)
	k.input(func() {
		b.out = out
		k.session.dialed(b.epoch)
	})
	in := bufio.NewReader(conn)
	for {
		m, err := read(in)
		if err != nil {
			break
		}
		k.input(func() { k.session.answered(b.epoch, m) })
	}
	out.finish()
	b.end(false) // without a connection it is of no use
	<-p.Done()
	return last.with("dlv has ended: " + p.Exit().String())
}

// tail keeps the last bytes of dlv's own output.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 1 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(p), nil
}

// with adds the last line to a text.
func (t *tail) with(text string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	if line := lines[len(lines)-1]; line != "" {
		return fmt.Sprintf("%s: %s", text, line)
	}
	return text
}
