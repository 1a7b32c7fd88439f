package settings

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"time"

	"hotreload/supervisor"
)

// workerCount is a number of workers.
type workerCount int

func (n *workerCount) String() string { return strconv.Itoa(int(*n)) }
func (n *workerCount) Type() string   { return "n" }

func (n *workerCount) Set(text string) error {
	if text == "auto" {
		*n = workerCount(runtime.GOMAXPROCS(0))
		return nil
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 {
		return errors.New(`a service has at least one worker: write a number from 1 on, or "auto"`)
	}
	*n = workerCount(count)
	return nil
}

// readiness is when a worker is ready.
type readiness struct {
	rule  supervisor.ReadyRule
	probe supervisor.Probe // of ReadyProbe
}

func parseReady(text string) (r readiness, err error) {
	switch text {
	case "auto":
		r.rule = supervisor.ReadyAuto
	case "notify":
		r.rule = supervisor.ReadyNotify
	case "alive":
		r.rule = supervisor.ReadyAlive
	default:
		r.rule = supervisor.ReadyProbe
		if r.probe, err = supervisor.ParseProbe(text); err != nil {
			return r, fmt.Errorf("--ready %q is none of auto, notify, alive, http:/path, http://host:port/path", text)
		}
	}
	return r, nil
}

// parseControl reads PORT or HOST:PORT, or nothing.
func parseControl(text string) (address string, err error) {
	if address, err = withHost(text); err != nil {
		err = fmt.Errorf("--control %q is not an address: %w", text, err)
	}
	return address, err
}

// withHost reads PORT or HOST:PORT; "" is nothing.
func withHost(text string) (address string, err error) {
	if address = text; address == "" {
		return "", nil
	}
	if _, err := strconv.Atoi(address); err == nil {
		address = ":" + address
	}
	_, _, err = net.SplitHostPort(address)
	return address, err
}

func longerThanNothing(d time.Duration) bool { return d > 0 }

func zeroOrOne(n int64) (wrong string) {
	if n < 0 || n > 1 {
		return "neither 0 nor 1"
	}
	return ""
}

func notNegative(n int64) (wrong string) {
	if n < 0 {
		return "not a number of requests"
	}
	return ""
}
