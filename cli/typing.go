package cli

import (
	"io"
	"os"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// With --stdin in a terminal, the program has a terminal of its own. The user's terminal is in raw mode behind it.
// hotreload's keys then follow a prefix. Keys for signals belong to the program if the program has claimed them, as
// full-screen programs do; otherwise to hotreload.

// Keys, as they arrive.
const (
	ctrlC         = 3
	ctrlZ         = 26
	ctrlBackslash = 28
	prefixKey     = 29 // Ctrl-]
)

// typing sorts typed keys.
type typing struct {
	to       supervisor.Input
	press    func(key byte) // a key of hotreload
	prefixed bool           // the last key was the prefix
}

// keys passes on the program's keys and carries out hotreload's.
func (t *typing) keys(typed []byte) {
	pass, ours, prefixed := sortKeys(typed, t.prefixed, t.to.Typed())
	t.prefixed = prefixed
	if len(pass) > 0 {
		t.to.Type(pass)
	}
	for _, key := range ours {
		switch key {
		case ctrlC:
			interrupt()
		case ctrlBackslash:
			quit()
		default:
			t.press(key)
		}
	}
}

// sortKeys separates the program's keys from hotreload's. The prefix twice is the program's key. While no program has
// the terminal, typed keys are lost.
func sortKeys(typed []byte, prefixed bool, now supervisor.Typed) (pass, ours []byte, after bool) {
	for _, key := range typed {
		signal := key == ctrlC || key == ctrlZ || key == ctrlBackslash
		switch {
		case prefixed && key != prefixKey:
			ours = append(ours, key)
			prefixed = false
		case key == prefixKey && !prefixed:
			prefixed = true
		case signal && (now.Signals || !now.Taken):
			ours = append(ours, key)
		case now.Taken:
			pass = append(pass, key)
			prefixed = false
		default:
			prefixed = false
		}
	}
	return pass, ours, prefixed
}

// redrawPause is the time after hotreload's lines until the program is asked to draw again: several lines come at once.
const redrawPause = 50 * time.Millisecond

// redraw asks the program to draw again after each line of hotreload. redraw ends with the program.
func redraw(run *runner.Group, to supervisor.Input, said <-chan struct{}) {
	for range said {
		<-time.After(redrawPause)
		if now := to.Typed(); now.Taken && !now.Lines {
			run.Do(runner.Resize)
		}
	}
}

// passStdin passes stdin to the program, if stdin is not hotreload's terminal.
func passStdin(to supervisor.Input) {
	_, _ = io.Copy(to, os.Stdin)
	to.Close()
}
