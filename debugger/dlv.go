package debugger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// ErrNoDlv: no dlv is installed.
var ErrNoDlv = errors.New("there is no dlv: " + Install)

// Find returns the path of dlv: from PATH, from the folder of go install, or of the tool named in go.mod.
func Find(ctx context.Context, dir string, env []string) (string, error) {
	if path, err := exec.LookPath("dlv"); err == nil {
		return filepath.Abs(path)
	}
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // go tool may have to build dlv
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
	name   string  // of its socket
	pid    int     // of the program, for a dlv with JSON-RPC; 0: for the Debug Adapter Protocol
	out    *outlet // owned by the keeper's loop; nil before there is a connection
	gone   chan struct{}
	ended  chan struct{} // closed by end
	once   sync.Once
	limit  time.Duration // until the process is killed; set before ended is closed

	// Called by the keeper's loop.
	dialed func() // there is a connection
	lost   func(why string)

	// answers returns a function for reading messages from r. The keeper's loop calls handle for each message.
	answers func(r io.Reader) (next func() (handle func(), err error))
}

// newBackend returns a dlv for the session.
func (k *Keeper) newBackend(epoch int) *dlv {
	b := k.newDlv(sessionName(epoch))
	b.dialed = func() { k.session.dialed(epoch) }
	b.lost = func(why string) { k.session.lost(epoch, why) }
	b.answers = func(r io.Reader) func() (func(), error) {
		in := bufio.NewReader(r)
		return func() (func(), error) {
			m, err := read(in)
			return func() { k.session.answered(epoch, m) }, err
		}
	}
	return b
}

// newHeadless returns a dlv for a client with JSON-RPC.
func (k *Keeper) newHeadless(epoch, pid int) *dlv {
	b := k.newDlv(remoteName(epoch))
	b.pid = pid
	b.dialed = func() { k.remote.dialed(epoch) }
	b.lost = func(why string) { k.remote.lost(epoch, why) }
	b.answers = func(r io.Reader) func() (func(), error) {
		in := json.NewDecoder(r)
		return func() (func(), error) {
			var text json.RawMessage
			err := in.Decode(&text)
			return func() { k.remote.answered(epoch, text) }, err
		}
	}
	return b
}

func sessionName(epoch int) string { return "dap" + strconv.Itoa(epoch) }
func remoteName(epoch int) string  { return "rpc" + strconv.Itoa(epoch) }

func (k *Keeper) newDlv(name string) *dlv {
	b := &dlv{keeper: k, name: name, gone: make(chan struct{}), ended: make(chan struct{})}
	k.backends[name] = b
	return b
}

// end kills the process after a limit, unless the process has ended by then.
func (b *dlv) end(limit time.Duration) { b.once.Do(func() { b.limit = limit; close(b.ended) }) }

// hangUp closes the connection to a dlv with JSON-RPC, so dlv detaches and ends. A dlv in the middle of attaching gets
// the time to finish: if killed, dlv would leave breakpoints of its own in the program.
func (b *dlv) hangUp() {
	if b.out == nil {
		b.end(dialLimit)
		return
	}
	b.out.finish()
	b.end(detachLimit)
}

// run runs dlv until dlv has ended.
func (b *dlv) run() {
	why := b.serve()
	b.keeper.input(func() {
		delete(b.keeper.backends, b.name)
		b.lost(why)
	})
	close(b.gone)
}

// serve starts dlv, reads messages until dlv has ended, and returns the reason of the end.
func (b *dlv) serve() string {
	conn, p, last, err := b.start()
	if err != nil {
		return err.Error()
	}
	out := newOutlet(conn)
	b.keeper.input(func() {
		b.out = out
		b.dialed()
		select {
		case <-b.ended:
			out.finish() // hangUp came before the connection
		default:
		}
	})
	next := b.answers(conn)
	for {
		handle, err := next()
		if err != nil {
			break
		}
		b.keeper.input(handle)
	}
	out.finish()
	b.end(detachLimit) // dlv without a connection is of no use
	<-p.Done()
	return last.with("dlv has ended: " + p.Exit().String())
}

// start starts dlv, and waits for the connection with dlv. last collects dlv's output.
func (b *dlv) start() (conn net.Conn, p *process.Process, last *tail, err error) {
	k := b.keeper
	path, err := Find(context.Background(), k.config.Dir, k.config.Env)
	if err != nil {
		return nil, nil, nil, err
	}
	name := filepath.Join(k.dir, b.name)
	args := []string{"attach", strconv.Itoa(b.pid), "--headless", "--api-version=2", "--listen=unix:" + name}
	var listener *net.UnixListener
	if b.pid == 0 {
		args = []string{"dap", "--client-addr", "unix:" + name}
		if listener, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name}); err != nil {
			return nil, nil, nil, fmt.Errorf("dlv cannot be started: %w", err)
		}
		defer listener.Close()
	}
	last = &tail{listens: make(chan struct{})}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = k.config.Env, k.config.Dir, last, last
	if p, err = process.Start(cmd); err != nil {
		return nil, nil, nil, fmt.Errorf("dlv cannot be started: %w", err)
	}
	go func() { // ends with the process
		select {
		case <-b.ended:
			select {
			case <-p.Done():
			case <-time.After(b.limit):
				p.Kill()
			}
		case <-p.Done():
		}
		<-p.Done()
		if listener != nil {
			listener.Close()
		}
	}()
	if listener != nil {
		_ = listener.SetDeadline(time.Now().Add(dialLimit))
		conn, err = listener.AcceptUnix()
	} else {
		conn, err = last.dial(name, p)
	}
	if err != nil {
		p.Kill()
		<-p.Done()
		return nil, nil, nil, errors.New(last.with("dlv has ended before it has connected"))
	}
	return conn, p, last, nil
}

// dial connects to dlv as soon as dlv has printed its address.
func (t *tail) dial(name string, p *process.Process) (net.Conn, error) {
	select {
	case <-t.listens:
		return net.Dial("unix", name)
	case <-p.Done():
		return nil, errors.New("dlv has ended")
	case <-time.After(dialLimit):
		return nil, errors.New("dlv does not listen")
	}
}

// tail keeps the last bytes of dlv's own output.
type tail struct {
	mu      sync.Mutex
	text    []byte
	said    bool          // dlv has printed its address
	listens chan struct{} // closed when said is set
}

const tailSize = 1 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if !t.said && bytes.Contains(t.text, []byte("server listening at: ")) {
		t.said = true
		close(t.listens)
	}
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
