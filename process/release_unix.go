//go:build unix

package process

import "os/exec"

func release(cmd *exec.Cmd) { detach(cmd) }
