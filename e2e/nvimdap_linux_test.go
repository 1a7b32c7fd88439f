package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nvim is a Neovim without a screen, controlled by its own remote commands.
type nvim struct {
	t      *testing.T
	path   string
	socket string
}

// nvimDap returns where nvim-dap lies, or skips the test.
func nvimDap(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("HOTRELOAD_TEST_NVIM_DAP"); dir != "" {
		return dir
	}
	home, _ := os.UserHomeDir()
	for _, pattern := range []string{
		".local/share/nvim/site/pack/*/*/nvim-dap", ".config/nvim/pack/*/*/nvim-dap", ".local/share/nvim/*/nvim-dap",
	} {
		if found, _ := filepath.Glob(filepath.Join(home, pattern)); len(found) > 0 {
			return found[0]
		}
	}
	t.Skip("there is no nvim-dap where Neovim's plugins lie, and HOTRELOAD_TEST_NVIM_DAP does not name it")
	return ""
}

// startNvim opens a file in a Neovim with nvim-dap and with the script that hotreload init writes.
func startNvim(t *testing.T, dir, file, address string) *nvim {
	t.Helper()
	n := &nvim{t: t, socket: filepath.Join(t.TempDir(), "nvim")}
	dap := nvimDap(t)
	var err error
	if n.path, err = exec.LookPath("nvim"); err != nil {
		t.Skip("there is no nvim here (apt-get install neovim)")
	}
	if out, code := runCommand(t, dir, runtimeOf(t, dir), "init", "neovim", "--write", "--", "--debugger="+address, ".",
		"{addr}"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	script := filepath.Join(dir, "test.lua")
	save(t, script, fmt.Sprintf(`
vim.opt.runtimepath:append(%q)
vim.opt.runtimepath:append(vim.fn.getcwd())
require('hotreload')
dap = require('dap')
function begin() dap.run(dap.configurations.go[1]) return 'begun' end
function break_at(mark) vim.fn.search(mark) dap.set_breakpoint() return vim.fn.line('.') end
function at()
  local session = dap.session()
  if not session or not session.stopped_thread_id or not session.current_frame then return '' end
  return vim.fn.fnamemodify(session.current_frame.source.path, ':t') .. ':' .. session.current_frame.line
end
values = {}
function ask(expression)
  values[expression] = ''
  local session = dap.session()
  session:request('evaluate', { expression = expression, frameId = session.current_frame.id, context = 'watch' },
    function(err, answer) values[expression] = err and tostring(err) or answer.result end)
  return ''
end
function go_on() dap.continue() return '' end
function again() dap.restart() return '' end
function leave() dap.disconnect({ terminateDebuggee = false }) return '' end
function edit(before, now)
  vim.fn.append(2, { '', '' })
  vim.cmd('%%s/answer := "' .. before .. '"/answer := "' .. now .. '"/')
  vim.cmd('silent write')
  return ''
end
`, dap))
	var said bytes.Buffer
	command := exec.Command(n.path, "--headless", "--clean", "-n", "--listen", n.socket, "-c", "luafile "+script, file)
	command.Dir, command.Stdout, command.Stderr = dir, &said, &said
	command.Env = append(os.Environ(), "PATH="+hotreloadIn(t, dir)+":"+os.Getenv("PATH"),
		"XDG_RUNTIME_DIR="+runtimeOf(t, dir))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("nvim said:\n%s", said.String())
		}
	})
	eventually(t, "nvim answers", func() bool { text, err := n.ask("at()"); return err == nil && text == "" })
	return n
}

// ask evaluates Lua.
func (n *nvim) ask(lua string) (string, error) {
	expression := `luaeval("` + strings.ReplaceAll(lua, `"`, `\"`) + `")`
	text, err := exec.Command( // Neovim 0.7 answers on stderr
		n.path, "--clean", "--headless", "--server", n.socket, "--remote-expr", expression).CombinedOutput()
	return strings.TrimSpace(string(text)), err
}

func (n *nvim) do(lua string) string {
	n.t.Helper()
	text, err := n.ask(lua)
	if err != nil {
		n.t.Fatalf("%s: %v: %s", lua, err, text)
	}
	return text
}

// becomes waits until Lua has a value.
func (n *nvim) becomes(lua, want string) {
	n.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		have := n.do(lua)
		if have == want {
			return
		}
		if time.Now().After(end) {
			n.t.Fatalf("%s: have %q, want %q", lua, have, want)
		}
	}
}

// TestDebuggerInNeovim: nvim-dap itself attaches once. The breakpoint moves with the text, and is hit in each
// generation. A save at a breakpoint takes over when the person continues, and by nvim-dap's restart.
func TestDebuggerInNeovim(t *testing.T) {
	d := startDebugged(t)
	n := startNvim(t, d.dir, d.file, d.address)
	n.do("break_at('IN REQUEST')")
	n.do("begin()")
	d.waitFor(`generation 2 serves`)
	stands := func() {
		t.Helper()
		n.becomes("at()", fmt.Sprintf("main.go:%d", lineOf(t, d.file, "IN REQUEST")))
	}
	before, generation := "one", 2
	answers := func(got <-chan string) {
		t.Helper()
		if have, want := <-got, fmt.Sprint(before, len(before)); have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
	edit := func(answer string) {
		t.Helper()
		n.do(fmt.Sprintf("edit('%s', '%s')", before, answer))
		generation++
	}
	for _, answer := range []string{"two", "three", "four"} {
		got := d.request("/")
		stands()
		n.do("ask('answer')")
		n.becomes("values['answer']", fmt.Sprintf("%q", before))
		n.do("go_on()")
		answers(got)
		edit(answer)
		before = answer
		d.waitFor(fmt.Sprintf(`generation %d serves`, generation))
	}
	got := d.request("/")
	stands()
	edit("five")
	d.waitFor(fmt.Sprintf(`generation %d is ready, and waits`, generation))
	n.do("go_on()")
	answers(got)
	before = "five"
	d.waitFor(fmt.Sprintf(`generation %d serves`, generation))
	got = d.request("/")
	stands()
	edit("six")
	d.waitFor(fmt.Sprintf(`generation %d is ready, and waits`, generation))
	n.do("again()")
	answers(got)
	before = "six"
	d.waitFor(fmt.Sprintf(`generation %d serves`, generation))
	got = d.request("/")
	stands()
	n.do("leave()")
	answers(got)
	d.waitFor(`back to fast builds`)
	answers(d.request("/"))
}
