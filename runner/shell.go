package runner

import (
	"bytes"
	"context"
	"os/exec"
	"runtime"
	"time"

	"hotreload/process"
)

// mostOutput is how much of what a command writes is kept: its end.
const mostOutput = 64 << 10

// runLine runs a command line in the shell and returns what it wrote, and why it failed; "" if it did not. If ctx ends,
// everything it started is killed and gone when runLine returns.
func runLine(ctx context.Context, line, dir string, env []string, timeout time.Duration) (output, why string) {
	shell := []string{"sh", "-c", line}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/c", line}
	}
	var out bytes.Buffer
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &out, &out
	written := func() string {
		text := out.String()
		if len(text) > mostOutput {
			text = "…" + text[len(text)-mostOutput:]
		}
		return text
	}
	p, err := process.Start(cmd)
	if err != nil {
		return "", err.Error()
	}
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case <-p.Done():
		p.Sweep()
		if exit := p.Exit(); !exit.Success() {
			why = exit.String()
		}
		return written(), why
	case <-limit.C:
		why = "no end after " + timeout.String() + ": killed"
	case <-ctx.Done():
		why = ctx.Err().Error()
	}
	p.Kill()
	<-p.Done() // has an end: killed, and its output is not waited for longer than process's delay
	p.Sweep()
	return written(), why
}
