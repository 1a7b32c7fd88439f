//go:build unix

package process

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// osProcess is what an OS keeps for a child beyond its pid: nothing here.
type osProcess struct{}

func (osProcess) started(*exec.Cmd) {}

// Setup makes hotreload the keeper of its descendants: subreaper and reaper on Linux, guard everywhere on Unix. Call
// it once, before the first Start. An error means that one net is missing, not that nothing works.
func Setup() error {
	closeOnExec()
	becomeReaper()
	return startGuard()
}

func prepare(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr)
}

// detach gives the guard a session of its own: no signal of our terminal reaches it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
}

func (p *Process) signalGroup(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("not a Unix signal: " + sig.String())
	}
	if err := syscall.Kill(-p.Pid(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func (p *Process) killGroup() { _ = syscall.Kill(-p.Pid(), syscall.SIGKILL) }

func endGroup(pid int, force bool) {
	sig := syscall.SIGTERM
	if force {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(-pid, sig)
}

func groupAlive(pid int) bool {
	err := syscall.Kill(-pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func markCloseOnExec(fd int) { syscall.CloseOnExec(fd) }

func execve(path string, args, env []string) error { return syscall.Exec(path, args, env) }

func signalName(s syscall.Signal) string { return unix.SignalName(s) }

// identity is a file's device and inode, or zeros if there is none.
func identity(path string) (device, inode uint64) {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return 0, 0
	}
	return uint64(stat.Dev), stat.Ino // Dev is an int32 on macOS
}

// pipeOf is the number of the pipe that w leads to, or 0.
func pipeOf(w io.Writer) uint64 {
	file, ok := w.(*os.File)
	if !ok || file == nil {
		return 0
	}
	info, err := file.Stat()
	if err != nil || info.Mode().Type() != os.ModeNamedPipe {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// openPipe opens the read end of the pipe with this number, if that is what the path leads to.
func openPipe(path string, pipe uint64) *os.File {
	if pipe == 0 {
		return nil
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Type() != os.ModeNamedPipe { // do not open what it is not
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	if pipeOf(file) != pipe {
		file.Close()
		return nil
	}
	return file
}

func fillExit(e *Exit, state *os.ProcessState) {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal, e.Core = status.Signal(), status.CoreDump()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = int64(usage.Maxrss)
		if runtime.GOOS == "linux" { // kilobytes there, bytes on macOS: getrusage(2)
			e.MaxRSS *= 1024
		}
	}
}

// sweepLimit ends a sweep that does not get done: a process that the kernel cannot kill yet (a dead network disk), or
// one that forks faster than we kill.
const sweepLimit = time.Second

// sweep kills what is left of the child until nothing is. One that is dying has no environment any more, and so no
// mark, while it still holds its sockets: hence the second look at those that were killed.
func (p *Process) sweep() []int {
	var killed []int
	for end := time.Now().Add(sweepLimit); ; {
		left := orphans(p.mark)
		if groupAlive(p.Pid()) {
			left = append(left, groupOf(p.Pid())...)
		}
		if len(left) == 0 && !slices.ContainsFunc(killed, alive) || time.Now().After(end) {
			return killed
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			if !slices.Contains(killed, pid) {
				killed = append(killed, pid)
			}
		}
		<-time.After(time.Millisecond) // the killed need a moment to go, and their children to become orphans
	}
}

// killMarked kills everything whose mark begins so and returns how many that were.
func killMarked(prefix string) int {
	pids := marked(prefix)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(pids)
}
