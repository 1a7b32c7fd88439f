package cli

import (
	"os"
	"sync"
	"time"

	"hotreload/runner"
)

const keyHelp = "r reload · R rebuild and reload · p pause, go on · c clear · q quit · h help"

// press does what a key is for.
func press(key byte, run *runner.Group, c *console, k *keyboard, p *pausing) {
	switch key {
	case 'r', ' ':
		run.Do(runner.Reload)
	case 'R', 'b':
		run.Do(runner.BuildUp)
	case 'p':
		if err := p.press(); err != nil {
			c.say(dim(prefix) + red(err.Error()) + lineOf(hintLine(hintOf(err))))
		}
		run.Do(runner.Recheck)
	case 'c', '\f':
		c.clear()
	case 'q', 4: // Ctrl-D
		run.Do(runner.Stop)
	case 'h', '?':
		c.say(dim(prefix) + keyHelp)
	case 26: // Ctrl-Z: the shell comes next, and wants its terminal
		c.clearProgress()
		k.giveBack()
		suspend()
		// The stop comes a moment after the call. Until it has, the terminal must not be taken again.
		<-time.After(lookAgain)
	}
}

// keyboard is our stdin if that is a terminal. While we are in its foreground, each key arrives at once and is not
// shown. While we are not, the terminal is the shell's, and whoever reads it or changes it is stopped (SIGTTIN,
// SIGTTOU): we leave it alone until it is given to us, without being told when that is.
type keyboard struct {
	file         *os.File
	wake, waking *os.File // a byte through this pipe ends the wait for a key

	mu     sync.Mutex // guards all below
	before *modes     // how the terminal was; nil while it is as it was
	closed bool
}

// lookAgain is how often a keyboard in the background looks whether it is in the foreground now. A person who typed fg
// needs longer to find the next key.
const lookAgain = 250 * time.Millisecond

// openKeyboard returns nil if file is no terminal of ours.
func openKeyboard(file *os.File) *keyboard {
	if !isTerminal(file) {
		return nil
	}
	if _, err := foreground(file); err != nil {
		return nil
	}
	wake, waking, err := os.Pipe()
	if err != nil {
		return nil
	}
	return &keyboard{file: file, wake: wake, waking: waking}
}

// read calls press with each key until the keyboard is closed or the terminal is gone.
func (k *keyboard) read(press func(key byte)) {
	buffer := make([]byte, 64)
	for {
		switch taken, closed := k.take(); {
		case closed:
			return
		case !taken:
			<-time.After(lookAgain)
			continue
		}
		if !awaitKey(k.file, k.wake) {
			continue // the world may be another one
		}
		if front, err := foreground(k.file); err != nil || !front {
			continue // the key is the shell's
		}
		n, err := k.file.Read(buffer)
		if err != nil {
			return
		}
		for _, key := range buffer[:n] {
			press(key)
		}
	}
}

// take makes the terminal ours if we are in the foreground.
func (k *keyboard) take() (taken, closed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false, true
	}
	if front, err := foreground(k.file); err != nil || !front {
		return false, false
	}
	before, err := singleKeys(k.file)
	if k.before == nil {
		k.before = before
	}
	return err == nil, false
}

// taken reports whether keys arrive now.
func (k *keyboard) taken() bool {
	if k == nil {
		return false
	}
	taken, _ := k.take()
	return taken
}

// giveBack leaves the terminal as it was. In the background it is the shell's already.
func (k *keyboard) giveBack() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.before == nil {
		return
	}
	if front, err := foreground(k.file); err == nil && front {
		setModes(k.file, k.before)
	}
	k.before = nil
}

// nudge lets read look at where we stand: we were stopped, and go on.
func (k *keyboard) nudge() {
	if k != nil {
		_, _ = k.waking.Write([]byte{0})
	}
}

// close gives the terminal back for good. read may go on waiting for a last key, and returns with it or with the
// program.
func (k *keyboard) close() {
	if k == nil {
		return
	}
	k.giveBack()
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.nudge()
}
