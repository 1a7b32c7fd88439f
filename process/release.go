package process

import "os/exec"

// Release starts a program for the user, such as an editor: signals of the terminal do not reach the program, which
// keeps running when hotreload ends. The exit code is unknown, because the reaper may wait for the program first.
func Release(cmd *exec.Cmd) error {
	release(cmd)
	if err := startRetrying(cmd); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // ends with the program
	return nil
}
