package process

import (
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// osProcess holds the job of the child and its descendants.
type osProcess struct {
	once sync.Once
	job  windows.Handle
}

// Setup puts hotreload itself into a job. The system ends all processes in the job when the last handle, hotreload's,
// is closed. Children start inside the job.
func Setup() error {
	job, err := newJob()
	if err != nil {
		return err
	}
	return windows.AssignProcessToJobObject(job, windows.CurrentProcess())
}

func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	return job, err
}

// prepare makes the child the root of a console group, so CTRL_BREAK reaches only this group.
func prepare(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
}

// started moves the child into a job of its own inside hotreload's. Earlier descendants of the child are only in
// hotreload's job.
func (p *osProcess) started(cmd *exec.Cmd) {
	job, err := newJob()
	if err != nil {
		return
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false,
		uint32(cmd.Process.Pid))
	if err != nil {
		_ = windows.CloseHandle(job)
		return
	}
	defer windows.CloseHandle(process)
	if windows.AssignProcessToJobObject(job, process) == nil {
		p.job = job
	}
}

// signalGroup sends CTRL_BREAK for every signal except os.Kill, because Windows has no other signal, and ends the job
// for os.Kill.
func (p *Process) signalGroup(sig os.Signal) error {
	if sig == os.Kill {
		p.killGroup()
		return nil
	}
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid()))
}

func (p *Process) killGroup() {
	if p.os.job != 0 {
		_ = windows.TerminateJobObject(p.os.job, 1)
		return
	}
	_ = p.cmd.Process.Kill()
}

func (p *Process) signalProgram(sig os.Signal) error { return p.signalGroup(sig) }

func noteDaemons() {}

func (p *Process) sweep(Manners) (ended, spared []int) {
	p.os.once.Do(func() {
		if p.os.job != 0 {
			_ = windows.CloseHandle(p.os.job) // ends the remaining processes in the job
		}
	})
	return nil, nil
}

func execve(path string, args, env []string) error {
	return &os.PathError{Op: "exec", Path: path, Err: windows.ERROR_NOT_SUPPORTED}
}

func signalName(s syscall.Signal) string { return s.String() }

func fillExit(*Exit, *os.ProcessState) {}

func selfPath() (string, error) { return os.Executable() }

func belongs(int, string) bool { return false }
func markCloseOnExec(int)      {}

// Windows needs no guard: the job ends all processes.

func guardAdd(int, int)                              {}
func guardRemove(int)                                {}
func guardLinger(int, int, time.Duration, [2]uint64) {}
func pipeOf(io.Writer) uint64                        { return 0 }
func guardFile(string, uint64, uint64)               {}
func guardNoFile(string)                             {}
func identity(string) (uint64, uint64)               { return 0, 0 } // no files are left to remove
func runGuard(string, io.Reader) int                 { return 2 }

const ownFiles = "" // a program cannot be started by its descriptor here
