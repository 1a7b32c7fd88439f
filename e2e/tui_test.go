//go:build unix

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const prefixKey = "\x1d" // Ctrl-]

// tui starts a real bubbletea program with --stdin in a terminal.
func tui(t *testing.T, u setup) *session {
	t.Helper()
	dir := copyOf(t, "testdata/tui")
	u.terminal = true
	u.env = append(u.env, "TERM=xterm-256color", "HOTRELOAD_CACHE="+t.TempDir())
	return u.start(t, dir, "--stdin", ".")
}

// pidShown returns the pid of the program that has drawn the screen last.
func (s *session) pidShown() int {
	all := regexp.MustCompile(`pid <(\d+)>`).FindAllStringSubmatch(s.text(), -1)
	if len(all) == 0 {
		return 0
	}
	pid, _ := strconv.Atoi(all[len(all)-1][1])
	return pid
}

// A program that draws on the terminal has a terminal of its own: keys, also Ctrl-C, and the window's size reach it.
// Old code leaves the screen before new code draws, and hotreload's keys follow a prefix.
func TestProgramDrawsOnTheTerminal(t *testing.T) {
	t.Parallel()
	s := tui(t, setup{})
	s.waitForAll(`\x1b\[\?1049h`, `generation 1 is running.*Ctrl-\] h for keys`) // the program may be the first
	s.waitFor(`word <one>`)
	s.waitFor(`size <100x24>`)
	s.waitFor(`terminal <true>`)
	for _, c := range [][2]string{
		{"a", "a"}, {"\x1b[A", "up"}, {ctrlC, "ctrl+c"}, {ctrlZ, "ctrl+z"}, {prefixKey + prefixKey, "ctrl+]"},
	} {
		s.press(c[0])
		s.waitFor(`key <` + regexp.QuoteMeta(c[1]) + `>`)
	}
	s.resize(30, 90)
	s.signal(syscall.SIGWINCH)
	s.waitFor(`size <90x30>`)

	s.press(prefixKey + "h")
	s.waitFor(`R rebuild and reload`)
	s.waitFor(`word <one>`) // drawn again, because that line was printed in between
	s.save("word.go", "package main\n\nconst word = \"two\"\n")
	s.waitFor(`\x1b\[\?1049l`)
	s.waitForAll(`\x1b\[\?1049h`, `generation 2 is running`)
	s.waitFor(`word <two>`)
	s.waitFor(`size <90x30>`)
	s.press("b")
	s.waitFor(`key <b>`)
	s.press(prefixKey + "r")
	s.waitFor(`generation 3 is running`)
	s.waitFor(`word <two>(.|\n)*pid <`)

	pid := s.pidShown()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`\x1b\[\?1049l(.|\n)*word <two>`) // hotreload leaves the screen for the killed program
	s.eventually("another worker has drawn", func() bool { return s.pidShown() != pid })
	s.press("q")
	s.waitFor(`finished \(exit code 0\); waiting for a change`)
	s.press("lost") // no program reads this
	s.press(prefixKey + "r")
	s.waitFor(`word <two>`)
	s.press(prefixKey + "q")
	s.waitFor(`stopping`)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s.single() {
		t.Error("the terminal still has the program's settings")
	}
	if text := s.text(); strings.Count(text, "\x1b[?1049h") != strings.Count(text, "\x1b[?1049l") {
		t.Error("the program's screen is still shown")
	}
}

// The shell's terminal keeps its settings: Ctrl-Z after the prefix stops hotreload, and the terminal has the shell's
// settings again; after fg the program draws again.
func TestProgramThatDrawsInTheBackground(t *testing.T) {
	t.Parallel()
	s := tui(t, setup{through: []string{"sh", "-i"}, env: []string{"PS1=prompt> ", "ENV="}})
	s.waitFor(`prompt> `)
	s.press(fmt.Sprintf("%s --stdin .\n", os.Args[0]))
	s.waitFor(`generation 1 is running`)
	s.waitFor(`word <one>`)
	s.press("x")
	s.waitFor(`key <x>`)
	s.press(prefixKey + ctrlZ)
	s.waitFor(`(?i)stopped(.|\n)*prompt> `)
	s.press("stty -a\n")
	s.waitFor(`[^-]icanon(.|\n)*[^-]echo `)
	s.press("fg\n")
	s.eventually("the program has the keys", s.single)
	s.waitFor(`word <one>`)
	s.press("y")
	s.waitFor(`key <y>`)
	s.press(prefixKey + "q")
	s.waitFor(`stopping(.|\n)*prompt> `)
	s.press("exit\n")
	s.exit()
}
