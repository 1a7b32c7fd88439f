//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// newToolModule makes a module that has hotreload as a tool, and builds the tool once.
func newToolModule(t *testing.T) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := newModule(t, map[string]string{"go.sum": string(sums)})
	for _, args := range [][]string{
		{"mod", "edit", "-require=hotreload@v0.0.0", "-replace=hotreload=" + root, "-tool=hotreload"},
		{"build", "-mod=mod", "-o", os.DevNull, "hotreload"}, // writes the indirect requirements
		{"tool", "hotreload", "--version"},
	} {
		command := exec.Command("go", args...)
		command.Dir, command.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if args[0] == "tool" && !strings.HasPrefix(string(out), "hotreload ") {
			t.Errorf("--version says %s", out)
		}
	}
	return dir
}

// TestGoTool: go tool hotreload behaves like hotreload: the exit code, SIGTERM to go alone, and on a terminal Ctrl-C, q
// and Ctrl-Z. There, go is a process between the shell and hotreload, gets each signal, and passes it on.
func TestGoTool(t *testing.T) {
	t.Parallel()
	if shell, err := exec.LookPath("bash"); err != nil || shell == "" {
		t.Skip("the shell of this test is bash, which is not on PATH: ", err)
	}
	dir := newToolModule(t)

	usage := setup{as: []string{"go", "tool", "hotreload", "--bogus"}}.tool(t, dir)
	if code := usage.exit(); code != 2 || !strings.Contains(usage.text(), "unknown flag: --bogus") {
		t.Errorf("bad usage: exit code %d, want 2\n%s", code, usage.text())
	}

	s := setup{as: []string{"go", "tool", "hotreload"}}.tool(t, dir)
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves`)
	pid := s.pid()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.exit(); code != 0 {
		t.Errorf("after SIGTERM to go: exit code %d, want 0\n%s", code, s.text())
	}
	gone(t, pid)

	terminal := setup{terminal: true, through: []string{"bash", "--norc", "-i"}}
	terminal.env = []string{"PS1=prompt> ", "TERM=dumb"}
	s = terminal.tool(t, dir)
	s.waitFor(`prompt> `)
	s.press("go tool hotreload . " + s.addr + "; echo code $?\n")
	s.waitFor(`generation 1 serves`)
	s.press("\x1a") // Ctrl-Z
	s.waitFor(`(?i)stopped(.|\n)*prompt> `)
	s.serves("v2") // the worker goes on
	s.press("fg\n")
	s.save("version.go", version("v3", ""))
	s.waitFor(`generation 2 serves`)
	s.press("q")
	s.waitFor(`stopping(.|\n)*prompt> `)
	s.press("go tool hotreload . " + s.addr + "; echo code $?\n")
	s.waitFor(`generation 1 serves`)
	s.press("\x03") // Ctrl-C: one press, which hotreload gets twice
	s.waitFor(`stopping: (.|\n)*code 0\n`)
	if s.count(`killing`) > 0 {
		t.Error("one press of Ctrl-C has killed")
	}
	s.press("exit\n")
	s.exit()
}

// tool starts hotreload as a tool of the module, or a shell for it.
func (u setup) tool(t *testing.T, dir string) *session {
	t.Helper()
	u.env = append(u.env, "GOFLAGS=-mod=mod")
	return u.start(t, dir, ".", "{addr}")
}
