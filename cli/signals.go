package cli

import (
	"os"
	"os/signal"
	"time"

	"hotreload/runner"
)

// secondPress is the shortest time between two Ctrl-C that count as two: the terminal and a wrapper (npm, a script) may
// both deliver one.
const secondPress = 300 * time.Millisecond

// meaning is the command of a signal.
type meaning uint8

const (
	stops     meaning = iota + 1 // finish and exit, even if repeated
	reloads                      // replace the workers
	rereads                      // read the configuration again and reload; or the terminal has closed
	grows                        // one worker more; or a read of the terminal from the background
	shrinks                      // one worker less; or a write from the background
	resized                      // the terminal's size has changed
	continued                    // fg or bg
	dumped                       // the Go runtime prints all goroutines and ends hotreload
)

// hangupDelay is the time after SIGHUP until hotreload checks again whether the terminal has closed: a shell that ends
// first sends SIGHUP to its jobs, and then closes the terminal.
const hangupDelay = 250 * time.Millisecond

// handleSignals turns signals into commands until the returned function is called. The first Ctrl-C drains, the second
// kills; SIGTERM always drains.
func handleSignals(run *runner.Group, c *console, k *keyboard, file *settingsFile) (stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt)
	for sig, means := range meanings {
		if means != grows && means != shrinks && !(means == rereads && signal.Ignored(sig)) { // nohup
			signal.Notify(signals, sig)
		}
	}
	heedJobControl(run, c)
	hadTerminal := hasTerminal()
	done := make(chan struct{})
	go func() { // ends with stop
		var first time.Time
		leave := func() {
			if first.IsZero() {
				first = time.Now()
				run.Do(runner.Stop)
			}
		}
		var settled <-chan time.Time
		for {
			select {
			case <-done:
				return
			case <-settled:
				settled = nil
				if hadTerminal && !hasTerminal() {
					leave()
				} else {
					file.reread()
				}
			case sig := <-signals:
				switch means := meanings[sig]; {
				case sig == os.Interrupt && first.IsZero():
					c.echoed()
					leave()
				case sig == os.Interrupt:
					if time.Since(first) >= secondPress {
						run.Do(runner.Kill)
					}
				case means == stops:
					leave()
				case means == reloads:
					run.Do(runner.Reload)
				case means == rereads && hadTerminal && hasTerminal():
					settled = time.After(hangupDelay)
				case means == rereads && hadTerminal:
					leave()
				case means == rereads:
					file.reread()
				case means == resized:
					run.Do(runner.Resize)
				case means == continued:
					k.nudge()
				case means == dumped:
					k.giveBack()
					repeat(sig)
				}
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// lateSignals is how long after a stop more of its signals may arrive: the terminal sends one per attempt. Felt right.
const lateSignals = time.Second

// heedJobControl handles the signals by which the terminal stops a process that uses the terminal from the background.
// If the terminal cannot have sent the signal (no terminal, or in the foreground), the signal means one worker more or
// less. The handler stays until the program ends, because the Go runtime does not reset such a signal
// (golang/go#41996): a write from the background would be tried for ever.
func heedJobControl(run *runner.Group, c *console) {
	signals := make(chan os.Signal, 1)
	for sig, means := range meanings {
		if means == grows || means == shrinks {
			signal.Notify(signals, sig)
		}
	}
	go func() { // ends with the program
		var stopped time.Time
		for sig := range signals {
			services := run.Services()
			switch {
			case inBackground():
				stopUs()
				stopped = time.Now()
			case time.Since(stopped) < lateSignals:
			case len(services) > 1:
				c.say(dim(prefix) + yellow(sig.String()+": ignored, because there are several services") +
					lineOf(hintLine("hotreload scale "+services[0].Name()+" 2")))
			case meanings[sig] == grows:
				services[0].Ask(runner.Request{Command: runner.Scale, More: 1})
			default:
				services[0].Ask(runner.Request{Command: runner.Scale, More: -1})
			}
		}
	}()
}
