package process

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// shimName is what the shim calls itself until it becomes the program.
const shimName = "reload-shim"

// Helper runs the helper that args name, if they name one: hotreload's binary is also its own guard (see the package
// doc) and the shim that Activate needs. main, and TestMain of packages that start processes, call it first with
// os.Args; if it was a helper they exit with the code.
func Helper(args []string) (code int, isHelper bool) {
	if len(args) < 2 {
		return 0, false
	}
	switch args[0] {
	case guardName:
		return runGuard(args[1], os.Stdin), true
	case shimName:
		err := becomeListener(args[1], args[2:])
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[1], err)
		return 127, true
	}
	return 0, false
}

// Activate makes cmd start through the shim, which sets LISTEN_PID to the worker's own pid and then becomes the
// program: the systemd protocol wants the pid in the environment, and only code that already runs in the child knows
// it (sd_listen_fds(3)).
func Activate(cmd *exec.Cmd) error {
	self, err := selfPath()
	if err != nil {
		return fmt.Errorf("find own executable for LISTEN_PID: %w", err)
	}
	cmd.Args = append([]string{shimName, cmd.Path}, cmd.Args...)
	cmd.Path = self
	return nil
}

// becomeListener is the shim: it replaces itself by path with LISTEN_PID in the environment.
func becomeListener(path string, args []string) error {
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil {
		return err
	}
	return execve(path, args, os.Environ())
}
