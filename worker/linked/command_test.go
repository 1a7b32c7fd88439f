package linked_test

import (
	"bytes"
	"fmt"
	"os/exec"

	"hotreload/process"
)

// combinedOutput is that of os/exec, whose children's exit status our reaper would take.
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
