//go:build unix

package runner

import (
	"os/exec"
	"strings"
)

// maxNames is the number of bytes of file names in a command line: further names go to further runs. Linux limits the
// whole line to 128 KiB.
const maxNames = 96 << 10

// shell returns the command for a line of the shell.
func shell(line string) *exec.Cmd { return exec.Command("sh", "-c", line) }

// quoted quotes any word for the shell.
func quoted(word string) string {
	special := func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune("/._-+,@:%", c)
	}
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
