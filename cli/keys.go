package cli

import (
	"os"

	"hotreload/runner"
)

const keyHelp = "r reload · R rebuild and reload · p pause, go on · c clear · q quit · h help"

// startKeys reads keys from the terminal, if stdin is one and ours. A letter counts alone or with Enter.
func startKeys(run *runner.Runner, c *console) bool {
	if !isTerminal(os.Stdin) || singleKeys() != nil {
		return false
	}
	go func() { // ends with the program: a read of the terminal cannot be ended
		buffer := make([]byte, 64)
		for {
			n, err := os.Stdin.Read(buffer)
			if err != nil {
				return
			}
			for _, key := range buffer[:n] {
				press(key, run, c)
			}
		}
	}()
	return true
}

func press(key byte, run *runner.Runner, c *console) {
	switch key {
	case 'r', ' ':
		run.Do(runner.Reload)
	case 'R', 'b':
		run.Do(runner.BuildUp)
	case 'p':
		run.Do(runner.Pause)
	case 'c', '\f':
		c.clear()
	case 'q', 4: // Ctrl-D
		run.Do(runner.Stop)
	case 'h', '?':
		c.say(dim(prefix) + keyHelp)
	}
}
