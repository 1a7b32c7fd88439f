package process

import (
	"context"
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

// Mark is the environment variable that identifies a descendant of a child outside the child's process group. The
// value is RUN.SERIAL: the run of hotreload, and the child's number in the run.
const Mark = "HOTRELOAD_PROCESS"

// waitDelay is how long output is still read after a child's exit while a grandchild holds the pipe open
// (golang/go#23019). Felt right: long enough for the last lines, and short enough to go unnoticed.
const waitDelay = 500 * time.Millisecond

// Process is a started child. The methods may be called from any goroutine.
type Process struct {
	cmd   *exec.Cmd
	mark  string
	os    osProcess
	pipes [2]uint64     // pipes of stdout and stderr, or 0
	shim  *os.File      // pipe for a shim's error; nil for other children
	done  chan struct{} // closed when exit is valid
	exit  Exit
}

// table holds the children for which a goroutine waits. A child is entered under the lock that covers the child's
// start, so the holder of the lock can tell a child from an orphan.
var table struct {
	sync.Mutex
	serial   int
	children map[int]*Process
}

// Start starts cmd as the leader of a new process group. A goroutine waits for the child, closes Done and ends with the
// child. The caller sets path, arguments, environment and files; afterwards cmd belongs to the Process. Call Setup
// before.
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

// startRetrying starts cmd and retries while its file is busy: another goroutine's fork may briefly hold the
// descriptor that wrote the file (golang/go#22315).
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

// Pid is the process id of the child and the id of the child's group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child has exited and all its output was read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Await waits until the process has ended. If ctx ends first, Await ends the process, and returns ctx's error.
func (p *Process) Await(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.End()
		return ctx.Err()
	}
}

// End kills the process and everything that it has started, and waits for the end: for a limited time, because output
// is read for a limited time.
func (p *Process) End() {
	p.Kill()
	<-p.done
	p.Sweep()
}

// Exit tells how the child ended. The result is valid when Done is closed.
func (p *Process) Exit() Exit { return p.exit }

// Signal sends sig to the child's group. An exited child is no error; Sweep handles the remaining processes.
func (p *Process) Signal(sig os.Signal) error {
	if p.gone() {
		return nil
	}
	return p.signalGroup(sig)
}

// SignalProgram sends sig to the child and to other processes of its group with the same program. Other programs
// started by the child do not get the signal: the child may need them to finish.
func (p *Process) SignalProgram(sig os.Signal) error {
	if p.gone() {
		return nil
	}
	return p.signalProgram(sig)
}

// Kill ends the child's group at once, without waiting; Done tells.
func (p *Process) Kill() {
	if !p.gone() {
		p.killGroup()
	}
}

// Linger announces that a process, the child or a descendant, ends by itself when hotreload is gone, and the time
// limit for this. The guard spares the child and its group for this time. The process itself must undo the
// parent-death signal (Linux). If the process writes to a pipe that hotreload reads, the guard becomes the reader, so
// the next line does not cause SIGPIPE (Linux).
func (p *Process) Linger(pid int, limit time.Duration) {
	if !p.gone() {
		guardLinger(p.Pid(), pid, limit, p.pipes)
	}
}

// Bequeath makes the guard remove a file (a Unix socket's) if hotreload ends without removing the file, unless
// another file has taken its place; Disinherit ends the guard's duty.
func Bequeath(path string) {
	if device, inode := identity(path); inode != 0 {
		guardFile(path, device, inode)
	}
}

// Disinherit undoes Bequeath, for a removed file.
func Disinherit(path string) { guardNoFile(path) }

// gone reports whether the child was reaped: then its pid may belong to another process.
func (p *Process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Sweep ends all processes that the child left behind, in its group or outside, and returns the killed pids. Call
// Sweep after Done. When Sweep returns, the processes are gone, and their sockets and locks are free.
func (p *Process) Sweep() []int {
	left, _ := p.sweep(Manners{})
	return left
}

// Manners tells how to end a child's leftovers.
type Manners struct {
	Signal   syscall.Signal     // the first signal; 0 for none
	Patience time.Duration      // the time after this signal
	InTheWay func(pid int) bool // whether a recorded daemon must end, too; nil: all must
}

// SweepWith is Sweep with manners. It returns the ended processes and the spared daemons, which end with hotreload.
func (p *Process) SweepWith(m Manners) (ended, spared []int) { return p.sweep(m) }

// NoteDaemons records daemons of living children: descendants in a session of their own, without a terminal, whose
// parent has exited, so hotreload is now the parent. After a child's exit a daemon looks like unfinished work. Linux
// only.
func NoteDaemons() { noteDaemons() }

// Ours reports whether pid is a child of this run or a child's descendant, if the system tells (Linux).
func Ours(pid int) bool { return belongs(pid, runID()+".") }

// Exit describes the end of a child.
type Exit struct {
	Code   int            // exit code, or -1 after a signal
	Signal syscall.Signal // 0 without a signal
	Core   bool           // there is a core dump
	NotRun error          // why Activate's shim could not become the program
	Err    error          // the wait itself failed
}

// Success reports whether the child exited with code 0.
func (e Exit) Success() bool { return e.Code == 0 && e.Signal == 0 && e.Err == nil }

// SignalName is the name of the signal that ended the child, as in SIGKILL.
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

// listenToShim gives a shim a pipe for its error; the pipe closes silently when the shim becomes the program.
// listenToShim returns hotreload's copy of the shim's end.
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

// shimError reads the error of a shim that has exited.
func (p *Process) shimError() error {
	if p.shim == nil {
		return nil
	}
	defer p.shim.Close()
	text, _ := io.ReadAll(p.shim) // no other process has the other end
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
	e := Exit{Code: state.ExitCode()}
	fillExit(&e, state)
	return e
}

// spawn runs f on the one thread that starts children. The goroutine lives as long as the program.
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

// runID identifies this run of hotreload on the machine.
var runID = sync.OnceValue(func() string {
	return fmt.Sprintf("%d-%x", os.Getpid(), time.Now().UnixNano())
})
