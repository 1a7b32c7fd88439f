//go:build linux || darwin

package agent_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"hotreload/agent/protocol"
	"hotreload/process"
	"hotreload/supervisor/host"
)

// TestAgentIsInvisible: a program with the agent ends as without the agent, by the same code and with the same words,
// and finds the same environment and build information.
func TestAgentIsInvisible(t *testing.T) {
	s := newService(t)
	with, plain := binaries(t)
	for i, how := range []string{"exit", "panic", "nil", "return"} {
		t.Run(how, func(t *testing.T) {
			run := func(path string, env ...string) (exit, out, errs string) {
				var stdout, stderr bytes.Buffer
				cmd := exec.Command(path, "leave="+how)
				cmd.Env = append([]string{"HOME=/", "LAST=1"}, env...)
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				p, err := process.Start(cmd)
				if err != nil {
					t.Fatal(err)
				}
				<-p.Done()
				// After the first line the stack begins, with addresses. Each process has another mark.
				first, _, _ := strings.Cut(stderr.String(), "\n")
				var lines []string
				for _, line := range strings.Split(stdout.String(), "\n") {
					// The variable for kin is documented (package agent), and differs for each worker.
					if !strings.HasPrefix(line, process.Mark+"=") && !strings.HasPrefix(line, protocol.KinVariable+"=") {
						lines = append(lines, line)
					}
				}
				return p.Exit().String(), strings.Join(lines, "\n"), first
			}
			exit, out, errs := run(with, s.Admit(i+1, 1)...)
			s.await(host.Gone{Worker: i + 1}) // the worker had an agent
			wantExit, wantOut, wantErrs := run(plain)
			if exit != wantExit || errs != wantErrs {
				t.Errorf("it ends by %s with %q, want %s with %q", exit, errs, wantExit, wantErrs)
			}
			if out != wantOut {
				t.Errorf("it sees\n%s\nwant\n%s", out, wantOut)
			}
		})
	}
}
