package process

import (
	"os/exec"
	"syscall"
)

// release keeps Ctrl-C from the program. The program still ends with hotreload, like all processes in the job.
func release(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
