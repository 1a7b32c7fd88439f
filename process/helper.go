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

// guardName is the guard's process name, without "hotreload", because `pkill hotreload` must not kill the process
// that cleans up afterwards.
const guardName = "reload-guard"

// shimName is the shim's process name until it becomes the program.
const shimName = "reload-shim"

// Helper runs the helper named by args, if any: hotreload's binary is also its guard (see the package doc) and the
// shim for Activate. main, and TestMain of packages with child processes, call Helper first with os.Args, and exit
// with the code after a helper.
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
		return 127, true // the shell's exit code for a missing program
	}
	return 0, false
}

// Activate starts cmd through the shim, which sets LISTEN_PID to its own pid and then becomes the program. The
// systemd protocol needs the pid in the environment, and only code in the child knows the pid (sd_listen_fds(3)).
func Activate(cmd *exec.Cmd) error {
	self, err := selfPath()
	if err != nil {
		return fmt.Errorf("find own executable for LISTEN_PID: %w", err)
	}
	cmd.Args = append([]string{shimName, "", cmd.Path}, cmd.Args...) // Start fills in the descriptor for complaints
	cmd.Path = self
	return nil
}

// Carry starts cmd's program through an open descriptor, for a program file in the cache folder that the child's user
// cannot access. Carry returns the file to close after Start; nil if unnecessary or impossible: for scripts, because
// the interpreter must open a script, and on other systems. Call Activate afterwards.
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

// becomeListener is the shim: it replaces itself with path, with LISTEN_PID in the environment. Like startRetrying,
// it retries while the file is busy.
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

// complain reports to the parent, on descriptor fd, why the shim has not become the program.
func complain(fd int, why error) {
	var errno syscall.Errno
	if errors.As(why, &errno) {
		if _, err := fmt.Fprint(os.NewFile(uintptr(fd), "complaints"), int(errno)); err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, why)
}
