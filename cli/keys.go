package cli

import (
	"os"
	"sync"
	"time"

	"hotreload/runner"
)

const keyHelp = "r reload · R rebuild and reload · p pause, resume · d debugger · t tests · c clear · q quit · " +
	"h help"

// press carries out the command of a key.
func press(key byte, run *runner.Group, c *console, k *keyboard, p *pausing, d *debugging,
	tests *testsBeside) {
	switch key {
	case 'r', ' ':
		if !d.switchNow() {
			run.Do(runner.Reload)
		}
	case 'R', 'b':
		run.Do(runner.RebuildProgram)
	case 'p':
		if err := p.press(); err != nil {
			c.say(dim(prefix) + red(err.Error()) + lineOf(hintLine(hintOf(err))))
		}
		run.Do(runner.Recheck)
	case 'd':
		go d.toggle() // ends when dlv has detached
	case 't':
		go tests.toggle() // ends when the tests that run are killed
	case 'c', '\f':
		c.clear()
	case 'q', 4: // Ctrl-D
		run.Do(runner.Stop)
	case 'h', '?':
		c.say(dim(prefix) + keyHelp)
	case 26: // Ctrl-Z
		stopForShell(c, k)
	}
}

// stopForShell stops hotreload as Ctrl-Z does: the shell is next, and needs its terminal.
func stopForShell(c *console, k *keyboard) {
	c.clearProgress()
	c.leaveScreen()
	k.giveBack()
	suspend()
	// The process stops a moment after the call. Until then the terminal must not be taken again.
	<-time.After(lookAgain)
	resumed()
}

// keyboard is hotreload's stdin, if a terminal. In the foreground, each key arrives at once without echo. In the
// background the terminal belongs to the shell, and a process that reads or changes it is stopped (SIGTTIN, SIGTTOU).
// So hotreload leaves the terminal alone until it is in the foreground again; no event reports that moment.
type keyboard struct {
	file         *os.File
	wake, waking *os.File // a byte through this pipe ends the wait for a key
	all          bool     // raw mode: typed keys arrive unchanged, and the program's own terminal echoes them
	came         func()   // called when hotreload gets the terminal; may be nil

	mu     sync.Mutex // guards all below
	before *modes     // the terminal's original state; nil while unchanged
	closed bool
}

// lookAgain is how often a keyboard in the background checks whether it is in the foreground. A person who typed fg
// needs longer to find the next key.
const lookAgain = 250 * time.Millisecond

// openKeyboard returns nil if file is not hotreload's terminal.
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

// read calls press with the keys until the keyboard is closed or the terminal is gone.
func (k *keyboard) read(press func(keys []byte)) {
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
			continue // everything may have changed meanwhile
		}
		if front, err := foreground(k.file); err != nil || !front {
			continue // the key is for the shell
		}
		n, err := k.file.Read(buffer)
		if err != nil {
			return
		}
		press(buffer[:n])
	}
}

// take takes the terminal if hotreload is in the foreground.
func (k *keyboard) take() (taken, closed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false, true
	}
	defer func(before *modes) {
		if taken && before == nil && k.came != nil {
			k.came()
		}
	}(k.before)
	if front, err := foreground(k.file); err != nil || !front {
		return false, false
	}
	arrange := singleKeys
	if k.all {
		arrange = allKeys
	}
	before, err := arrange(k.file)
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

// hint tells how to get help, if keys arrive now.
func (k *keyboard) hint() string {
	switch {
	case !k.taken():
		return ""
	case k.all:
		return "Ctrl-] h for keys"
	}
	return "h for keys"
}

// giveBack restores the terminal. In the background the shell has it already.
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

// nudge makes read check the terminal again after a stop.
func (k *keyboard) nudge() {
	if k != nil {
		_, _ = k.waking.Write([]byte{0})
	}
}

// close gives the terminal back for good. read may wait for a last key, and returns with this key or with the program.
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
