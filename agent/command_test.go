package agent_test

import (
	"bytes"
	"fmt"
	"os/exec"

	"hotreload/process"
)

// combinedOutput is os/exec's CombinedOutput in a process with a reaper, which would take the exit status.
func combinedOutput(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := process.Start(cmd)
	if err != nil {
		return "", err
	}
	if <-p.Done(); !p.Exit().Success() {
		err = fmt.Errorf("%v", p.Exit())
	}
	return out.String(), err
}
