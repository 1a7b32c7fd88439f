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

// terminalNews is what a signal says about us and the terminal.
type terminalNews uint8

const (
	resized   terminalNews = iota + 1
	continued              // fg or bg
	dumped                 // Ctrl-\: the Go runtime says what everybody is doing, and ends us
)

// handleSignals turns signals into commands until the returned function is called. The first Ctrl-C drains, the
// second kills; SIGTERM and SIGHUP drain however often they come.
func handleSignals(run *runner.Group, c *console, k *keyboard) (stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	for sig := range terminalSignals {
		signal.Notify(signals, sig)
	}
	done := make(chan struct{})
	go func() { // ends with stop
		var first time.Time
		for {
			select {
			case <-done:
				return
			case sig := <-signals:
				switch {
				case sig == os.Interrupt && first.IsZero():
					first = time.Now()
					c.echoed()
					run.Do(runner.Stop)
				case sig == os.Interrupt:
					if time.Since(first) >= secondPress {
						run.Do(runner.Kill)
					}
				case sig == syscall.SIGTERM || sig == syscall.SIGHUP:
					if first.IsZero() {
						first = time.Now()
						run.Do(runner.Stop)
					}
				case terminalSignals[sig] == resized:
					run.Do(runner.Resize)
				case terminalSignals[sig] == continued:
					k.nudge()
				case terminalSignals[sig] == dumped:
					k.giveBack()
					repeat(sig)
				}
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
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
