//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// matcher is the part of a problem matcher read by VS Code.
type matcher struct {
	Pattern struct {
		Regexp                      string
		File, Line, Column, Message int
	}
	Background struct {
		ActiveOnStart              bool
		BeginsPattern, EndsPattern string
	}
}

// editor treats the output of a background task like VS Code: a line that matches "begins" clears all problems, each
// other line may be a problem, and a line that matches "ends" shows the problems. editor records what was shown each
// time.
type editor struct {
	mu    sync.Mutex // guards all below
	rest  string
	open  []string
	shown [][]string

	begins, ends, pattern *regexp.Regexp
	m                     matcher
}

var terminalColours = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

func (e *editor) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rest += string(p)
	for {
		line, rest, complete := strings.Cut(e.rest, "\n")
		if !complete {
			return len(p), nil
		}
		e.rest = rest
		line = strings.TrimRight(terminalColours.ReplaceAllString(line, ""), "\r")
		switch match := e.pattern.FindStringSubmatch(line); {
		case e.begins.MatchString(line):
			e.open = nil
		case e.ends.MatchString(line):
			e.shown = append(e.shown, slices.Clone(e.open))
		case match != nil:
			at := e.m.Pattern
			e.open = append(e.open, fmt.Sprintf("%s|%s|%s|%s", match[at.File], match[at.Line], match[at.Column],
				match[at.Message]))
		}
	}
}

// now returns the shown problems; ok is false before the first time.
func (e *editor) now() (problems []string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.shown) == 0 {
		return nil, false
	}
	return e.shown[len(e.shown)-1], true
}

// inits runs hotreload init with --write in a folder, and returns the file.
func inits(t *testing.T, dir, editor, file string) []byte {
	t.Helper()
	if out, code := runCommand(t, dir, runtimeOf(t, dir), "init", editor, "--write", ".", "{addr}"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestVSCodeTaskShowsProblems: the task of hotreload init runs in a coloured terminal of 40 columns, as in VS Code,
// before hotreload starts and while it runs. Its regular expressions find each problem of a save; the line that matches
// "ends" comes after the problems.
func TestVSCodeTaskShowsProblems(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 20) + ".go"
	dir := newModule(t, map[string]string{long: "package main\n"})
	var file struct {
		Tasks []struct {
			Command        string
			Args           []string
			IsBackground   bool
			ProblemMatcher json.RawMessage
		}
	}
	if err := json.Unmarshal(inits(t, dir, "vscode", ".vscode/tasks.json"), &file); err != nil {
		t.Fatal(err)
	}
	run, task := file.Tasks[1], file.Tasks[2]
	if run.Command != "hotreload" || !slices.Equal(run.Args, []string{".", "{addr}"}) || !task.IsBackground {
		t.Errorf("have %+v", file.Tasks)
	}
	e := &editor{}
	if err := json.Unmarshal(task.ProblemMatcher, &e.m); err != nil {
		t.Fatal(err)
	}
	e.pattern = regexp.MustCompile(e.m.Pattern.Regexp)
	e.begins = regexp.MustCompile(e.m.Background.BeginsPattern)
	e.ends = regexp.MustCompile(e.m.Background.EndsPattern)
	command := exec.Command(os.Args[0], task.Args...)
	command.Dir = dir
	command.Env = append(os.Environ(), beHotreload+"=1", "XDG_RUNTIME_DIR="+runtimeOf(t, dir), "COLUMNS=40",
		"TERM=xterm-256color", "CLICOLOR_FORCE=1")
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 20, Cols: 40})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	go func() { // ends with the terminal
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			_, _ = e.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	shows := func(want ...string) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			have, ok := e.now()
			if ok && slices.Equal(have, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the editor shows %q, want %q", have, want)
			}
		}
	}
	shows() // before hotreload runs
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save(long, "package main\n\nvar x int = \"text\"\n\nfunc f() int { return 1, 2 }\n")
	shows(long+`|3|13|cannot use "text" (untyped string constant) as int value in variable declaration`,
		long+"|5|26|too many return values")
	s.save("go.mod", "module example.com/app\n\ngo 1.25\n\nrequir x\n")
	shows("go.mod|5||unknown directive: requir")
	s.save("go.mod", "module example.com/app\n\ngo 1.25\n")
	s.save(long, "package main\n")
	shows()
	s.save("version.go", version("v2", "println(\"dial 127.0.0.1:5432: refused\\nexample.com:80: x\"); os.Exit(3)"))
	s.waitFor(`generation \d+ died before it was ready`)
	if out, code := s.problems("", "--wait"); code != 1 || !strings.Contains(out, "example.com:80: x") {
		t.Errorf("exit code %d and %s", code, out)
	}
	shows() // a message without a place is not a file's problem
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, shown := range e.shown {
		if i > 0 && len(shown) == 1 && strings.HasPrefix(shown[0], long) {
			t.Errorf("the last line came between the problems: %q", e.shown)
		}
	}
}

// TestNarrowColouredTerminalHasWholePlaces: editors make links of file:line:column in a terminal. In a coloured
// terminal of 40 columns, the place is unbroken and comes before the message.
func TestNarrowColouredTerminalHasWholePlaces(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 20) + ".go"
	dir := newModule(t, map[string]string{long: "package main\n"})
	s := setup{terminal: true, env: []string{"NO_COLOR=", "TERM=xterm-256color", "COLUMNS=40"}}.start(t, dir,
		"--color", "always", ".", "{addr}")
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: 20, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`generation 1 serves`)
	s.save(long, "package main\n\nvar x int = \"text\"\n")
	line := s.waitFor(`\n([^\n]*` + long + `[^\n]*)\n`)[1]
	plain := terminalColours.ReplaceAllString(line, "")
	if plain == line || !strings.HasPrefix(plain, long+":3:13: cannot use") {
		t.Errorf("have %q", line)
	}
}

// hotreloadIn makes a folder for PATH with a program hotreload.
func hotreloadIn(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "bin")
	save(t, filepath.Join(path, "hotreload"), "#!/bin/sh\n"+beHotreload+"=1 exec '"+os.Args[0]+"' \"$@\"\n")
	if err := os.Chmod(filepath.Join(path, "hotreload"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNeovimShowsProblems runs the script that hotreload init writes in a real Neovim, without a screen.
func TestNeovimShowsProblems(t *testing.T) {
	t.Parallel()
	nvim, err := exec.LookPath("nvim")
	if err != nil {
		t.Skip("there is no nvim here (apt-get install neovim)")
	}
	dir := newModule(t, nil)
	inits(t, dir, "neovim", "lua/hotreload.lua")
	path := hotreloadIn(t, dir)
	script := filepath.Join(dir, "test.lua")
	save(t, script, `
vim.opt.runtimepath:append(vim.fn.getcwd())
local hotreload = require('hotreload')
local function report()
  local lines = {}
  for _, d in ipairs(vim.diagnostic.get(nil, { namespace = hotreload.namespace })) do
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(d.bufnr), ':t')
    table.insert(lines, string.format('%s|%d|%d|%s|%s', name, d.lnum, d.col, d.source, d.message))
  end
  table.sort(lines)
  return table.concat(lines, '\n')
end
local last
local timer = vim.loop.new_timer()
timer:start(0, 20, vim.schedule_wrap(function()
  local now = report()
  if now ~= last then
    last = now
    local file = io.open('shown.tmp', 'w')
    file:write(now)
    file:close()
    os.rename('shown.tmp', 'shown')
  end
  if vim.fn.filereadable('make') == 1 then
    vim.fn.delete('make')
    vim.cmd('silent make!')
    local lines = {}
    for _, q in ipairs(vim.fn.getqflist()) do
      if q.valid == 1 then
        table.insert(lines, string.format('%s|%d|%d|%s', vim.fn.fnamemodify(vim.fn.bufname(q.bufnr), ':t'),
          q.lnum, q.col, q.text))
      end
    end
    local file = io.open('made.tmp', 'w')
    file:write(table.concat(lines, '\n'))
    file:close()
    os.rename('made.tmp', 'made')
  end
end))
`)
	var said bytes.Buffer
	command := exec.Command(nvim, "--headless", "--clean", "-n", "-c", "luafile "+script)
	command.Dir, command.Stdout, command.Stderr = dir, &said, &said
	command.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+runtimeOf(t, dir))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("nvim said:\n%s", said.String())
		}
	}()
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() { x }\n")
	s.holds("shown", "version.go|2|16|go|undefined: undefined\nversion.go|4|14|go|undefined: x")
	s.save("make", "")
	s.holds("made", "version.go|3|17|undefined: undefined\nversion.go|5|15|undefined: x")
	s.save("version.go", version("v2", ""))
	s.holds("shown", "")
}
