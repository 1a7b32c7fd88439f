//go:build unix

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Completion offers the services and slots of the running hotreload.
func TestCompletionOfServicesAndSlots(t *testing.T) {
	t.Parallel()
	dir, _ := newServices(t, `
[[service]]
name = "web"
package = "./cmd/web"
workers = 2

[[service]]
name = "api"
package = "./cmd/api"
`)
	s := startControlled(t, dir)
	s.waitFor(`building`)
	s.expectCommand(0, `web.*serves`, "wait")
	offered := func(words ...string) []string {
		t.Helper()
		out, _ := s.command(append([]string{"__completeNoDesc"}, words...)...)
		var all []string
		for line := range strings.Lines(out) {
			if !strings.HasPrefix(line, ":") && !strings.HasPrefix(line, "Completion ended") {
				all = append(all, strings.TrimSpace(line))
			}
		}
		slices.Sort(all)
		return all
	}
	for _, c := range []struct{ words, want []string }{
		{[]string{"status", ""}, []string{"api", "web", "web/0", "web/1"}},
		{[]string{"reload", "web/"}, []string{"web/0", "web/1"}},
		{[]string{"restart", "web", "api", ""}, []string{"web/0", "web/1"}},
		{[]string{"scale", "w"}, []string{"web", "web/0", "web/1"}},
		{[]string{"scale", "web", ""}, nil},
		{[]string{"signal", "USR1", "a"}, []string{"api"}},
		{[]string{"disable", "--stop", ""}, []string{"api", "web"}},
		{[]string{"reload", "--strategy", "st"}, []string{"auto", "parallel", "rolling", "stop-first"}},
		{[]string{"a"}, []string{"api"}},
	} {
		if have := offered(c.words...); !slices.Equal(have, c.want) {
			t.Errorf("%q: have %q, want %q", c.words, have, c.want)
		}
	}
	if have := offered("signal", ""); !slices.Contains(have, "HUP") || slices.Contains(have, "web") {
		t.Errorf("signals: have %q", have)
	}
}

// A hotreload that does not answer does not delay the shell: completion gives up after 100 ms, where it
// would otherwise take 20 s.
func TestCompletionDoesNotWait(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	folder := filepath.Join(runtimeOf(t, dir), "hotreload")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("unix", filepath.Join(folder, "1.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	begun := time.Now()
	out, code := runCommand(t, dir, runtimeOf(t, dir), "__complete", "status", "")
	if took := time.Since(begun); code != 0 || took > 15*time.Second {
		t.Errorf("completion took %v; exit code %d, output %q", took, code, out)
	}
}

// Real shells, if installed, complete flags, values and packages.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"cmd/web/main.go": "package main\n\nfunc main() {}\n"})
	bin := t.TempDir()
	program, err := filepath.Abs(os.Args[0])
	if err == nil {
		err = os.Symlink(program, filepath.Join(bin, "hotreload"))
	}
	if err != nil {
		t.Fatal(err)
	}
	const bash = `
for file in /usr/share/bash-completion/bash_completion /opt/homebrew/share/bash-completion/bash_completion; do
  [ ! -f $file ] || source $file
done
type _get_comp_words_by_ref >/dev/null 2>&1 || { echo "no bash-completion"; exit; }
source <(hotreload completion bash)
while read -r COMP_LINE; do
  COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMPREPLY=()
  __start_hotreload 2>/dev/null
  echo "$COMP_LINE: ${COMPREPLY[*]}"
done`
	const fish = `
hotreload completion fish | source
while read line
  echo "$line:" (complete -C "$line" | cut -f1 | sed 's/^-.*=//')
end`
	lines := [][2]string{
		{"hotreload --strategy ro", "rolling"}, {"hotreload --ready=n", "notify"}, {"hotreload -rac",
			"-race"}, {"hotreload -mod=v", "vendor"},
		{"hotreload -q ./c", "./cmd/web"}, {"hotreload stat", "status"}, {"hotreload reload --wa", "--wait"},
	}
	var typed, want strings.Builder
	for _, line := range lines {
		typed.WriteString(line[0] + "\n")
		want.WriteString(line[0] + ": " + line[1] + "\n")
	}
	for _, shell := range []struct {
		name string
		args []string
	}{{"bash", []string{"--norc", "-c", bash}}, {"fish", []string{"--no-config", "-c", fish}}} {
		t.Run(shell.name, func(t *testing.T) {
			path, err := exec.LookPath(shell.name)
			if err != nil {
				t.Skip(shell.name + " is not installed")
			}
			cmd := exec.Command(path, shell.args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), beHotreload+"=1", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
				"HOME="+t.TempDir())
			cmd.Stdin = strings.NewReader(typed.String())
			out, err := cmd.CombinedOutput()
			if strings.HasPrefix(string(out), "no bash-completion") {
				t.Skip("bash needs the package bash-completion, which is not installed")
			}
			if err != nil || string(out) != want.String() {
				t.Errorf("%v; have\n%s\nwant\n%s", err, out, want.String())
			}
		})
	}
}
