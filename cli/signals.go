package cli

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotreload/runner"
)

// secondPress is how far apart two Ctrl-C must be to count as two: the terminal and a wrapper (npm, a script) may both
// deliver one.
const secondPress = 300 * time.Millisecond

// meaning is what a signal says.
type meaning uint8

const (
	stops     meaning = iota + 1 // finish and leave, however often it comes
	reloads                      // replace the workers
	rereads                      // read the configuration again and reload; or the terminal is gone
	grows                        // one worker more; or we are in the background and must not read the terminal
	shrinks                      // one worker less; or we must not write to it
	resized                      // the terminal has another size
	continued                    // fg or bg
	dumped                       // the Go runtime says what everybody is doing, and ends us
)

// hangupDelay is how long after SIGHUP it is looked again whether the terminal is gone: a shell that ends says so to its
// jobs, and then takes the terminal with it.
const hangupDelay = 250 * time.Millisecond

// handleSignals turns signals into commands until the returned function is called. The first Ctrl-C drains, the
// second kills; SIGTERM drains however often it comes.
func handleSignals(run *runner.Group, c *console, k *keyboard, settings *settingsFile) (stop func()) {
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
					settings.reread()
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
					settings.reread()
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

// lateSignals is how long after we were stopped more of the signals for it may come: the terminal sends one for each
// attempt. Felt right.
const lateSignals = time.Second

// heedJobControl takes the signals by which the terminal stops who uses it from the background, and which mean one
// worker more or less where it cannot have been the terminal: without one, and in the foreground. It does so until the
// program ends, since the Go runtime does not let go of such a signal any more (golang/go#41996): a write from the
// background would be tried for ever.
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
				c.say(dim(prefix) + yellow(sig.String()+": there are several services") + lineOf(hintLine("hotreload scale "+services[0].Name()+" 2")))
			case meanings[sig] == grows:
				services[0].Ask(runner.Request{Command: runner.Scale, More: 1})
			default:
				services[0].Ask(runner.Request{Command: runner.Scale, More: -1})
			}
		}
	}()
}

// stopSignalNamed reads the name of a signal that asks a program to finish, with or without SIG.
func stopSignalNamed(name string) (syscall.Signal, error) {
	if s, ok := signalsByName[plainName(name)]; ok {
		return s, nil
	}
	return 0, fmt.Errorf("--stop-signal %q is not a signal that asks a program to finish", name)
}

// signalNamed reads the name or the number of any signal.
func signalNamed(name string) (syscall.Signal, error) {
	if number, err := strconv.Atoi(name); err == nil && number > 0 && number <= 64 {
		return syscall.Signal(number), nil
	}
	if s, ok := signalsByName[plainName(name)]; ok {
		return s, nil
	}
	if s := signalNumber("SIG" + plainName(name)); s != 0 {
		return s, nil
	}
	return 0, fmt.Errorf("%q is not the name of a signal", name)
}

func plainName(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "SIG") }
