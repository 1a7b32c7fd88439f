package cli

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"hotreload/runner"
)

// secondPress is how far apart two Ctrl-C must be to count as two: the terminal and a wrapper (go run, make) may both
// deliver one.
const secondPress = 300 * time.Millisecond

// handleSignals turns signals into commands until the returned function is called. The first Ctrl-C drains, the
// second kills; SIGTERM and SIGHUP drain however often they come.
func handleSignals(run *runner.Runner, c *console) (stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, append([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, terminalSignals...)...)
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
				default:
					terminalSignal(sig, run, c)
				}
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// parseSignal reads a signal's name, with or without SIG.
func parseSignal(name string) (syscall.Signal, error) {
	if s, ok := signalsByName[strings.TrimPrefix(strings.ToUpper(name), "SIG")]; ok {
		return s, nil
	}
	return 0, fmt.Errorf("--stop-signal %q is not a signal that asks a program to finish", name)
}
