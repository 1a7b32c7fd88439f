package runner

import (
	"bytes"
	"context"
	"time"

	"hotreload/process"
)

// mostOutput is the number of bytes kept from the end of a command's output.
const mostOutput = 64 << 10

// runLine runs a command line in the shell. runLine returns the output, and why the command has failed; "" after
// success. If ctx ends, runLine kills all processes of the command, and waits for their end.
func runLine(ctx context.Context, line, dir string, env []string, timeout time.Duration) (output, why string) {
	var out bytes.Buffer
	cmd := shell(line)
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
		why = "did not end within " + timeout.String() + ": killed"
	case <-ctx.Done():
		why = ctx.Err().Error()
	}
	p.End()
	return written(), why
}
