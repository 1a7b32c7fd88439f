package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// guardName is what the guard calls itself. It does not contain "hotreload": `pkill hotreload` must not take with it
// the process that cleans up behind hotreload.
const guardName = "reload-guard"

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
		if len(args) < 4 {
			return 2, true
		}
		complaints, err := strconv.Atoi(args[1])
		if err != nil {
			return 2, true
		}
		markCloseOnExec(complaints)
		if carried, found := strings.CutPrefix(args[2], ownFiles); found && ownFiles != "" {
			if fd, err := strconv.Atoi(carried); err == nil {
				markCloseOnExec(fd)
			}
		}
		complain(complaints, becomeListener(args[2], args[3:]))
		return 127, true // the shell's code for a program that is not there
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
	cmd.Args = append([]string{shimName, "", cmd.Path}, cmd.Args...) // Start fills in the descriptor for complaints
	cmd.Path = self
	return nil
}

// Carry has the shim start cmd's program by a descriptor that is open here, for a program whose file the child's user
// cannot reach: it lies in our cache folder. It returns the file to close after Start, nil where that is not needed or
// not possible: for scripts, which their interpreter has to open, and on other systems. Activate comes next.
func Carry(cmd *exec.Cmd) (*os.File, error) {
	file, err := os.Open(cmd.Path)
	if err != nil {
		return nil, err
	}
	magic := make([]byte, 4)
	if _, err := io.ReadFull(file, magic); err != nil || string(magic) != "\x7fELF" || ownFiles == "" {
		file.Close()
		return nil, nil
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	cmd.Path = ownFiles + strconv.Itoa(2+len(cmd.ExtraFiles))
	return file, nil
}

// becomeListener is the shim: it replaces itself by path with LISTEN_PID in the environment. A file that is busy is
// tried again, as in startRetrying.
func becomeListener(path string, args []string) error {
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil {
		return err
	}
	for wait := time.Millisecond; ; wait *= 2 {
		err := execve(path, args, os.Environ())
		if !errors.Is(err, syscall.ETXTBSY) || wait > 100*time.Millisecond {
			return err
		}
		<-time.After(wait)
	}
}

// complain tells the parent, on descriptor fd, why the shim has not become the program.
func complain(fd int, why error) {
	var errno syscall.Errno
	if errors.As(why, &errno) {
		if _, err := fmt.Fprint(os.NewFile(uintptr(fd), "complaints"), int(errno)); err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, why)
}
