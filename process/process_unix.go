//go:build unix

package process

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func (osProcess) started(*exec.Cmd) {}

// Setup makes hotreload the keeper of its descendants: subreaper and reaper on Linux, guard on all Unix systems. Call
// Setup once, before the first Start. An error means one missing safety net; everything else works.
func Setup() error {
	closeOnExec()
	becomeReaper()
	return startGuard()
}

func prepare(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = !cmd.SysProcAttr.Setsid // Setsid makes a group, too
	dieWithParent(cmd.SysProcAttr)
}

// detach gives the guard its own session: signals of the terminal do not reach the guard.
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

// identity is a file's device and inode, or zeros if there is no file.
func identity(path string) (device, inode uint64) {
	var stat unix.Stat_t
	if unix.Lstat(path, &stat) != nil {
		return 0, 0
	}
	return uint64(stat.Dev), stat.Ino // Dev is an int32 on macOS
}

// pipeOf is the number of the pipe behind w, or 0.
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

// openPipe opens the read end of the pipe with this number, if path names this pipe.
func openPipe(path string, pipe uint64) *os.File {
	if pipe == 0 {
		return nil
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Type() != os.ModeNamedPipe { // open nothing but pipes
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
}

// sweepLimit ends a sweep that cannot finish: the kernel cannot kill a process yet (a dead network disk), or a
// process forks faster than the sweep kills.
const sweepLimit = time.Second

// sweep ends the child's leftovers until none is left. A dying process has no environment, and so no mark, while it
// still holds its sockets; so the found processes are checked a second time.
func (p *Process) sweep(m Manners) (found, spared []int) {
	for _, pid := range p.daemons() {
		if m.InTheWay != nil && !m.InTheWay(pid) {
			spared = append(spared, pid)
		}
	}
	polite := time.Now()
	if m.Signal != 0 {
		polite = polite.Add(m.Patience)
	}
	for end := polite.Add(sweepLimit); ; {
		left := orphans(p.mark)
		if groupAlive(p.Pid()) {
			left = append(left, groupOf(p.Pid())...)
		}
		left = slices.DeleteFunc(left, func(pid int) bool { return slices.Contains(spared, pid) })
		if len(left) == 0 && !slices.ContainsFunc(found, alive) || time.Now().After(end) {
			return found, spared
		}
		late := !time.Now().Before(polite)
		for _, pid := range left {
			fresh := !slices.Contains(found, pid)
			if fresh {
				found = append(found, pid)
			}
			if late {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			} else if fresh {
				_ = syscall.Kill(pid, m.Signal)
			}
		}
		<-time.After(time.Millisecond) // processes need a moment to exit, and their children to become orphans
	}
}

func (p *Process) signalProgram(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("not a Unix signal: " + sig.String())
	}
	for _, again := range startedAgain(p.Pid()) {
		_ = syscall.Kill(again, s) // may have ended
	}
	if err := syscall.Kill(p.Pid(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// killMarked kills all processes with a mark that begins with prefix, and returns their number.
func killMarked(prefix string) int {
	pids := marked(prefix)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(pids)
}
