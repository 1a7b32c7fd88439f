package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Mark is the name of the environment variable by which a descendant of a child is recognised after it has left the
// child's process group. Its value is RUN.SERIAL: the run of hotreload, and the child's number within it.
const Mark = "HOTRELOAD_PROCESS"

// waitDelay is how long output is still read after a child has exited while a grandchild holds the pipe open
// (golang/go#23019). Felt right: long enough for the last lines, short enough that nobody notices.
const waitDelay = 500 * time.Millisecond

// Process is a child that has been started and is waited for. Its methods may be called from any goroutine.
type Process struct {
	cmd   *exec.Cmd
	mark  string
	os    osProcess
	pipes [2]uint64     // that stdout and stderr are, or 0
	shim  *os.File      // where a shim says why it could not become the program; nil for other children
	done  chan struct{} // closed when exit is valid
	exit  Exit
}

// table holds the children that somebody waits for. A child is entered under the lock in which it is made, so that
// whoever holds the lock can tell a child from an orphan that came to us.
var table struct {
	sync.Mutex
	serial   int
	children map[int]*Process
}

// Start starts cmd as the leader of a new process group and waits for it on a goroutine of its own, which ends with
// the child and closes Done. The caller sets path, arguments, environment, files; cmd belongs to the Process
// afterwards. Setup must have been called before.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, pipes: [2]uint64{pipeOf(cmd.Stdout), pipeOf(cmd.Stderr)}, done: make(chan struct{})}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = waitDelay
	}
	prepare(cmd)
	complaints, err := p.listenToShim()
	if err != nil {
		return nil, err
	}
	spawn(func() {
		table.Lock()
		defer table.Unlock()
		table.serial++
		p.mark = fmt.Sprintf("%s.%d", runID(), table.serial)
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], Mark+"="+p.mark)
		if err = startRetrying(cmd); err != nil {
			return
		}
		if table.children == nil {
			table.children = map[int]*Process{}
		}
		table.children[cmd.Process.Pid] = p
		p.os.started(cmd)
		guardAdd(cmd.Process.Pid, table.serial)
	})
	if p.shim != nil {
		complaints.Close()
	}
	if err != nil {
		if p.shim != nil {
			p.shim.Close()
		}
		return nil, err
	}
	go p.wait() // ends with the child; Done tells
	return p, nil
}

// startRetrying starts cmd and tries again while its file is "busy": another goroutine's fork may for a moment hold
// the descriptor through which the file was written (golang/go#22315).
func startRetrying(cmd *exec.Cmd) error {
	for wait := time.Millisecond; ; wait *= 2 {
		err := cmd.Start()
		if !errors.Is(err, syscall.ETXTBSY) || wait > 100*time.Millisecond {
			return err
		}
		<-time.After(wait)
		again := *cmd // a Cmd that failed to start cannot be started again
		fresh := exec.Command(again.Path)
		fresh.Args, fresh.Env, fresh.Dir = again.Args, again.Env, again.Dir
		fresh.Stdin, fresh.Stdout, fresh.Stderr = again.Stdin, again.Stdout, again.Stderr
		fresh.ExtraFiles, fresh.SysProcAttr, fresh.WaitDelay = again.ExtraFiles, again.SysProcAttr, again.WaitDelay
		*cmd = *fresh
	}
}

func (p *Process) wait() {
	err := p.cmd.Wait()
	p.exit = exitOf(p.cmd, err)
	p.exit.NotRun = p.shimError()
	table.Lock()
	delete(table.children, p.Pid())
	table.Unlock()
	guardRemove(p.Pid())
	close(p.done)
}

// Pid is the child's process id, which is also its group's.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child has exited and its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the child ended. It is valid when Done is closed.
func (p *Process) Exit() Exit { return p.exit }

// Signal sends sig to the child's group. A child that is gone is no error: what it left is for Sweep.
func (p *Process) Signal(sig os.Signal) error {
	if p.gone() {
		return nil
	}
	return p.signalGroup(sig)
}

// Kill ends the child's group at once. It does not wait: Done tells.
func (p *Process) Kill() {
	if !p.gone() {
		p.killGroup()
	}
}

// Linger says that a process, the child or one that it started, ends by itself when we are gone, and how long that may
// take: so long the guard lets the child and its group be. The process has to undo the parent-death signal itself
// (Linux). Where it writes into a pipe that we read, the guard takes over as the reader, so that it does not die of
// SIGPIPE with its next line (Linux).
func (p *Process) Linger(pid int, limit time.Duration) {
	if !p.gone() {
		guardLinger(p.Pid(), pid, limit, p.pipes)
	}
}

// Bequeath has a file (a Unix socket's) removed when we are gone without having done so, if it is still the file that
// is there now; Disinherit ends that.
func Bequeath(path string) {
	if device, inode := identity(path); inode != 0 {
		guardFile(path, device, inode)
	}
}

// Disinherit undoes Bequeath, for a file that was removed.
func Disinherit(path string) { guardNoFile(path) }

// gone reports whether the child was waited for, so that its pid may by now be somebody else's.
func (p *Process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Sweep ends what the child left behind, in its group or outside it, and returns the pids that it had to kill. It is
// for after Done, and returns when they are gone, so that the sockets and locks that they held are free.
func (p *Process) Sweep() []int { return p.sweep() }

// Ours reports whether pid is a child of this run or descends from one, where the system tells (Linux).
func Ours(pid int) bool { return belongs(pid, runID()+".") }

// Exit is how a child ended.
type Exit struct {
	Code   int            // exit code, or -1 when a signal ended it
	Signal syscall.Signal // 0 unless a signal ended it
	Core   bool           // it left a core dump
	MaxRSS int64          // bytes, 0 where the system does not tell
	CPU    time.Duration  // user and system time
	NotRun error          // Activate's shim could not become the program: why
	Err    error          // the wait itself failed
}

// Success reports whether the child ended by itself with code 0.
func (e Exit) Success() bool { return e.Code == 0 && e.Signal == 0 && e.Err == nil }

// SignalName is the name of the signal that ended it, as in SIGKILL.
func (e Exit) SignalName() string { return signalName(e.Signal) }

func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.NotRun != nil:
		return e.NotRun.Error()
	case e.Signal != 0 && e.Core:
		return "killed by " + signalName(e.Signal) + " (core dumped)"
	case e.Signal != 0:
		return "killed by " + signalName(e.Signal)
	default:
		return "exit code " + strconv.Itoa(e.Code)
	}
}

// listenToShim gives a shim a pipe through which it says why it could not become the program; when it becomes it, the
// pipe closes without a word. It returns our copy of the shim's end.
func (p *Process) listenToShim() (shims *os.File, err error) {
	if p.cmd.Args[0] != shimName {
		return nil, nil
	}
	if p.shim, shims, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("pipe to the shim: %w", err)
	}
	p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, shims)
	p.cmd.Args[1] = strconv.Itoa(2 + len(p.cmd.ExtraFiles))
	return shims, nil
}

// shimError reads what the shim, which is gone, had to say.
func (p *Process) shimError() error {
	if p.shim == nil {
		return nil
	}
	defer p.shim.Close()
	text, _ := io.ReadAll(p.shim) // nobody else had the other end
	number, err := strconv.Atoi(string(text))
	if err != nil {
		return nil
	}
	return &os.PathError{Op: "exec", Path: p.cmd.Args[2], Err: syscall.Errno(number)}
}

func exitOf(cmd *exec.Cmd, err error) Exit {
	state := cmd.ProcessState
	if state == nil {
		return Exit{Code: -1, Err: err}
	}
	e := Exit{Code: state.ExitCode(), CPU: state.UserTime() + state.SystemTime()}
	fillExit(&e, state)
	return e
}

// spawn runs f on the one thread that makes children. The goroutine lives as long as the program.
var spawn = func() func(func()) {
	var once sync.Once
	calls := make(chan func())
	return func(f func()) {
		once.Do(func() {
			go func() {
				runtime.LockOSThread()
				leaveJobControlToOthers()
				for call := range calls {
					call()
				}
			}()
		})
		done := make(chan struct{})
		calls <- func() { defer close(done); f() }
		<-done
	}
}()

// runID tells this run of hotreload from any other on the machine.
var runID = sync.OnceValue(func() string {
	return fmt.Sprintf("%d-%x", os.Getpid(), time.Now().UnixNano())
})
