package runner

import "os/exec"

// maxNames is the number of bytes of file names in a command line: further names go to further runs. cmd limits the
// whole line to 8 KiB.
const maxNames = 6 << 10

// shell returns the command for a line of cmd.
func shell(line string) *exec.Cmd { return exec.Command("cmd", "/c", line) }

// quoted quotes a word for cmd. File names cannot contain quotes on Windows.
func quoted(word string) string { return `"` + word + `"` }
